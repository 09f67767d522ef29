package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// script is an origin that plays one function for each connection, in turn.
func script(t *testing.T, conns ...func(c net.Conn, br *bufio.Reader)) (*Transport, string, *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for _, f := range conns {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				f(c, bufio.NewReader(c))
			}()
		}
	}()
	f, dials := newForward(""), &atomic.Int32{}
	dial := f.t.Dial
	f.t.Dial = func(ctx context.Context, scheme, addr string) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx, scheme, addr)
	}
	t.Cleanup(f.t.CloseIdleConnections)
	return f.t, ln.Addr().String(), dials
}

// take reads a request with its body and returns its head.
func take(br *bufio.Reader) string {
	var head strings.Builder
	r := bufio.NewReader(io.TeeReader(br, &head))
	req, err := http.ReadRequest(r)
	if err != nil {
		return ""
	}
	io.Copy(io.Discard, req.Body)
	text, _, _ := strings.Cut(head.String(), "\r\n\r\n")
	return text
}

const okay = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

func get(t *testing.T, tr *Transport, method, addr, body string) string {
	t.Helper()
	var src io.Reader
	if body != "" {
		src = io.MultiReader(strings.NewReader(body))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+"/x", src)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return "failed"
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return "cut off"
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, b)
}

func TestTruncatedResponses(t *testing.T) {
	for name, c := range map[string]struct{ reply, want string }{
		"head":   {"HTTP/1.1 200 OK\r\nContent-", "failed"},
		"sized":  {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "cut off"},
		"chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "cut off"},
		"both":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "failed"},
		"none":   {"220 mail.test ESMTP\r\n\r\n", "failed"},
		"to end": {"HTTP/1.1 200 OK\r\n\r\nhi", "200 hi"},
	} {
		tr, addr, _ := script(t, func(conn net.Conn, br *bufio.Reader) {
			take(br)
			io.WriteString(conn, c.reply)
		})
		if got := get(t, tr, "GET", addr, ""); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A body that fails does not leave a request that looks whole.
func TestFailingBody(t *testing.T) {
	seen := make(chan error, 1)
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		req, err := http.ReadRequest(br)
		if err == nil {
			_, err = io.ReadAll(req.Body)
		}
		seen <- err
	})
	broken := errors.New("broken")
	for _, length := range []int64{-1} {
		src, w := io.Pipe()
		go func() {
			io.WriteString(w, "some")
			w.CloseWithError(broken)
		}()
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/", src)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		if _, err := tr.RoundTrip(req); !errors.Is(err, broken) {
			t.Errorf("%d: %v", length, err)
		}
		if err := <-seen; err == nil {
			t.Errorf("%d: the origin got it whole", length)
		}
	}
}

// An origin that answers before it has read all is heard.
func TestEarlyAnswer(t *testing.T) {
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
		}
		io.Copy(io.Discard, br)
	})
	if got := get(t, tr, "POST", addr, strings.Repeat("x", 8<<20)); got != "413 no" {
		t.Error(got)
	}
}

// Both sides may send at once.
func TestAnswerBeforeTheEnd(t *testing.T) {
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		if req, err := http.ReadRequest(br); err == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			io.Copy(c, req.Body)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	src, w := io.Pipe()
	defer context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })()
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/", src)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, want := range []string{"a", "b"} {
		io.WriteString(w, want)
		got := make([]byte, 1)
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
	w.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestExpect(t *testing.T) {
	for name, c := range map[string]struct{ answer, want, body string }{
		"asked for":  {"HTTP/1.1 100 Continue\r\n\r\n", "200 hi", "body"},
		"not wanted": {"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno", "417 no", ""},
		"silence":    {"", "200 hi", "body"},
	} {
		got := make(chan string, 1)
		tr, addr, _ := script(t, func(conn net.Conn, br *bufio.Reader) {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			io.WriteString(conn, c.answer)
			if c.body == "" {
				rest, _ := io.ReadAll(br) // ends when the connection is given up, as it has to be
				got <- string(rest)
				return
			}
			b, _ := io.ReadAll(req.Body)
			got <- string(b)
			io.WriteString(conn, okay)
		})
		tr.ContinueWait = 50 * time.Millisecond
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Expect", "100-continue")
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if told := fmt.Sprint(resp.StatusCode, " ", string(b)); told != c.want || <-got != c.body {
			t.Errorf("%s: %s, want %s", name, told, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		take(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi")
		io.Copy(io.Discard, br)
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("it came to its end")
	}
	resp.Body.Close()
}

// Fields go on in the order and case that they came in, both ways.
func TestOrderAndCase(t *testing.T) {
	heads := make(chan string, 1)
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		heads <- take(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nx-z: 1\r\nX-a: 2\r\ncontent-LENGTH: 2\r\nX-Z: 3\r\n\r\nhi")
	})
	f := &forward{tr, addr}
	front := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "expanded")
		f.ServeHTTP(w, r)
	})
	c, br := dial(t, front)
	io.WriteString(c, "POST /p?q HTTP/1.1\r\nzz: 1\r\nHOST: a.test\r\nauthorization: AS_SECRET_X\r\nAA: 2\r\nconTENT-length: 2\r\nZZ: 3\r\n\r\nhi")
	if got, want := <-heads, "POST /p?q HTTP/1.1\r\nzz: 1\r\nHOST: a.test\r\nauthorization: expanded\r\nAA: 2\r\nconTENT-length: 2\r\nZZ: 3"; got != want {
		t.Errorf("the origin got\n%q, want\n%q", got, want)
	}
	want := "HTTP/1.1 200 OK\r\nx-z: 1\r\nX-a: 2\r\ncontent-LENGTH: 2\r\nX-Z: 3\r\n\r\nhi"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(br, got); err != nil || string(got) != want {
		t.Errorf("the client got\n%q, %v, want\n%q", got, err, want)
	}
}

