package mitm_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

const relayedHost = "relayed.test"

// routed is a lab in which route says what becomes of hosts.
func routed(t *testing.T, o http.Handler, route func(host string) mitm.Route) *lab.Lab {
	return lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, relayedHost}, Origin: o, Change: func(c *mitm.Config) {
		c.Route = func(_ mitm.Scope, host string, _ int) mitm.Route { return route(host) }
	}})
}

func relaying(t *testing.T, o http.Handler) *lab.Lab {
	return routed(t, o, func(h string) mitm.Route { return mitm.Route{Relay: h != host} })
}

// through is TLS with the origin itself: only its own CA is trusted.
func through(t *testing.T, l *lab.Lab, host, serverName string) (*tls.Conn, error) {
	t.Helper()
	roots := l.Direct.Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := tls.Client(l.Connect(l.Authority(host)), &tls.Config{ServerName: serverName, RootCAs: roots, NextProtos: []string{"http/1.1"}})
	return c, c.Handshake()
}

func TestRelayedUnread(t *testing.T) {
	o := newRecorder()
	l := relaying(t, o)
	c, err := through(t, l, relayedHost, relayedHost)
	if err != nil {
		t.Fatalf("TLS with the origin, through a relay: %v", err)
	}
	fmt.Fprintf(c, "GET /x HTTP/1.1\r\nHost: %s\r\nX-Key: AS_SECRET_KEY\r\nConnection: close\r\n\r\n", relayedHost)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(answer), "ok") {
		t.Fatalf("answer %q, %v", answer, err)
	}
	if got := o.take(t); got.Header.Get("X-Key") != "AS_SECRET_KEY" {
		t.Errorf("a relayed request was changed: %q", got.Header)
	}
	c.Close()
	want := []string{"CONNECT https://" + l.Authority(relayedHost) + " OK 200 -"}
	if got := recordedTunnels(t, l); !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

// recordedTunnels waits for the records of tunnels.
func recordedTunnels(t *testing.T, l *lab.Lab) (rows []string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); len(rows) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, e := range done(l.Events()) {
			if e.Method == http.MethodConnect {
				rows = append(rows, fmt.Sprintf("%s %s %s %d %s", e.Method, e.TargetURL, e.Status, e.StatusCode, e.Reason))
			}
		}
	}
	return rows
}

