package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// dial opens a connection whose reads end some time.
func dial(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c, bufio.NewReader(c)
}

func serveFunc(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	return serveAll(t, &Server{Handler: h, HeadTimeout: time.Minute, IdleTimeout: time.Minute})
}

// answer is the next response: status, body and whether the connection stays.
func answer(t *testing.T, br *bufio.Reader, method string) string {
	t.Helper()
	resp, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		return "none"
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Sprintf("%d cut off", resp.StatusCode)
	}
	return fmt.Sprintf("%d %q %v", resp.StatusCode, b, !resp.Close)
}

func TestPipelined(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.URL.Path, b)
	})
	c, br := dial(t, addr)
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n%02d", i, i)
	}
	io.WriteString(c, all.String())
	for i := range 20 {
		if got, want := answer(t, br, "POST"), fmt.Sprintf(`200 "/%d %02d" true`, i, i); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// What a handler leaves of a body is no request.
func TestUnreadBody(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/some" {
			io.ReadFull(r.Body, make([]byte, 3))
		}
		if r.URL.Path == "/close" {
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, r.URL.Path)
	})
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
	for _, c := range []struct {
		path, head, body string
		want             []string
	}{
		{"/none", fmt.Sprintf("Content-Length: %d", len(smuggled)), smuggled, []string{`200 "/none" true`, `200 "/next" true`}},
		{"/some", fmt.Sprintf("Content-Length: %d", len(smuggled)), smuggled, []string{`200 "/some" true`, `200 "/next" true`}},
		{"/none", "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled), []string{`200 "/none" true`, `200 "/next" true`}},
		{"/close", fmt.Sprintf("Content-Length: %d", len(smuggled)), smuggled, []string{`200 "/close" false`, "none"}},
		{"/none", "Content-Length: 1000000", strings.Repeat(smuggled, 1000000/len(smuggled)), []string{`200 "/none" false`, "none"}},
		{"/none", "Expect: 100-continue\r\nContent-Length: 5", "", []string{`200 "/none" false`, "none"}},
		{"/none", "Transfer-Encoding: chunked", "x\r\n" + smuggled, []string{`200 "/none" true`, "none"}},
	} {
		conn, br := dial(t, addr)
		go io.WriteString(conn, "POST "+c.path+" HTTP/1.1\r\nHost: a.test\r\n"+c.head+"\r\n\r\n"+c.body+"GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n")
		for i, want := range c.want {
			if got := answer(t, br, "GET"); got != want {
				t.Errorf("%s %.30q, response %d: %s, want %s", c.path, c.head, i, got, want)
			}
		}
	}
}

// A response that comes while the body is still read does not end a connection that
// the rest will be taken from; where nobody knows how much that is, it says so.
func TestResponseBeforeTheBody(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/next" {
			io.WriteString(w, r.URL.Path)
			return
		}
		io.ReadFull(r.Body, make([]byte, 3))
		go io.Copy(io.Discard, r.Body) // as what passes it on does, until the exchange is over
		for b := r.Body.(*body); b.mu.TryLock(); time.Sleep(time.Millisecond) {
			b.mu.Unlock() // nobody waits for the rest yet
		}
		io.WriteString(w, r.URL.Path)
	})
	for _, c := range []struct {
		head, first, rest string
		want              []string
	}{
		{"Content-Length: 43", "123", strings.Repeat("x", 40), []string{`200 "/" true`, `200 "/next" true`}},
		{"Content-Length: 300000", "123", strings.Repeat("x", 299_997), []string{`200 "/" false`}},
		{"Transfer-Encoding: chunked", "3\r\n123\r\n", "28\r\n" + strings.Repeat("x", 40) + "\r\n0\r\n\r\n", []string{`200 "/" false`}},
	} {
		conn, br := dial(t, addr)
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a.test\r\n"+c.head+"\r\n\r\n"+c.first)
		for i, want := range c.want {
			if got := answer(t, br, "POST"); got != want {
				t.Errorf("%s, response %d: %s, want %s", c.head, i, got, want)
			}
			if i == 0 {
				go io.WriteString(conn, c.rest+"GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n")
			}
		}
	}
}

// A response is whole, though its connection ends and the client has sent what
// nobody read: closing at once would reset it.
func TestLastResponseIsWhole(t *testing.T) {
	const size = 8 << 20
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Write(make([]byte, size))
	})
	c, br := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"+strings.Repeat("x", 10<<10))
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, buf := 0, make([]byte, 64<<10); ; {
		m, err := resp.Body.Read(buf)
		if n += m; err == io.EOF && n == size {
			return
		}
		if err != nil {
			t.Fatalf("%d bytes, then %v", n, err)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRefused(t *testing.T) {
	called := false
	s := &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }), HeadTimeout: time.Minute, IdleTimeout: time.Minute}
	addr := serveAll(t, s)
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n": `400 "" false`,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n": `400 "" false`,
		"GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n":                                                                   `431 "" false`,
		"GET / HTTP/2.0\r\nHost: a\r\n\r\n": `505 "" false`,
	} {
		conn, br := dial(t, addr)
		io.WriteString(conn, text)
		if got := answer(t, br, "GET"); got != want {
			t.Errorf("%.30q: %s, want %s", text, got, want)
		}
		if got := answer(t, br, "GET"); got != "none" {
			t.Errorf("%.30q: then %s", text, got)
		}
	}
	if called {
		t.Error("a handler was called")
	}
}

// A small response is one write, and so one TLS record.
func TestSmallResponseIsOneWrite(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Lower"] = []string{"1"}
		w.Write([]byte("hello, "))
		w.Write([]byte("world"))
	})}
	go s.Serve(t.Context(), server)
	go io.WriteString(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	client.SetDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 4096)
	n, err := client.Read(buf) // a Pipe gives what one Write wrote
	if want := "HTTP/1.1 200 OK\r\nX-Lower: 1\r\nContent-Length: 12\r\n\r\nhello, world"; string(buf[:n]) != want || err != nil {
		t.Errorf("%q, %v, want %q", buf[:n], err, want)
	}
}

