package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// origin serves h under a certificate that a dialer trusts.
func serve(t *testing.T, h http.HandlerFunc) *dialer {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.StartTLS()
	t.Cleanup(s.Close)
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	d, err := newDialer(hello{URL: s.URL, CA: string(root)}, "")
	if err != nil {
		t.Fatal(err)
	}
	d.tls.ServerName = "example.com" // which the test server has a certificate for
	return d
}

// Whatever is not the very response that is expected makes an exchange fail.
func TestExchangeCompares(t *testing.T) {
	value := "sk-bench-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	want := answer("Bearer " + redacted(value))
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		ok     bool
	}{
		"as it has to be": {func(w http.ResponseWriter) { w.Write(want) }, true},
		"in chunks": {func(w http.ResponseWriter) {
			w.Write(want[:100])
			http.NewResponseController(w).Flush()
			w.Write(want[100:])
		}, true},
		"not redacted": {func(w http.ResponseWriter) { w.Write(answer("Bearer " + value)) }, false},
		"too short":    {func(w http.ResponseWriter) { w.Write(want[:1000]) }, false},
		"too long":     {func(w http.ResponseWriter) { w.Write(append(want[:len(want):len(want)], 'x')) }, false},
		"too long, chunks": {func(w http.ResponseWriter) {
			w.Write(want)
			http.NewResponseController(w).Flush()
			io.WriteString(w, "x")
		}, false},
		"an error": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway); w.Write(want) }, false},
		"empty":    {func(http.ResponseWriter) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, func(w http.ResponseWriter, _ *http.Request) { c.answer(w) })
			conn, err := d.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			err = conn.exchange([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), want, make([]byte, answerLen))
			if (err == nil) != c.ok || err != nil && !errors.Is(err, errWrong) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFetchCompares(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w http.ResponseWriter, r *http.Request)
		ok     bool
	}{
		"as it has to be": {serveBulk, true},
		"a byte differs": {func(w http.ResponseWriter, r *http.Request) {
			b := text()
			b[len(b)-7] ^= 1
			w.Write(append(b, text()[:1000]...))
		}, false},
		"cut off": {func(w http.ResponseWriter, r *http.Request) { w.Write(text()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := serve(t, c.change)
			conn, err := d.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			n := int64(1<<20 + 1000)
			_, err = conn.fetch(fmt.Appendf(nil, "GET /?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", n), n)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, errWrong) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFollow(t *testing.T) {
	d := serve(t, serveEvents)
	conn, err := d.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	took, err := conn.follow([]byte("GET /?n=3 HTTP/1.1\r\nHost: x\r\n\r\n"))
	if err != nil || len(took) != 3 || took[0] <= 0 {
		t.Errorf("%v %v", took, err)
	}
}

// What an origin sends at an event's end and a proxy keeps is seen.
func TestHeld(t *testing.T) {
	for _, kept := range []int{0, 5} {
		d := serve(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, heldEvent[:len(heldEvent)-kept])
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		got, err := (&peer{dial: d}).held(t.Context(), []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		if err != nil || got != kept {
			t.Errorf("%d held, not %d: %v", got, kept, err)
		}
	}
}

func TestConnectRefused(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer s.Close()
	root, pem, err := newRoot()
	if err != nil || root == nil {
		t.Fatal(err)
	}
	d, err := newDialer(hello{URL: s.URL, CA: string(pem)}, "x.test:443")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.dial(t.Context()); err == nil || !strings.Contains(err.Error(), "407") {
		t.Errorf("error %v", err)
	}
}