func TestD2RelayRefusesAnotherServerName(t *testing.T) {
	o := newRecorder()
	l := relaying(t, o)
	if _, err := through(t, l, relayedHost, "other.test"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("another server name: %v, want an alert", err)
	}
	want := []string{"CONNECT https://" + l.Authority(relayedHost) + " BLOCKED 421 authority_mismatch"}
	if got := recordedTunnels(t, l); !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

// A ClientHello may come in pieces, and none of it goes on before it is whole.
func TestD2RelayReadsATornHello(t *testing.T) {
	for name, want := range map[string]bool{"": true, "other.test": false, strings.ToUpper(relayedHost): true} {
		t.Run(name, func(t *testing.T) {
			got := listening(t)
			l := relaying(t, nil)
			c := l.Connect(fmt.Sprintf("%s:%d", relayedHost, got.port))
			hello := clientHello(t, name)
			for _, b := range hello {
				c.Write([]byte{b})
			}
			if want {
				c.(*net.TCPConn).CloseWrite()
				if all := got.all(t); !bytes.Equal(all, hello) {
					t.Errorf("the origin got %d bytes of a ClientHello of %d", len(all), len(hello))
				}
				return
			}
			io.Copy(io.Discard, c)
			if all := got.all(t); len(all) > 0 {
				t.Errorf("the origin got %d bytes of a ClientHello for another host", len(all))
			}
		})
	}
}

// What is not TLS passes a relay, the server's first word included, and a side
// that has ended still gets its answer.
func TestRelayOfOtherThanTLS(t *testing.T) {
	got := listening(t)
	l := relaying(t, nil)
	c, r := connected(t, l, fmt.Sprintf("127.0.0.1:%d", got.port))
	if line, err := r.ReadString('\n'); line != "hello\n" {
		t.Fatalf("the server's first word is %q, %v", line, err)
	}
	io.WriteString(c, "EHLO client\n")
	c.(*net.TCPConn).CloseWrite()
	if all := got.all(t); string(all) != "EHLO client\n" {
		t.Errorf("the origin got %q", all)
	}
	if rest, err := io.ReadAll(r); string(rest) != "bye\n" || err != nil {
		t.Errorf("the last word is %q, %v", rest, err)
	}
}

func TestInterceptedTunnelTakesTLSAlone(t *testing.T) {
	o := newRecorder()
	l := relaying(t, o)
	c := l.Connect(l.Authority(host))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	wantProblem(t, resp, string(body), 400, "not_tls")
	want := []string{"CONNECT https://" + l.Authority(host) + " BLOCKED 400 not_tls"}
	if got := recordedTunnels(t, l); !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
	o.none(t)
}

func TestRelayNeverReaches(t *testing.T) {
	got := listening(t)
	l := routed(t, nil, func(string) mitm.Route { return mitm.Route{Relay: true} })
	_, own, _ := net.SplitHostPort(l.Addr.String())
	guarded := routed(t, nil, func(string) mitm.Route { return mitm.Route{Relay: true, Guarded: true} })
	for _, c := range []struct {
		name string
		l    *lab.Lab
		to   string
	}{
		{"metadata", l, "169.254.169.254:80"},
		{"own listener", l, "127.0.0.1:" + own},
		{"private, where all is guarded", guarded, fmt.Sprintf("127.0.0.1:%d", got.port)},
	} {
		if status := connectStatus(t, c.l, c.to); status != 403 {
			t.Errorf("%s: CONNECT is answered with %d, want 403", c.name, status)
		}
		if got := recordedTunnels(t, c.l); len(got) == 0 || !strings.HasSuffix(got[0], "BLOCKED 403 private_address") {
			t.Errorf("%s: recorded %q", c.name, got)
		}
	}
	if status := connectStatus(t, l, fmt.Sprintf("127.0.0.1:%d", got.port)); status != 200 {
		t.Errorf("private, where it is not: %d, want 200", status)
	}
}

// A value is sent to no relayed host by other ways either, though it is allowed.
func TestRelayedHostGetsNoValue(t *testing.T) {
	o := newRecorder()
	l := relaying(t, o)
	c := l.Dial()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: %s\r\nAuthorization: Bearer AS_SECRET_KEY\r\n\r\n",
		l.URL(relayedHost, "/"), l.Authority(relayedHost), "Basic "+basic("run", token(t, l)))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	wantProblem(t, resp, string(body), 403, "tunnelled_host")
	o.none(t)
}

func TestRouteDenied(t *testing.T) {
	o := newRecorder()
	l := routed(t, o, func(h string) mitm.Route {
		if h == host {
			return mitm.Route{Guarded: true}
		}
		return mitm.Route{Guarded: true, Denied: &mitm.Problem{Status: 403, Slug: "egress_denied", Message: "no", Hint: "allow it"}}
	})
	for _, http2 := range []bool{false, true} {
		req, _ := http.NewRequest("GET", l.URL("elsewhere.test", "/"), nil)
		resp, body := send(t, l.NewClient(http2), req)
		if p := wantProblem(t, resp, body, 403, "egress_denied"); p.Hint != "allow it" || p.Domain != l.Authority("elsewhere.test") {
			t.Errorf("problem %+v", p)
		}
	}
	o.none(t)
	if resp, body := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 || body != "ok" {
		t.Errorf("an allowed host: %d %q", resp.StatusCode, body)
	}
	if n := len(l.Dialled()); n != 1 {
		t.Errorf("%d hosts were dialled: %q", n, l.Dialled())
	}
}

