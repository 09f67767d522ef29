package mitm_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What a request's head may have is limited, in either protocol and at the port.
func TestV3HeaderFlood(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Origin: o})
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("x-%d", i), "y")
		}
		return list
	}
	const frame = 16 << 10
	large := []string{"x", strings.Repeat("y", 80<<10)}
	for name, c := range map[string]struct {
		fields []string
		status int
		goAway string // or so, by net/http
	}{"some": {many(50), 200, ""}, "too many": {many(120), 431, ""}, "too large": {large, 431, "COMPRESSION_ERROR"}} {
		head := ""
		for i := 0; i < len(c.fields); i += 2 {
			head += c.fields[i] + ": " + c.fields[i+1] + "\r\n"
		}
		t.Run("HTTP/1, "+name, func(t *testing.T) {
			got := http1Status(t, l.TLS(l.Authority(host), "http/1.1"), "GET / HTTP/1.1\r\nHost: "+l.Authority(host)+"\r\n"+head)
			if got != c.status {
				t.Errorf("got %d, want %d", got, c.status)
			}
		})
		t.Run("at the port, "+name, func(t *testing.T) {
			got := http1Status(t, l.Dial(), "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"+head)
			if want := max(c.status, 404); got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		})
		t.Run("HTTP/2, "+name, func(t *testing.T) {
			k := newTalker(t, l.TLS(l.Authority(host), "h2"), true, true)
			block := k.fields(append([]string{":method", "GET", ":scheme", "https", ":authority", l.Authority(host), ":path", "/"}, c.fields...)...)
			first, rest := block[:min(len(block), frame)], block[min(len(block), frame):]
			k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: first, EndStream: true, EndHeaders: len(rest) == 0})
			for len(rest) > 0 {
				n := min(len(rest), frame)
				k.WriteContinuation(1, n == len(rest), rest[:n])
				rest = rest[n:]
			}
			k.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			got := ""
			for got == "" {
				f, err := k.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				switch f := f.(type) {
				case *http2.MetaHeadersFrame:
					got = f.PseudoValue("status")
				case *http2.GoAwayFrame:
					got = f.ErrCode.String()
					_, _ = io.Copy(io.Discard, k.conn) // which takes a second
				}
			}
			if got != fmt.Sprint(c.status) && got != c.goAway {
				t.Errorf("got %s, want %d", got, c.status)
			}
		})
	}
}

func http1Status(t *testing.T, conn net.Conn, head string) int {
	t.Helper()
	go io.WriteString(conn, head+"\r\n") // it may be answered before all is read
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// So is what a response's head may have.
func TestV3LargeResponseHeads(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/1 %v", http1), func(t *testing.T) {
			l := lab.New(t, lab.Config{Allow: []string{host}, OriginH1: http1, ClientH1: http1, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := 200 << 10
				if r.URL.Path == "/large" {
					n = 300 << 10
				}
				for i := range n >> 10 {
					w.Header().Set(fmt.Sprintf("X-%d", i%80), w.Header().Get(fmt.Sprintf("X-%d", i%80))+strings.Repeat("y", 1000))
				}
			})})
			resp, body := do(t, l, "GET", l.URL(host, "/large"), "", nil)
			wantProblem(t, resp, body, 502, "origin_protocol")
			if resp, body := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
				t.Errorf("200 KiB: %s %s", resp.Status, body)
			}
		})
	}
}

// The proxy is no origin for its own clients, by whichever name or address of
// whichever of its listeners. Behind a parent proxy, that is not asked for it either.
func TestV8ProxyLoop(t *testing.T) {
	for name, addr := range map[string]string{"loopback": "127.0.0.1:0", "everywhere": ":0", "behind a parent": "127.0.0.1:0"} {
		t.Run(name, func(t *testing.T) {
			var relay atomic.Bool
			l := lab.New(t, lab.Config{Change: func(c *mitm.Config) {
				c.Pin = nil
				c.Route = func(mitm.Scope, string, int) mitm.Route { return mitm.Route{Relay: relay.Load()} }
				if name == "behind a parent" {
					parent := httptest.NewServer(http.NotFoundHandler())
					t.Cleanup(parent.Close)
					to, err := mitm.NewParent(&url.URL{Scheme: "http", Host: parent.Listener.Addr().String()})
					if err != nil {
						t.Fatal(err)
					}
					c.Parent = func(string, int) *mitm.Parent { return to }
				}
			}})
			ln, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan struct{})
			go func() {
				defer close(served)
				_ = l.Proxy.Serve(ln)
			}()
			t.Cleanup(func() { ln.Close(); <-served })
			port := ln.Addr().(*net.TCPAddr).Port
			names := []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"}
			if name == "everywhere" {
				names = append(names, "127.0.0.2")
				if six, err := net.Listen("tcp", "[::1]:0"); err == nil {
					six.Close()
					names = append(names, "[::1]", "[::]")
				}
				addrs, err := net.InterfaceAddrs()
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range addrs {
					if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
						names = append(names, n.IP.String())
					}
				}
			}
			for _, to := range names {
				for how, ask := range never {
					relay.Store(how == "relay")
					until(t, how+" of "+to+" is refused", func() bool { // once the listener is known
						status, body := ask(t, l, fmt.Sprintf("%s:%d", to, port))
						return status == 403 && strings.Contains(body, "private_address")
					})
				}
			}
			relay.Store(false)
			if resp, body := do(t, l, "GET", fmt.Sprintf("http://127.0.0.1:%d/", l.Addr.(*net.TCPAddr).Port), "", nil); resp.StatusCode != 403 {
				t.Errorf("the other listener: %s %s", resp.Status, body)
			}
		})
	}
}