// Responses are whole and each goes to its own client, however many there are.
func TestManyAtOnce(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		for i := range 5 {
			w.Header().Set(fmt.Sprint("X-", i), r.URL.Path+strings.Repeat("x", i))
		}
		w.Write(append([]byte(r.URL.Path), b...))
	}))
	defer srv.Close()
	f := newForward(srv.Listener.Addr().String())
	defer f.t.CloseIdleConnections()
	addr := serveAll(t, &Server{Handler: f, HeadTimeout: time.Minute, IdleTimeout: time.Minute})
	var wg sync.WaitGroup
	for i := range 32 {
		c, br := dial(t, addr)
		wg.Go(func() {
			for j := range 50 {
				path, body := fmt.Sprintf("/%d/%d", i, j), strings.Repeat("b", 1+j*100)
				fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
				resp, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Errorf("%s: %v", path, err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				if string(b) != path+body || err != nil || resp.Header.Get("X-4") != path+"xxxx" {
					t.Errorf("%s: %.20q, %v, %q", path, b, err, resp.Header)
				}
			}
		})
	}
	wg.Wait()
}

// A response is what its handler made of it, though the origin's head, whose
// names it has, is gone and its memory in use again when it is sent.
func TestResponseOutlivesTheOrigins(t *testing.T) {
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		take(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nx-first-name: first value\r\nContent-Length: 2\r\n\r\nhi")
		take(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nY-OTHERNAME1: OTHER VALUE\r\nContent-Length: 2\r\n\r\nhi")
	})
	front := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 2 {
			req, err := http.NewRequestWithContext(r.Context(), "GET", "http://"+addr+"/", nil)
			if err != nil {
				return
			}
			resp, err := tr.RoundTrip(req)
			if err != nil {
				return
			}
			if i == 0 {
				w.Header()["X-First-Name"] = resp.Header["X-First-Name"]
				Keep(w, FieldsOf(resp))
				w.WriteHeader(200)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	c, br := dial(t, front)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	want := "HTTP/1.1 200 OK\r\nx-first-name: first value\r\nContent-Length: 0\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(br, got); err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

type panicky struct{}

func (panicky) Read([]byte) (int, error) { panic("a value") }
func (panicky) Close() error             { return nil }

// A body is sent on a goroutine of our own, whose panic would end all.
func TestV7PanicInABody(t *testing.T) {
	told := make(chan any, 1)
	tr := &Transport{Panicked: func(v any) { told <- v }}
	tr.Dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { theirs.Close() })
		go io.Copy(io.Discard, theirs)
		return ours, nil
	}
	req, err := http.NewRequest("POST", "http://a/", panicky{})
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := tr.RoundTrip(req); err == nil || strings.Contains(err.Error(), "value") {
		t.Errorf("%v, %v", resp, err)
	}
	if v := <-told; v != "a value" {
		t.Errorf("told of %v", v)
	}
}

// What has become of a connection that speaks another protocol is for its owner to
// say, and not for the request that began it; each side may end alone.
func TestSwitchedOutlivesItsRequest(t *testing.T) {
	tr, addr, _ := script(t, func(c net.Conn, br *bufio.Reader) {
		take(br)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ")
		all, _ := io.ReadAll(br)
		fmt.Fprintf(c, "then %s", all)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"tcp"}}
	resp, err := tr.RoundTrip(req)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v, %v", resp, err)
	}
	cancel()
	body := resp.Body.(interface {
		io.ReadWriteCloser
		CloseWrite() error
	})
	defer body.Close()
	if _, err := io.WriteString(body, "said"); err != nil {
		t.Fatal(err)
	}
	if err := body.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(body); string(all) != "first then said" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}