// Where all is guarded, what carries no value is refused a private address too.
func TestGuardedWithoutValue(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		l := routed(t, nil, func(string) mitm.Route { return mitm.Route{Guarded: guarded} })
		resp, body := do(t, l, "GET", l.URL("127.0.0.1", "/"), "", nil)
		if slug := "private_address"; guarded {
			wantProblem(t, resp, body, 403, slug)
		} else if strings.Contains(body, slug) {
			t.Errorf("refused a private address without a value: %s", body)
		}
	}
}

func TestShownIsTold(t *testing.T) {
	var mu sync.Mutex
	var told []string
	l := lab.New(t, lab.Config{Change: func(c *mitm.Config) {
		c.Program = func(net.Conn) string { return "prog" }
		c.Shown = func(s mitm.Shown) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%s:%d %s %s", s.Host, s.Port, s.Program, s.Sign))
		}
	}})
	if resp, _ := do(t, l, "GET", l.URL("good.test", "/"), "", nil); resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	l.Client.CloseIdleConnections()
	// One client says why it leaves, one finishes the handshake and goes.
	c := tls.Client(l.Connect(l.Authority("pinned.test")), &tls.Config{ServerName: "pinned.test"})
	if err := c.Handshake(); err == nil {
		t.Fatal("a client without our root accepted the certificate")
	}
	c.Close()
	l.TLS(l.Authority("node.test"), "http/1.1").Close()
	want := []string{l.Authority("good.test") + " prog request", l.Authority("node.test") + " prog sent_nothing", l.Authority("pinned.test") + " prog bad_certificate"}
	var got []string
	for end := time.Now().Add(10 * time.Second); len(got) < 3 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		got = slices.Sorted(slices.Values(told))
		mu.Unlock()
	}
	if !slices.Equal(got, want) {
		t.Errorf("told of %q, want %q", got, want)
	}
}

func TestRelayEndsWithItsRun(t *testing.T) {
	got := listening(t)
	l := relaying(t, nil)
	_, r := connected(t, l, fmt.Sprintf("127.0.0.1:%d", got.port))
	r.ReadString('\n')
	l.Run.Revoke()
	if _, err := io.ReadAll(r); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("a relayed tunnel outlives its run")
	}
	if rows := recordedTunnels(t, l); len(rows) != 1 {
		t.Errorf("recorded %q", rows)
	}
}

// listener says hello, takes all that it is sent, and says bye.
type listener struct {
	port int
	got  chan []byte
}

func listening(t *testing.T) *listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &listener{ln.Addr().(*net.TCPAddr).Port, make(chan []byte, 8)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				io.WriteString(c, "hello\n")
				all, _ := io.ReadAll(c)
				o.got <- all
				io.WriteString(c, "bye\n")
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return o
}

func (o *listener) all(t *testing.T) []byte {
	t.Helper()
	select {
	case b := <-o.got:
		return b
	case <-time.After(10 * time.Second):
		t.Fatal("the origin's connection did not end")
		return nil
	}
}

func clientHello(t *testing.T, serverName string) []byte {
	t.Helper()
	a, b := net.Pipe()
	defer b.Close()
	go tls.Client(a, &tls.Config{ServerName: serverName, InsecureSkipVerify: true}).Handshake()
	buf := make([]byte, 16<<10)
	n, err := b.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// connected is a tunnel, and what has come through it behind the 200.
func connected(t *testing.T, l *lab.Lab, to string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, r, status := connectRaw(t, l, to)
	if status != 200 {
		t.Fatalf("CONNECT %s is answered with %d", to, status)
	}
	return c, r
}

func connectStatus(t *testing.T, l *lab.Lab, to string) int {
	t.Helper()
	_, _, status := connectRaw(t, l, to)
	return status
}

func connectRaw(t *testing.T, l *lab.Lab, to string) (net.Conn, *bufio.Reader, int) {
	t.Helper()
	c := l.Dial()
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: %s\r\n\r\n", to, "Basic "+basic("run", token(t, l)))
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatal(err)
	}
	return c, r, resp.StatusCode
}
