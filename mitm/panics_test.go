package mitm_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// boom panics with text that holds the value, while armed.
type boom struct{ armed atomic.Bool }

func (b *boom) maybe() {
	if b.armed.Load() {
		panic(errors.New("cannot read " + value))
	}
}

// panicking is a lab with a counter in which change puts a boom.
func panicking(t *testing.T, cfg lab.Config, change func(*mitm.Config, *boom)) (*lab.Lab, *metrics.Metrics, *boom) {
	t.Helper()
	b := &boom{}
	cfg.Secrets, cfg.Allow = secrets, []string{host}
	cfg.Change = func(mc *mitm.Config) {
		if change != nil {
			change(mc, b)
		}
	}
	l, m := measured(t, cfg)
	return l, m, b
}

// noText fails if the log tells of a panic what it said, or not where it was.
func noText(t *testing.T, l *lab.Lab, in string) {
	t.Helper()
	noEcho(t, "the log", l.Log.String())
	if want := "msg=panic in=" + in + " type=*errors.errorString"; !strings.Contains(l.Log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, l.Log)
	}
	if !strings.Contains(l.Log.String(), ".(*boom).maybe (panics_test.go:") {
		t.Errorf("the log does not say where:\n%s", l.Log)
	}
}

// A panic in whatever an exchange asks ends that exchange with a fixed answer.
func TestV7PanicsEndOneExchange(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		change func(*mitm.Config, *boom)
	}{
		"policy": {"exchange", func(mc *mitm.Config, b *boom) {
			allow := mc.Allow
			mc.Allow = func(s mitm.Scope, u mitm.Use) error { b.maybe(); return allow(s, u) }
		}},
		"the store": {"exchange", func(mc *mitm.Config, b *boom) {
			find := mc.Resolve
			mc.Resolve = func(ctx context.Context, s mitm.Scope, name string) (resolve.Value, error) {
				b.maybe()
				return find(ctx, s, name)
			}
		}},
		"the record": {"exchange", func(mc *mitm.Config, b *boom) {
			record := mc.Record
			mc.Record = func(e audit.Event) error {
				if e.Event == audit.Decided {
					b.maybe()
				}
				return record(e)
			}
		}},
		"where to dial": {"dial", func(mc *mitm.Config, b *boom) {
			pin := mc.Pin
			mc.Pin = func(host string, port int) (netip.AddrPort, bool) { b.maybe(); return pin(host, port) }
		}},
		"the guard": {"dial", func(mc *mitm.Config, b *boom) {
			guard := mc.GuardAlways
			mc.GuardAlways = func(a netip.Addr) error { b.maybe(); return guard(a) }
		}},
		"the roots": {"dial", func(mc *mitm.Config, b *boom) {
			roots := mc.Roots
			mc.Roots = func(host string) *x509.CertPool { b.maybe(); return roots(host) }
		}},
	} {
		for _, http1 := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, HTTP/1 %v", name, http1), func(t *testing.T) {
				l, m, b := panicking(t, lab.Config{ClientH1: http1}, c.change)
				b.armed.Store(true)
				resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
				wantProblem(t, resp, body, 502, "internal_error")
				noEcho(t, "the answer", body)
				wait(t, m, fmt.Sprintf("panics_total{in=%q} 1", c.in))
				wait(t, m, `denials_total{reason="internal_error"} 1`)
				noText(t, l, c.in)
				b.armed.Store(false)
				if resp, _ := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY")); resp.StatusCode != 200 {
					t.Errorf("afterwards: %s", resp.Status)
				}
			})
		}
	}
}

// Bodies that stream are rewritten on a goroutine of the transport.
func TestV7PanicInABodyThatStreams(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/1 %v", http1), func(t *testing.T) {
			l, m, b := panicking(t, lab.Config{ClientH1: http1, OriginH1: http1, Origin: newRecorder()}, func(mc *mitm.Config, b *boom) {
				allow := mc.Allow
				mc.Allow = func(s mitm.Scope, u mitm.Use) error { b.maybe(); return allow(s, u) }
			})
			streams := func() (*http.Response, string) {
				req, _ := http.NewRequest("POST", l.URL(host, "/"), io.MultiReader(strings.NewReader(`{"a":"AS_SECRET_KEY"}`)))
				req.Header.Set("Content-Type", "application/json")
				return send(t, l.Client, req)
			}
			b.armed.Store(true)
			resp, body := streams()
			wantProblem(t, resp, body, 502, "internal_error")
			wait(t, m, `panics_total{in="body"} 1`)
			noText(t, l, "body")
			b.armed.Store(false)
			if resp, _ := streams(); resp.StatusCode != 200 {
				t.Errorf("afterwards: %s", resp.Status)
			}
		})
	}
}

// late panics when what is held back is told of, which is in the middle of a response.
type late struct {
	mitm.Observer
	*boom
}

func (o late) Holdback(int) { o.maybe() }

