package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// testssl.sh looks at the TLS that clients meet.

const (
	tlsHost         = "localhost"
	testsslPatience = 10 * time.Minute
)

// tlsFindings are those of testssl.sh's checks that there must be. What it finds
// besides is counted as one.
func tlsFindings() []string {
	return []string{
		"SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "ALPN",
		"cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW", "cipherlist_3DES_IDEA", "cipherlist_AVERAGE", "cipherlist_STRONG",
		"PFS", "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS",
		"POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4",
	}
}

const otherFindings = "everything else"

func runTestssl(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	o, err := s.startOrigin(tlsHost, plainHandler(), "h2", "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	d, l, err := s.openLocal(ctx, tlsHost, o.addr())
	if err != nil {
		return got, err
	}
	defer d.close()
	f := newRelay(l, d.connect)
	defer f.close()
	file := s.path("testssl.json")
	// It tries its own OpenSSL on a host that there is not, which it would look up.
	environ := append(slices.Clip(s.environ), "NXCONNECT=127.0.0.1:0")
	r, err := output(ctx, testsslPatience, s.dir, environ, "testssl", "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1", "--nodns", "none",
		"--protocols", "--std", "--pfs", "--vulnerable", "--jsonfile", file, d.origin)
	if err != nil {
		return got, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return got, fmt.Errorf("testssl.sh left no report: %w: %s", err, last(r.output))
	}
	got.through, err = readTestssl(text)
	return got, err
}

// readTestssl takes what is good or of no concern as passed.
func readTestssl(text []byte) (map[string]string, error) {
	var all []struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
		Finding  string `json:"finding"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("read testssl.sh's report: %w", err)
	}
	got := map[string]string{otherFindings: passed}
	bad := map[string]bool{}
	for _, f := range all {
		verdict := passed
		if !slices.Contains([]string{"OK", "INFO", "DEBUG"}, f.Severity) {
			verdict = f.Severity + ": " + strings.Join(strings.Fields(strings.ReplaceAll(f.Finding, "|", "/")), " ")
		}
		switch {
		case f.ID == "engine_problem": // of the suite's own OpenSSL
		case slices.Contains(tlsFindings(), f.ID):
			got[f.ID] = verdict
		case verdict != passed:
			bad[f.ID+" "+verdict] = true
		}
	}
	if len(bad) > 0 {
		got[otherFindings] = strings.Join(slices.Sorted(maps.Keys(bad)), "; ")
	}
	return got, nil
}
