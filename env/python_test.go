package env

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// interpreter is one Python with its version.
type interpreter struct {
	path         string
	major, minor int
}

// hooked reports whether the hook does its work in this Python, rather than only
// stay out of the way.
func (p interpreter) hooked() bool { return p.major == 3 && p.minor >= 6 }

// pythons are those on PATH and those of pyenv.
func pythons(t *testing.T) []interpreter {
	t.Helper()
	root := os.Getenv("PYENV_ROOT")
	if root == "" {
		root = filepath.Join(os.Getenv("HOME"), ".pyenv")
	}
	paths, err := filepath.Glob(filepath.Join(root, "versions", "*", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"python3", "python3.13", "python3.14"} {
		if path, err := exec.LookPath(name); err == nil {
			paths = append(paths, path)
		}
	}
	for _, name := range []string{"python3.13", "python3.14"} { // the one of make clients
		paths = append(paths, filepath.Join("..", ".cache", "bin", name))
	}
	var all []interpreter
	for _, path := range paths {
		out, err := exec.Command(path, "-c", "import os, sys; print('%d %d %s' % (sys.version_info[0], sys.version_info[1], os.path.realpath(sys.executable)))").Output()
		if err != nil {
			continue // pyenv's shim of a version that is not selected
		}
		var p interpreter
		if _, err := fmt.Sscan(string(out), &p.major, &p.minor, &p.path); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if !slices.ContainsFunc(all, func(p interpreter) bool { return p.major == 3 && p.minor == 13 }) {
		t.Fatal("these tests run a Python 3.13, whose TLS is the strictest: .ci/tools finds or installs one")
	}
	return all
}

// python runs one and returns what it wrote. Its error stream must be empty.
func python(t *testing.T, p interpreter, environ []string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Env = environ
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Errorf("%s %q: %v\n%s%s", p.path, args, err, out.Bytes(), errs.Bytes())
	}
	return out.String(), errs.String()
}

// said is what testdata/hooked.py found.
type said struct {
	Pinned         string   `json:"pinned"`
	PinnedRoots    []string `json:"pinned roots"`
	ServerRoots    []string `json:"server roots"`
	BareRoots      []string `json:"bare roots"`
	NoVerification string   `json:"no verification"`
	WrongUse       string   `json:"wrong use"`
	Before         any      `json:"before"`
	Sitecustomize  string   `json:"sitecustomize"`
	Loader         string   `json:"loader"`
	LoaderOfSpec   string   `json:"loader of spec"`
}

func TestPythonTrustsTheCA(t *testing.T) {
	w, url, other := pythonWorld(t)
	for _, p := range pythons(t) {
		t.Run(fmt.Sprintf("%d.%d", p.major, p.minor), func(t *testing.T) {
			t.Parallel()
			vars := append(pythonVars(t, w), "SSL_CERT_FILE="+other) // which the program chose itself
			got := ask(t, p, vars, "testdata/hooked.py", url, other)
			want := "hello HTTP/1.1"
			if !p.hooked() {
				want = "error "
			}
			if !strings.HasPrefix(got.Pinned, want) || got.NoVerification != "hello HTTP/1.1" {
				t.Errorf("a client with roots of its own got %q, one without verification %q", got.Pinned, got.NoVerification)
			}
			if p.hooked() {
				if !slices.Equal(slices.Sorted(slices.Values(got.PinnedRoots)), []string{"other root", "test root"}) || !slices.Contains(got.BareRoots, "test root") {
					t.Errorf("clients trust %q and %q", got.PinnedRoots, got.BareRoots)
				}
				if got.WrongUse == "" || got.Loader != "SourceFileLoader" || got.LoaderOfSpec != got.Loader {
					t.Errorf("seen from inside: %+v", got)
				}
			}
			if told := p.minor >= 10; told && !slices.Equal(got.ServerRoots, []string{"other root"}) { // before, both sides look alike
				t.Errorf("a server lets in clients of %q", got.ServerRoots)
			}
			// With -I and -E there is no hook, and nothing breaks.
			for _, flag := range []string{"-I", "-E"} {
				if (flag == "-I") != p.hooked() { // which is one that 2.7 does not have
					continue
				}
				if got := ask(t, p, vars, flag, "testdata/hooked.py", url, other); !strings.HasPrefix(got.Pinned, "error ") {
					t.Errorf("%s: a client with roots of its own got %q", flag, got.Pinned)
				}
			}
		})
	}
}

// The sitecustomize that ours stands in front of runs as if ours were not there,
// once, behind any number of our hooks.
func TestPythonHookGivesWay(t *testing.T) {
	w, url, other := pythonWorld(t)
	theirs := filepath.Dir(put(t, "sitecustomize.py", "import sys\nsys.said_before = getattr(sys, 'said_before', 0) + 1\n"))
	for _, p := range pythons(t) {
		if p.hooked() && p.minor != 9 && p.minor != 13 {
			continue // the others do the same
		}
		t.Run(fmt.Sprintf("%d.%d", p.major, p.minor), func(t *testing.T) {
			t.Parallel()
			vars := pythonVars(t, w, "PYTHONPATH="+theirs)
			got := ask(t, p, pythonVars(t, w, vars...), "testdata/hooked.py", url, other) // a run in a shell of the proxy
			if got.Before != 1.0 || filepath.Dir(got.Sitecustomize) != theirs {
				t.Errorf("it ran %v times, and is %s", got.Before, got.Sitecustomize)
			}
			if p.hooked() && got.Pinned != "hello HTTP/1.1" {
				t.Errorf("a client with roots of its own got %q", got.Pinned)
			}
		})
	}
}

// What goes wrong in the hook is one line, and in theirs what Python makes of it.
func TestPythonGoesOnWithoutTheHook(t *testing.T) {
	w, url, other := pythonWorld(t)
	broken := filepath.Dir(put(t, "sitecustomize.py", "raise ValueError('theirs')\n"))
	for _, p := range pythons(t) {
		if p.minor != 9 && p.minor != 13 {
			continue // the others do the same
		}
		t.Run(fmt.Sprintf("%d.%d", p.major, p.minor), func(t *testing.T) {
			t.Parallel()
			gone := append(pythonVars(t, w), "AGENTSECRETS_CA=/nowhere/ca.pem")
			stdout, stderr := python(t, p, gone, "testdata/hooked.py", url, other)
			if !strings.Contains(stdout, `"pinned": "error `) || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "agentsecrets: the hook for Python failed: ") {
				t.Errorf("without the CA:\n%s%s", stdout, stderr)
			}
			_, alone := python(t, p, []string{"PYTHONPATH=" + broken}, "-c", "pass")
			_, behind := python(t, p, pythonVars(t, w, "PYTHONPATH="+broken), "-c", "pass")
			if alone != behind || !strings.Contains(alone, "theirs") {
				t.Errorf("a broken sitecustomize says\n%s, behind ours\n%s", alone, behind)
			}
		})
	}
}

