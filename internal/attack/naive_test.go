//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
)

// naive is what somebody might write in an evening: it opens every tunnel, puts
// values in wherever it finds a name, sends the request to the host that it names,
// and lets the answer through.
type naive struct {
	w    *world
	ca   *ca.Authority
	back *httputil.ReverseProxy
}

func newNaive(t *testing.T, w *world) proxy {
	t.Helper()
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := &naive{w: w, ca: authority}
	n.back = &httputil.ReverseProxy{Rewrite: n.rewrite, ErrorLog: silent(), Transport: &http.Transport{
		DisableCompression: true,
		DialTLSContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return tls.Dial("tcp", n.find(addr), &tls.Config{InsecureSkipVerify: true, ServerName: strings.Split(addr, ":")[0]})
		},
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go (&http.Server{Handler: n, ErrorLog: silent()}).Serve(l)
	t.Cleanup(func() { l.Close() })
	p, err := proxyOf(hello{Proxy: "http://u:p@" + l.Addr().String(), CA: string(authority.PEM())})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// find is where host:port is; whatever it does not know it takes for evil.
func (n *naive) find(addr string) string {
	if at, ok := n.w.resolves()[addr]; ok {
		return at
	}
	return n.w.origin(evil).addr.String()
}

func (n *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		n.back.ServeHTTP(w, r)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	l := &single{conn: make(chan net.Conn, 1), over: make(chan struct{})}
	l.conn <- conn
	s := &http.Server{Handler: n.back, ErrorLog: silent(), TLSConfig: &tls.Config{
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return n.ca.Leaf("naive.test") },
	}}
	go s.ServeTLS(l, "", "")
}

func (n *naive) rewrite(r *httputil.ProxyRequest) {
	body, _ := io.ReadAll(r.In.Body)
	body = []byte(n.expand(string(body)))
	r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host
	r.Out.URL.Opaque, r.Out.URL.RawPath = "", ""
	r.Out.URL.Path, r.Out.URL.RawQuery = n.expand(r.Out.URL.Path), n.expand(r.Out.URL.RawQuery)
	for field, all := range r.Out.Header {
		for i := range all {
			r.Out.Header[field][i] = n.expand(all[i])
		}
	}
}

func (n *naive) expand(s string) string {
	names := make([]string, 0, len(n.w.values))
	for name := range n.w.values {
		names = append(names, name)
	}
	slices.Sort(names) // API_KEY before API_KEY_2
	for _, name := range names {
		s = strings.ReplaceAll(s, "AS_SECRET_"+name, n.w.values[name])
	}
	return s
}

// The probes are able to fail: against such a proxy most of them do, and those do
// that it was built to lose.
func TestNaiveIsBroken(t *testing.T) {
	w := testWorld(t, "agentsecrets")
	w.proxy = newNaive(t, w)
	var fell tally
	faults := map[string]string{}
	for _, p := range slices.Concat(authorityProbes(w), placeProbes(w)) {
		v := p.judge(t.Context(), "naive", w)
		fell.add(v)
		if testing.Verbose() {
			v.print(t.Output())
		}
		faults[v.name] = strings.Join(v.faults, "\n")
	}
	t.Logf("%d held, %d broken", fell.held, fell.broken)
	if fell.broken*3 < (fell.broken+fell.held)*2 {
		t.Errorf("%d of %d probes are broken, want two thirds", fell.broken, fell.broken+fell.held)
	}
	for name, fault := range map[string]string{
		"one host everywhere (HTTP/1.1)":                  "what came back holds the value",
		"fronting: CONNECT allowed, Host evil (HTTP/1.1)": evil + " got the value",
		"fronting: CONNECT allowed, Host evil (HTTP/2)":   evil + " got the value",
		"SNI evil in a tunnel to allowed (HTTP/1.1)":      "want alert",
		"fronting between allowed hosts (HTTP/2)":         api + " got the value",
		"evil everywhere (HTTP/1.1)":                      evil + " got the value",
		"in Referer":                                      "want text",
		"JSON: inside a text":                             "want text",
		"bound to another host":                           "want 403",
		"bound to POST /v1/*: GET":                        "want 403",
		"to evil: a whole field":                          evil + " got the value",
		"the longer name alone":                           "got the value of API_KEY",
	} {
		if !strings.Contains(faults[name], fault) {
			t.Errorf("%s: faults %q, want %q", name, faults[name], fault)
		}
	}
}