// A client that leaves ends its exchange, even while nobody reads from it.
func TestClientLeaves(t *testing.T) {
	began, over := make(chan bool), make(chan error)
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		began <- true
		select {
		case <-r.Context().Done():
			over <- nil
		case <-time.After(15 * time.Second):
			over <- fmt.Errorf("nobody noticed")
		}
	})
	for _, req := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"} {
		c, _ := dial(t, addr)
		io.WriteString(c, req)
		<-began
		c.Close()
		if err := <-over; err != nil {
			t.Errorf("%.5q: %v", req, err)
		}
	}
}

// Looking whether the client is still there loses nothing of what it sends.
func TestWatchedConnectionGoesOn(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(3 * watchAfter)
		fmt.Fprint(w, r.Method, r.Context().Err())
	})
	c, br := dial(t, addr)
	for range 3 {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := answer(t, br, "GET"); got != `200 "GET<nil>" true` {
			t.Error(got)
		}
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	time.Sleep(2 * watchAfter)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // while the first is under way
	for range 2 {
		if got := answer(t, br, "GET"); got != `200 "GET<nil>" true` {
			t.Error(got)
		}
	}
}

// Both sides may send at once: who answers as it reads does not wait for the end.
func TestFullDuplex(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		for b := make([]byte, 1); ; {
			n, err := r.Body.Read(b)
			if n > 0 {
				w.Write(b[:n])
				http.NewResponseController(w).Flush()
			}
			if err != nil {
				return
			}
		}
	})
	c, br := dial(t, addr)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []string{"b", "c"} {
		b := make([]byte, 1)
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != string(next[0]-1) {
			t.Fatalf("%q, %v", b, err)
		}
		fmt.Fprintf(c, "1\r\n%s\r\n", next)
	}
	io.WriteString(c, "0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); string(rest) != "c" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestOldClients(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.Header().Set("X", "y")
		}
		io.WriteString(w, "a")
		http.NewResponseController(w).Flush()
		io.WriteString(w, "b")
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
	})
	c, br := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if got := answer(t, br, "GET"); got != `200 "ab" false` {
		t.Error(got)
	}
	c, br = dial(t, addr)
	io.WriteString(c, "GET /abort HTTP/1.0\r\n\r\n")
	if got := answer(t, br, "GET"); got != "200 cut off" && got != "none" {
		t.Errorf("what was aborted looks whole: %s", got)
	}
}

// soon is what comes on a channel; nothing fails the test.
func soon[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody is told")
	}
	return v
}

// One handler's panic ends one connection.
func TestPanic(t *testing.T) {
	told := make(chan bool, 1)
	addr := serveAll(t, &Server{
		Handler:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a value") }),
		Panicked: func(any) { told <- true },
	})
	c, br := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := answer(t, br, "GET"); got != "none" {
		t.Error(got)
	}
	soon(t, told)
}

func TestTimeouts(t *testing.T) {
	addr := serveAll(t, &Server{Handler: http.NotFoundHandler(), HeadTimeout: 50 * time.Millisecond, IdleTimeout: 50 * time.Millisecond})
	for _, text := range []string{"", "G", "GET / HTTP/1.1\r\nHost: a\r\n"} {
		c, br := dial(t, addr)
		io.WriteString(c, text)
		if b, err := io.ReadAll(br); len(b) > 0 || err != nil {
			t.Errorf("%q: %q, %v", text, b, err)
		}
	}
}

// Shutdown ends who waits, and lets who is under way come to its end.
func TestShutdown(t *testing.T) {
	began, goOn := make(chan bool), make(chan bool)
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-goOn
	})}
	addr := serveAll(t, s)
	_, idle := dial(t, addr)
	busy, br := dial(t, addr)
	io.WriteString(busy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-began
	over := make(chan error)
	go func() { over <- s.Shutdown(context.Background()) }()
	if b, err := io.ReadAll(idle); len(b) > 0 || err != nil {
		t.Errorf("the idle connection: %q, %v", b, err)
	}
	select {
	case <-over:
		t.Error("Shutdown does not wait")
	default:
	}
	close(goOn)
	if got := answer(t, br, "GET"); got != `200 "" true` && got != `200 "" false` {
		t.Error(got)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
	late, _ := net.Pipe()
	s.Serve(t.Context(), late) // returns at once
}

func TestShutdownEnds(t *testing.T) {
	began := make(chan bool)
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-r.Context().Done()
	})}
	c, _ := dial(t, serveAll(t, s))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
}

// Who takes the connection gets what the client sent ahead.
func TestHijack(t *testing.T) {
	addr := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n%s%s", line, line)
	})
	c, br := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nahead\n")
	if b, err := io.ReadAll(br); string(b) != "HTTP/1.1 101 Switching Protocols\r\n\r\nahead\nahead\n" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// Who counts connections knows which of them wait.
func TestConnState(t *testing.T) {
	told := make(chan http.ConnState, 20)
	addr := serveAll(t, &Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}),
		ConnState: func(_ net.Conn, s http.ConnState) { told <- s },
	})
	c, br := dial(t, addr)
	want := []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateActive, http.StateIdle, http.StateClosed}
	last := len(want) - 2
	for i, state := range want {
		if got := soon(t, told); got != state {
			t.Errorf("%d: %v, want %v", i, got, state)
		}
		if i == last {
			c.Close()
		} else if state == http.StateNew || state == http.StateIdle {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			answer(t, br, "GET")
		}
	}
}
