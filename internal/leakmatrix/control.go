package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/agentsecrets/agentsecrets/ca"
)

// control is a proxy that puts values in and takes none out: what the matrix has
// to find fault with.
type control struct {
	root   *ca.Authority
	pairs  *strings.Replacer // placeholders and their values, as they stand in a field
	inJSON *strings.Replacer // and in a body
	back   http.Handler
	server *http.Server // of what comes through tunnels
	conns  chan net.Conn
}

// newControl reaches the origin's hosts on this machine.
func newControl(originRoots *x509.CertPool, pairs, inJSON []string) (*control, error) {
	root, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return nil, err
	}
	p := &control{root: root, pairs: strings.NewReplacer(pairs...), inJSON: strings.NewReplacer(inJSON...), conns: make(chan net.Conn)}
	p.back = &httputil.ReverseProxy{
		Rewrite: p.rewrite, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
			},
			TLSClientConfig: &tls.Config{RootCAs: originRoots}, ForceAttemptHTTP2: true, DisableCompression: true,
		},
	}
	p.server = &http.Server{
		Handler: p.back, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return root.Leaf(h.ServerName) }},
	}
	return p, nil
}

func (p *control) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "https", r.In.Host, r.In.Host
	for _, values := range r.Out.Header {
		for i := range values {
			values[i] = p.pairs.Replace(values[i])
		}
	}
	if r.Out.Body == nil || r.Out.ContentLength <= 0 {
		return
	}
	body, err := io.ReadAll(r.Out.Body)
	if err != nil {
		return // and the origin gets a body that is cut short
	}
	body = []byte(p.inJSON.Replace(string(body)))
	r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// ServeHTTP opens tunnels.
func (p *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT alone", http.StatusMethodNotAllowed)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	p.conns <- conn
}

// serve answers on l until it is closed.
func (p *control) serve(l net.Listener) {
	go func() { _ = p.server.ServeTLS(&tunnels{l, p.conns}, "", "") }() // ends with the next line's end
	_ = http.Serve(l, p)
	close(p.conns)
	_ = p.server.Close()
}

// tunnels is a listener of what comes through them.
type tunnels struct {
	net.Listener
	conns chan net.Conn
}

func (t *tunnels) Accept() (net.Conn, error) {
	if c, ok := <-t.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// startControl starts it for the stage's origin.
func (g *stage) startControl(kinds []kind) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(g.origin.root.PEM())
	var pairs, inJSON []string
	for _, k := range kinds {
		text, err := json.Marshal(k.value)
		if err != nil {
			return err
		}
		pairs = append(pairs, k.placeholder(), k.value)
		inJSON = append(inJSON, `"`+k.placeholder()+`"`, string(text))
	}
	p, err := newControl(pool, pairs, inJSON)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	go p.serve(l)
	g.ends = append(g.ends, func() { l.Close() })
	g.target.url = &url.URL{Scheme: "http", Host: l.Addr().String()}
	g.target.roots = x509.NewCertPool()
	g.target.roots.AppendCertsFromPEM(p.root.PEM())
	return nil
}
