package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// h2spec asks a server about each rule of RFC 9113 and RFC 7541. Straight it
// asks Go's own server: ours stands on it and must not be worse.

// h2specHost is the name that h2spec writes into requests: it is told to connect
// to it, so it has to be one that leads to the forwarder.
const h2specHost = "localhost"

const (
	h2specPatience = 5 * time.Minute
	h2specSilence  = "4" // seconds without a frame that mean there will be none; the suite's own 2 are few on a busy machine
)

func runH2spec(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	o, err := s.startOrigin(h2specHost, plainHandler(), "h2", "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	d, l, err := s.openLocal(ctx, h2specHost, o.addr())
	if err != nil {
		return got, err
	}
	defer d.close()
	f := newRelay(l, d.connect)
	defer f.close()
	// Both at once: the suite waits for silence most of its time.
	var both errgroup.Group
	both.Go(func() (err error) {
		got.direct, err = s.h2spec(ctx, o.port())
		return err
	})
	both.Go(func() (err error) {
		got.through, err = s.h2spec(ctx, f.port())
		return err
	})
	return got, both.Wait()
}

// plainHandler answers every request with enough for a window to run out.
func plainHandler() http.Handler {
	text := strings.Repeat("0123456789abcde\n", 16)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, text)
	})
}

// h2spec runs the suite against a port, and gives verdicts by the number of the
// section and the text of the case.
func (s *stage) h2spec(ctx context.Context, port string) (map[string]string, error) {
	file := s.path("h2spec-" + port + ".xml")
	r, err := output(ctx, h2specPatience, s.dir, s.environ, s.tool("h2spec"), "-t", "-k", "-h", h2specHost, "-p", port, "-o", h2specSilence, "-j", file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("h2spec left no report: %w: %s", err, last(r.output))
	}
	return readH2spec(text)
}

func readH2spec(text []byte) (map[string]string, error) {
	var junit struct {
		Suites []struct {
			Package string `xml:"package,attr"`
			Cases   []struct {
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &junit); err != nil {
		return nil, fmt.Errorf("read h2spec's report: %w", err)
	}
	all := map[string]string{}
	for _, suite := range junit.Suites {
		for _, c := range suite.Cases {
			verdict := passed
			switch {
			case c.Failure != nil, c.Error != nil:
				verdict = failed
			case c.Skipped != nil:
				verdict = skipped
			}
			all[suite.Package+" "+c.Name] = verdict
		}
	}
	return all, nil
}