// A response that has begun is aborted.
func TestV7PanicInAResponse(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/1 %v", http1), func(t *testing.T) {
			o := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "data: one\n\n"+value[:20])
				http.NewResponseController(w).Flush()
				if r.Header.Get("Wait") != "" {
					<-r.Context().Done()
				}
			})
			l, m, b := panicking(t, lab.Config{ClientH1: http1, Origin: o}, func(mc *mitm.Config, b *boom) { mc.Observer = late{mc.Observer, b} })
			do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
			b.armed.Store(true)
			req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
			req.Header = bearer("KEY")
			req.Header.Set("Wait", "1")
			resp, err := l.Client.Do(req)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil {
				t.Error("a part was taken for the whole")
			}
			wait(t, m, `panics_total{in="exchange"} 1`)
			noText(t, l, "exchange")
			b.armed.Store(false)
			if resp, _ := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
				t.Errorf("afterwards: %s", resp.Status)
			}
		})
	}
}

// What panics before there is an exchange ends one connection.
func TestV7PanicsEndOneConnection(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*mitm.Config, *boom)
		ask    func(t *testing.T, l *lab.Lab) error
		want   string
	}{
		"a certificate": {func(mc *mitm.Config, b *boom) {
			leaf := mc.Leaf
			mc.Leaf = func(host string) (*tls.Certificate, error) { b.maybe(); return leaf(host) }
		}, func(t *testing.T, l *lab.Lab) error {
			c := tls.Client(l.Connect(l.Authority(host)), &tls.Config{RootCAs: l.Roots, ServerName: host})
			return c.Handshake()
		}, "EOF"},
		"a route": {func(mc *mitm.Config, b *boom) {
			mc.Route = func(mitm.Scope, string, int) mitm.Route { b.maybe(); return mitm.Route{} }
		}, once, "Bad Gateway"},
		"who asks": {func(mc *mitm.Config, b *boom) {
			mc.Local = func(net.Conn) (mitm.RunOf, error) { b.maybe(); return nil, nil }
		}, once, "Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			l, m, b := panicking(t, lab.Config{ClientH1: true}, c.change)
			b.armed.Store(true)
			if err := c.ask(t, l); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			wait(t, m, `panics_total{in="connection"} 1`)
			noText(t, l, "connection")
			b.armed.Store(false)
			if err := c.ask(t, l); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func once(t *testing.T, l *lab.Lab) error {
	resp, err := l.NewClient(false).Get(l.URL(host, "/"))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return errors.New(resp.Status)
	}
	return nil
}

// touchy is a listener whose connections panic when they are to send what has
// the word in it: on whichever goroutine that is.
type touchy struct{ net.Listener }

type touchyConn struct{ net.Conn }

func (l touchy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return touchyConn{c}, err
}

func (c touchyConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("panic now")) {
		b := &boom{}
		b.armed.Store(true)
		b.maybe()
	}
	return c.Conn.Write(p)
}

// touched has l's proxy listen once more, with panics, and connects there.
func touched(t *testing.T, l *lab.Lab) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = l.Proxy.Serve(touchy{ln})
	}()
	t.Cleanup(func() {
		ln.Close()
		<-served
	})
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// Without TLS the transport dials on a goroutine of its own, too.
func TestV7PanicInAPlainDial(t *testing.T) {
	l, m, b := panicking(t, lab.Config{}, func(mc *mitm.Config, b *boom) {
		mc.Pin = func(string, int) (netip.AddrPort, bool) { b.maybe(); return netip.AddrPort{}, false }
	})
	b.armed.Store(true)
	resp, body := do(t, l, "GET", "http://127.0.0.1:1/", "", nil)
	wantProblem(t, resp, body, 502, "internal_error")
	wait(t, m, `panics_total{in="dial"} 1`)
	noText(t, l, "dial")
}

// Relays and upgrades copy on goroutines of their own.
func TestV7PanicInARelay(t *testing.T) {
	l, m, _ := panicking(t, lab.Config{}, func(mc *mitm.Config, _ *boom) {
		mc.Route = func(_ mitm.Scope, _ string, port int) mitm.Route { return mitm.Route{Relay: true} }
	})
	origin := speaks(t, "panic now")
	conn := touched(t, l)
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: %s\r\n\r\n", origin, origin, "Basic "+basic("run", token(t, l)))
	br := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	if _, err := br.ReadByte(); err == nil {
		t.Error("the relay goes on")
	}
	wait(t, m, `panics_total{in="relay"} 1`)
	wait(t, m, `connections{state="relay"} 0`)
	noText(t, l, "relay")
}

// speaks is an origin that says one thing to whoever comes, and waits.
func speaks(t *testing.T, text string) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-ended
	})
	return ln.Addr().String()
}

func TestV7PanicInAnUpgrade(t *testing.T) {
	l, m, _ := panicking(t, lab.Config{}, nil)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_ = ws.WriteFrame(conn, ws.NewTextFrame([]byte("panic now")))
		_, _ = io.Copy(io.Discard, conn)
	}))
	t.Cleanup(origin.Close)
	addr := origin.Listener.Addr().String()
	conn := touched(t, l)
	fmt.Fprintf(conn, "GET http://%s/ HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr, addr, "Basic "+basic("run", token(t, l)))
	br := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	if _, err := br.ReadByte(); err == nil {
		t.Error("the upgraded connection goes on")
	}
	wait(t, m, `panics_total{in="upgrade"} 1`)
	noText(t, l, "upgrade")
}