// Counted is what the processor did: the clock tells of other programs too.
func TestPythonHookCostsLittle(t *testing.T) {
	w, _, _ := pythonWorld(t)
	for _, p := range pythons(t) {
		if p.minor != 13 {
			continue // the others do the same work
		}
		with, without := time.Hour, time.Hour
		for range 8 {
			vars := pythonVars(t, w)
			with = min(with, busy(t, p, vars))
			without = min(without, busy(t, p, append(vars, "PYTHONPATH=")))
		}
		t.Logf("%s: %v with the hook, %v without", p.path, with, without)
		if with-without > 20*time.Millisecond {
			t.Errorf("%s: the hook takes %v", p.path, with-without)
		}
	}
}

func busy(t *testing.T, p interpreter, environ []string) time.Duration {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.path, "-c", "import ssl; ssl.create_default_context()")
	cmd.Env = environ
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", p.path, err, out)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// pythonWorld is a world, where its origin is, and a file of roots without its CA.
func pythonWorld(t *testing.T) (w *world, url, other string) {
	t.Helper()
	w = newWorld(t)
	return w, w.origin.URL, put(t, "other.pem", string(rootNamed(t, "other root")))
}

// pythonVars are those of a Child without a proxy: it is TLS that is tested.
func pythonVars(t *testing.T, w *world, environ ...string) []string {
	t.Helper()
	vars, notices, err := Child{
		Environ: append([]string{"PATH=" + os.Getenv("PATH")}, environ...), ProxyURL: proxyURL, CA: w.ca,
		Bundle: func(string) ([]byte, error) { return w.ca, nil },
		Dir:    filepath.Join(t.TempDir(), `a "quoted" place's name`),
	}.Vars()
	if err != nil || len(notices) > 0 {
		t.Fatal(err, notices)
	}
	return vars
}

func ask(t *testing.T, p interpreter, environ []string, args ...string) said {
	t.Helper()
	stdout, stderr := python(t, p, environ, args...)
	var got said
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || stderr != "" {
		t.Errorf("%s: %v\n%s%s", p.path, err, stdout, stderr)
	}
	return got
}
