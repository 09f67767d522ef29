package main

import (
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
)

// Another proxy is used by its URL and its root alone: here one that takes nothing
// out, with a placeholder and a value of its own.
func TestForeignProxy(t *testing.T) {
	const value = "sk-live_Zq3vN8xTr7mK2pW9dEfGhJ"
	dir := t.TempDir()
	root, err := ca.Open(filepath.Join(dir, "origin"), ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root.PEM())
	p, err := newControl(pool, []string{"{{KEY}}", value}, []string{"-", "-"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() { p.serve(l); close(ended) }()
	t.Cleanup(func() { l.Close(); <-ended })
	roots := filepath.Join(dir, "proxy-ca.pem")
	if err := os.WriteFile(roots, p.root.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"PROXY": (&url.URL{Scheme: "http", Host: l.Addr().String()}).String(), "CA": roots, "PLACEHOLDER": "{{KEY}}", "VALUE": value}
	run := func() (stdout string, err error) {
		var out, notes strings.Builder
		o, err := parse([]string{"-dir", filepath.Join(dir, "origin"), "-only", "hexlify | ", "-seed", "7", "-shown", "200"}, func(name string) string { return vars[name] })
		if err == nil {
			err = start(t.Context(), o, &out, &notes)
		}
		return out.String(), err
	}
	stdout, err := run()
	if err == nil || !strings.Contains(err.Error(), "cells leak") || strings.Contains(stdout, "not put in") {
		t.Errorf("%v\n%s", err, stdout)
	}
	for _, says := range []string{"hexlify | body | HTTP/2 | zstd | 1-byte | given leaks", "hexlify | WebSocket | HTTP/1.1 | identity | whole | given leaks", "-seed 7 -only 'hexlify"} {
		if !strings.Contains(stdout, says) {
			t.Errorf("does not say %q:\n%s", says, stdout)
		}
	}
	vars["PLACEHOLDER"] = "{{OTHER}}"
	if stdout, err = run(); err == nil || !strings.Contains(stdout, "the value was not put in") || strings.Contains(stdout, "leaks:") {
		t.Errorf("where nothing was put in: %v\n%s", err, stdout)
	}
}

func TestParse(t *testing.T) {
	for _, x := range []struct {
		args []string
		vars map[string]string
		ok   bool
	}{
		{nil, nil, true},
		{[]string{"-control"}, nil, true},
		{[]string{"more"}, nil, false},
		{nil, map[string]string{"PROXY": "http://127.0.0.1:1"}, false},
		{nil, map[string]string{"PROXY": "http://127.0.0.1:1", "CA": "c", "PLACEHOLDER": "p", "VALUE": "0123456789abcdef"}, true},
		{nil, map[string]string{"PROXY": "http://127.0.0.1:1", "CA": "c", "PLACEHOLDER": "p", "VALUE": "short"}, false},
		{[]string{"-control"}, map[string]string{"PROXY": "http://127.0.0.1:1", "CA": "c", "PLACEHOLDER": "p", "VALUE": "0123456789abcdef"}, false},
	} {
		if _, err := parse(x.args, func(name string) string { return x.vars[name] }); (err == nil) != x.ok {
			t.Errorf("%q %v: %v", x.args, x.vars, err)
		}
	}
}
