package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"
)

// h2load and vegeta send many requests at once, and none of them may fail. How
// fast they are answered is for make bench-quick.

const (
	loadHost     = "load.interop.test"
	loadPatience = 3 * time.Minute
)

func runH2load(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	o, err := s.startOrigin("localhost", plainHandler(), "h2", "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	d, l, err := s.openLocal(ctx, "localhost", o.addr())
	if err != nil {
		return got, err
	}
	defer d.close()
	f := newRelay(l, d.connect)
	defer f.close()
	for name, args := range map[string][]string{"HTTP/2": {"-m", "20"}, "HTTP/1.1": {"--h1"}} {
		r, err := output(ctx, loadPatience, s.dir, s.environ, append(append([]string{"h2load", "-n", "4000", "-c", "40"}, args...), "https://"+d.origin+"/")...)
		if err != nil {
			return got, err
		}
		got.through[name] = readH2load(r.output, "4000")
	}
	return got, nil
}

var h2loadLine = regexp.MustCompile(`(?m)^requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, .*$`)

func readH2load(output, want string) string {
	m := h2loadLine.FindStringSubmatch(output)
	switch {
	case m == nil:
		return "no report"
	case m[1] != want || m[2] != want:
		return m[0]
	}
	return passed
}

func runVegeta(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	o, err := s.startOrigin(loadHost, plainHandler(), "h2", "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	d, err := s.open(ctx, net.JoinHostPort(loadHost, o.port()), o.addr(), true)
	if err != nil {
		return got, err
	}
	defer d.close()
	targets, hits := s.path("targets"), s.path("hits")
	if err := os.WriteFile(targets, []byte("GET https://"+d.origin+"/\n"), 0o600); err != nil {
		return got, err
	}
	for name, args := range map[string][]string{
		"HTTP/2": nil, "HTTP/1.1": {"-http2=false"}, "with a placeholder": {"-header", "X-Key: " + placeholder},
	} {
		attack := append([]string{
			s.tool("vegeta"), "attack", "-targets", targets, "-rate", "100", "-duration", "10s", "-timeout", "60s", "-root-certs", d.roots, "-output", hits,
		}, args...)
		if r, err := output(ctx, loadPatience, s.dir, d.environ, attack...); err != nil || !r.ok {
			return got, fmt.Errorf("vegeta: %w: %s", err, last(r.output))
		}
		r, err := output(ctx, loadPatience, s.dir, d.environ, s.tool("vegeta"), "report", "-type", "json", hits)
		if err != nil {
			return got, err
		}
		if got.through[name], err = readVegeta(r.output, 500); err != nil {
			return got, err
		}
	}
	return got, nil
}

// readVegeta wants at least so many requests: on a busy machine there is no time
// for all that were asked for.
func readVegeta(output string, least int) (string, error) {
	var report struct {
		Requests int            `json:"requests"`
		Success  float64        `json:"success"`
		Codes    map[string]int `json:"status_codes"`
		Errors   []string       `json:"errors"`
	}
	if err := json.Unmarshal([]byte(output), &report); err != nil {
		return "", fmt.Errorf("read vegeta's report: %w: %s", err, last(output))
	}
	if report.Requests < least || report.Success != 1 || report.Codes["200"] != report.Requests || len(report.Errors) > 0 {
		return strings.ReplaceAll(fmt.Sprintf("%d requests, %v, %q", report.Requests, report.Codes, report.Errors), "|", "/"), nil
	}
	return passed, nil
}
