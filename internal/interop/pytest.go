package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The tests of requests and httpx themselves. Those that talk to a server of
// their suite do so through us, by a plugin that gives them the proxy; the
// others run too, and must not notice.

const pytestPatience = 15 * time.Minute

// pySuite is a project's own tests, as its source package holds them.
type pySuite struct {
	source   string   // the folder of its source
	code     string   // the folder in that to import from
	fixtures string   // that give a server
	left     []string // tests that are not run
}

func requestsSuite() pySuite {
	return pySuite{source: "requests-2.34.2", code: "src", fixtures: "httpbin,httpbin_secure", left: []string{
		// They wait for an address of somebody's private network not to answer.
		"tests/test_requests.py::TestTimeout::test_connect_timeout", "tests/test_requests.py::TestTimeout::test_total_timeout_connect",
	}}
}

func httpxSuite() pySuite {
	return pySuite{source: "httpx-0.28.1", code: ".", fixtures: "server,https_server", left: []string{
		// It wants that a socket does not take 100 MiB within a microsecond each: the machine decides that.
		"tests/test_timeouts.py::test_write_timeout",
		// The suite marks these as needing a network: they ask for names and addresses that are not of this machine.
		"tests/test_timeouts.py::test_connect_timeout",
		"tests/client/test_proxies.py::test_async_proxy_close", "tests/client/test_proxies.py::test_sync_proxy_close",
	}}
}

func (p pySuite) run(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	o, err := s.startOrigin("release.interop.test", plainHandler(), "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	roots, err := s.httpbinRoots(ctx)
	if err != nil {
		return got, err
	}
	d, err := s.open(ctx, net.JoinHostPort("release.interop.test", o.port()), o.addr(), true, "--origin-ca", roots, "--password-file", s.path("password"))
	if err != nil {
		return got, err
	}
	defer d.close()
	if got.direct, err = p.pytest(ctx, s, nil); err != nil {
		return got, err
	}
	got.through, err = p.pytest(ctx, s, d)
	return got, err
}

// httpbinRoots is the file that verifies the suite's own server.
func (s *stage) httpbinRoots(ctx context.Context) (string, error) {
	r, err := output(ctx, time.Minute, s.dir, s.environ, s.python(), "-c", "import pytest_httpbin.certs; print(pytest_httpbin.certs.where())")
	if err != nil {
		return "", err
	}
	if !r.ok {
		return "", fmt.Errorf("find the roots of httpbin: %s", last(r.output))
	}
	return strings.TrimSpace(r.output), nil
}

func (s *stage) python() string { return filepath.Join(s.tools, "python3", "bin", "python") }

// pytest runs the suite, through d if there is one.
func (p pySuite) pytest(ctx context.Context, s *stage, d *door) (map[string]string, error) {
	dir := filepath.Join(s.tools, "src", p.source)
	path := filepath.Join(dir, p.code) + string(os.PathListSeparator) + filepath.Join(s.tools, "python")
	file := s.path(p.source + "-direct.xml")
	args := []string{s.python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "interop_local", "-o", "junit_family=xunit2"}
	environ := append(s.environ[:len(s.environ):len(s.environ)], "PYTHONDONTWRITEBYTECODE=1")
	if d != nil {
		file = s.path(p.source + "-through.xml")
		args = append(args, "-p", "interop_proxy")
		environ = append(environ, "INTEROP_FIXTURES="+p.fixtures, "INTEROP_PROXY="+d.proxy.String(), "INTEROP_ROOTS="+d.roots)
	}
	for _, test := range p.left {
		args = append(args, "--deselect", test)
	}
	r, err := output(ctx, pytestPatience, dir, append(environ, "PYTHONPATH="+path), append(args, "--junitxml", file, "tests")...)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s left no report: %w: %s", p.source, err, last(r.output))
	}
	return readPytest(text)
}

func readPytest(text []byte) (map[string]string, error) {
	var junit struct {
		Suites []struct {
			Cases []struct {
				Class   string     `xml:"classname,attr"`
				Name    string     `xml:"name,attr"`
				Failure []struct{} `xml:"failure"`
				Error   []struct{} `xml:"error"`
				Skipped []struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &junit); err != nil {
		return nil, fmt.Errorf("read pytest's report: %w", err)
	}
	all := map[string]string{}
	for _, suite := range junit.Suites {
		for _, c := range suite.Cases {
			verdict := passed
			switch {
			case len(c.Failure)+len(c.Error) > 0:
				verdict = failed
			case len(c.Skipped) > 0:
				verdict = skipped
			}
			all[strings.ReplaceAll(c.Class+"."+c.Name, "|", "/")] = verdict
		}
	}
	return all, nil
}
