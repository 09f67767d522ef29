package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

// The origin's names say which protocol it speaks.
const (
	http1 = "one.soak.test"
	http2 = "two.soak.test"
)

type origin struct {
	listener net.Listener
	server   *http.Server
	root     *ca.Authority
	flow     flow
}

func newOrigin() (*origin, error) {
	root, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return nil, err
	}
	o := &origin{root: root}
	if o.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", serveEcho)
	mux.HandleFunc("/up", serveUp)
	mux.HandleFunc("/down", serveDown)
	mux.HandleFunc("/events", o.flow.serve)
	o.server = &http.Server{
		Handler: mux, ErrorLog: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{GetConfigForClient: o.speak},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100_000},
	}
	go func() { _ = o.server.ServeTLS(o.listener, "", "") }() // until close
	return o, nil
}

func (o *origin) speak(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	leaf, err := o.root.Leaf(hello.ServerName)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{*leaf}, NextProtos: []string{"http/1.1"}}
	if hello.ServerName == http2 {
		cfg.NextProtos = []string{"h2"}
	}
	return cfg, nil
}

func (o *origin) close() { _ = o.server.Close() }

func (o *origin) port() int { return o.listener.Addr().(*net.TCPAddr).Port }

func (o *origin) authority(name string) string { return fmt.Sprintf("%s:%d", name, o.port()) }

// rootFile writes what verifies the origin.
func (o *origin) rootFile(dir string) string {
	path := filepath.Join(dir, "origin-ca.pem")
	_ = os.WriteFile(path, o.root.PEM(), 0o600) // the proxy says so where it is missing
	return path
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.Header.Get("Authorization"))
}

// serveUp answers with the digest of what it was sent.
func serveUp(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, hex.EncodeToString(sum.Sum(nil)))
}

// serveDown sends ?n= bytes with a declared length.
func serveDown(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.ParseInt(r.URL.Query().Get("n"), 10, 64)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	_, _ = io.CopyBuffer(w, newText(n), make([]byte, 64<<10))
}

// serve sends the events of stream ?i=, each with its number and the time at which
// it is sent. Streams do not send at the same time.
func (f *flow) serve(w http.ResponseWriter, r *http.Request) {
	i, err := strconv.Atoi(r.URL.Query().Get("i"))
	if err != nil || i < 0 || i >= len(f.arrived) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush()
	select {
	case <-f.start:
	case <-r.Context().Done():
		return
	}
	next := time.Now().Add(f.gap * time.Duration(i) / time.Duration(f.streams))
	for n := range f.events {
		if !wait(r.Context(), time.Until(next)) {
			return
		}
		next = next.Add(f.gap)
		fmt.Fprintf(w, "data: %d %d\n\n", n, time.Now().UnixNano())
		_ = http.NewResponseController(w).Flush()
		select {
		case <-f.arrived[i]:
		case <-r.Context().Done():
			return
		case <-time.After(2 * f.late):
			return // the client misses what is left
		}
	}
}

// wait reports whether d has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
