package engine

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestConnectionsAreUsedAgain(t *testing.T) {
	tr, addr, dials := script(t, func(c net.Conn, br *bufio.Reader) {
		for take(br) != "" {
			io.WriteString(c, okay)
		}
	})
	for range 5 {
		if got := get(t, tr, "POST", addr, "body"); got != "200 hi" {
			t.Fatal(got)
		}
		awaitIdle(t, tr)
	}
	if dials.Load() != 1 {
		t.Errorf("%d connections", dials.Load())
	}
}

// awaitIdle waits until a connection waits: the response may be there before the
// goroutine that sent the request has come to its end.
func awaitIdle(t *testing.T, tr *Transport) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		tr.mu.Lock()
		n := len(tr.idle)
		tr.mu.Unlock()
		if n > 0 {
			return
		}
	}
	t.Fatal("no connection is kept")
}

// A connection is given up where it is not plain that the next response will be
// the one to the next request.
func TestConnectionsThatAreNotUsedAgain(t *testing.T) {
	for name, reply := range map[string]string{
		"closing":       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.0":      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"more than due": okay + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"more to a 204": "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	} {
		play := func(c net.Conn, br *bufio.Reader) {
			for take(br) != "" {
				io.WriteString(c, reply)
			}
		}
		tr, addr, dials := script(t, play, play)
		first, second := get(t, tr, "GET", addr, ""), get(t, tr, "GET", addr, "")
		if first != second || strings.Contains(second, "evil") || dials.Load() != 2 {
			t.Errorf("%s: %s, then %s, on %d connections", name, first, second, dials.Load())
		}
	}
}

// together holds back what is written until it is let go, so that it comes in one piece.
type together struct {
	net.Conn
	held []byte
	hold bool
}

func (c *together) Write(b []byte) (int, error) {
	if c.held = append(c.held, b...); c.hold {
		return len(b), nil
	}
	_, err := c.Conn.Write(c.held)
	c.held = nil
	return len(b), err
}

// A record of TLS that came with the last one of a response is noticed, though no
// socket tells of it.
func TestMoreThanDueInTLS(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	play := func(raw net.Conn, _ *bufio.Reader) {
		wire := &together{Conn: raw}
		c := tls.Server(wire, server.TLS)
		if c.Handshake() != nil {
			return
		}
		for br := bufio.NewReader(c); take(br) != ""; {
			wire.hold = true
			io.WriteString(c, okay)
			wire.hold = false
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		}
	}
	tr, addr, dials := script(t, play, play)
	dial := tr.Dial
	tr.Dial = func(ctx context.Context, scheme, addr string) (net.Conn, error) {
		c, err := dial(ctx, scheme, addr)
		if err != nil {
			return nil, err
		}
		return tls.Client(c, &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}), nil
	}
	for i := range 2 {
		if got := get(t, tr, "GET", addr, ""); got != "200 hi" || dials.Load() != int32(i+1) {
			t.Errorf("%s on %d connections", got, dials.Load())
		}
	}
}

// An idle connection that the origin has closed is not used, whatever the request.
func TestClosedIdleConnection(t *testing.T) {
	closed := make(chan bool)
	once := func(c net.Conn, br *bufio.Reader) {
		take(br)
		io.WriteString(c, okay)
		c.Close()
		closed <- true
	}
	tr, addr, dials := script(t, once, once)
	for range 2 {
		if got := get(t, tr, "POST", addr, "body"); got != "200 hi" {
			t.Error(got)
		}
		<-closed
	}
	if dials.Load() != 2 {
		t.Errorf("%d connections", dials.Load())
	}
}

// An origin that closes as the next request arrives is asked once more, unless
// it might then do twice what was to be done once.
func TestOriginLeavesInBetween(t *testing.T) {
	leaves := func(c net.Conn, br *bufio.Reader) {
		take(br)
		io.WriteString(c, okay)
		take(br) // and no answer
	}
	stays := func(c net.Conn, br *bufio.Reader) {
		for take(br) != "" {
			io.WriteString(c, okay)
		}
	}
	for method, want := range map[string]string{"GET": "200 hi", "POST": "failed"} {
		tr, addr, _ := script(t, leaves, stays)
		if got := get(t, tr, "GET", addr, ""); got != "200 hi" {
			t.Fatal(got)
		}
		if got := get(t, tr, method, addr, ""); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
	tr, addr, dials := script(t, func(c net.Conn, br *bufio.Reader) { take(br) }, stays)
	if got := get(t, tr, "GET", addr, ""); got != "failed" || dials.Load() != 1 {
		t.Errorf("a new connection: %s after %d", got, dials.Load())
	}
}

func TestIdleConnectionsExpire(t *testing.T) {
	over := make(chan bool)
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		take(br)
		io.WriteString(c, okay)
		br.ReadByte()
		close(over)
	})
	tr.IdleTimeout = 20 * time.Millisecond
	if got := get(t, tr, "GET", addr, ""); got != "200 hi" {
		t.Fatal(got)
	}
	soon(t, over)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.idle) > 0 {
		t.Errorf("%d origins are kept", len(tr.idle))
	}
}

func TestFewConnectionsWait(t *testing.T) {
	play := func(c net.Conn, br *bufio.Reader) {
		for take(br) != "" {
			io.WriteString(c, okay)
		}
	}
	tr, addr, _ := script(t, play, play, play)
	tr.MaxIdle = 2
	var open []*http.Response
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
	}
	for _, resp := range open {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if n := len(tr.idle["http "+addr]); n != 2 {
		t.Errorf("%d wait", n)
	}
}
