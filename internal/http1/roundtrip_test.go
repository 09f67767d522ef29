package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// relay is the least that can stand between a client and an origin: one
// goroutine a connection, the request sent whole before the response is read.
type relay struct {
	t      *testing.T
	origin string
}

// through starts a relay to origin and returns its address.
func through(t *testing.T, origin string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	r := &relay{t, origin}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	return ln.Addr().String()
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	origin, err := net.Dial("tcp", r.origin)
	if err != nil {
		return
	}
	defer origin.Close()
	up := &side{br: bufio.NewReaderSize(origin, 4<<10)}
	down := &side{br: bufio.NewReaderSize(client, 4<<10)}
	up.w.Reset(bufio.NewWriterSize(origin, 4<<10))
	down.w.Reset(bufio.NewWriterSize(client, 4<<10))
	for {
		again, err := exchange(down, up)
		var bad *Error
		if errors.As(err, &bad) {
			if down.w.Response(bad.Status, []byte("refused"), fieldsOf("Connection: close"), Framing{Sized, int64(len(bad.Reason))}) == nil {
				down.w.Write([]byte(bad.Reason))
				down.w.End(nil)
			}
			return
		}
		if err != nil {
			if down.w.kind == ToClose {
				client.(*net.TCPConn).SetLinger(0) // or a part would look like the whole
			}
			return
		}
		if !again {
			return
		}
	}
}

// side is one connection of a relay, with what is used again on it.
type side struct {
	br   *bufio.Reader
	w    Writer
	req  Request
	resp Response
	body Body
	own  []Field
}

// exchange passes one request up and its responses down.
func exchange(down, up *side) (again bool, err error) {
	req := &down.req
	if err := req.Read(down.br, Limits{}); err != nil {
		if err == io.EOF {
			return false, nil
		}
		return false, err
	}
	defer req.Release()
	fields := EndToEnd(req.Fields)
	if err := up.w.Request(req.Method, req.Target, fields, req.Framing); err != nil {
		return false, err
	}
	if req.ExpectsContinue() {
		if err := errors.Join(down.w.Response(100, []byte("Continue"), nil, Framing{}), down.w.End(nil)); err != nil {
			return false, err
		}
	}
	down.body.Reset(down.br, req.Framing)
	if err := pass(&up.w, &down.body); err != nil {
		return false, err
	}
	for {
		final, err := respond(down, up)
		if final || err != nil {
			return up.resp.KeepsAlive() && req.KeepsAlive() && up.resp.Framing == up.resp.Framing.For(req.Minor), err
		}
	}
}

func respond(down, up *side) (final bool, err error) {
	resp := &up.resp
	if err := resp.Read(up.br, string(down.req.Method), Limits{}); err != nil {
		return true, err
	}
	defer func() { resp.Fields = nil }()
	framing := resp.Framing.For(down.req.Minor)
	fields := append(down.own[:0], EndToEnd(resp.Fields)...)
	if final = resp.Status >= 200; final && (framing.Kind == ToClose || !resp.KeepsAlive() || !down.req.KeepsAlive()) {
		fields = append(fields, Field{[]byte("Connection"), []byte("close")})
	}
	down.own = fields
	if err := down.w.Response(resp.Status, resp.Reason, fields, framing); err != nil {
		return true, err
	}
	up.body.Reset(up.br, resp.Framing)
	return final, pass(&down.w, &up.body)
}

// pass copies a body, flushing when there is no more at hand.
func pass(w *Writer, b *Body) error {
	for buf := make([]byte, 8<<10); ; {
		n, err := b.Read(buf)
		if _, werr := w.Write(buf[:n]); n > 0 && werr != nil {
			return werr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			w.Flush()
			return err
		}
		if n < len(buf) {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	if w.kind == ToClose || w.kind == Announced || w.kind == NoBody {
		return w.End(nil)
	}
	return w.End(b.Trailers())
}

// echo answers with what it was sent, in the way that the path asks for.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Trailer", r.Trailer.Get("X-Sum"))
	w.Header().Set("X-Chunked", fmt.Sprint(len(r.TransferEncoding) > 0))
	rc := http.NewResponseController(w)
	switch r.URL.Path {
	case "/sized":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body)
	case "/chunks":
		w.Header().Set("Trailer", "X-End")
		for part := range bytes.SplitSeq(body, []byte("\n")) {
			w.Write(append(part, '\n'))
			rc.Flush()
		}
		w.Header().Set("X-End", "true")
	case "/204":
		w.WriteHeader(204)
	case "/304":
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(304)
	case "/early":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(103)
		w.Write(body)
	case "/close":
		w.Header().Set("Connection", "close")
		w.Write(body)
	case "/abort":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+10))
		w.Write(body)
		rc.Flush()
		panic(http.ErrAbortHandler)
	}
}

// Go's own client and server understand each other through our reader and
// writer as they do without.
func TestRoundTrip(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	ways := map[string]string{"direct": srv.Listener.Addr().String(), "through": through(t, srv.Listener.Addr().String())}
	text := strings.Repeat("a line of text\n", 3000)
	for _, path := range []string{"/sized", "/chunks", "/204", "/304", "/early", "/close", "/abort"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
			for _, body := range []string{"", "hello", text} {
				for _, chunked := range []bool{false, true} {
					if chunked && method != "POST" && method != "PUT" {
						continue
					}
					got := map[string]string{}
					for way, addr := range ways {
						got[way] = ask(t, addr, method, path, body, chunked)
					}
					if got["direct"] != got["through"] {
						t.Errorf("%s %s, %d bytes, chunked %v:\n%.300s\nwhere without us it is\n%.300s", method, path, len(body), chunked, got["through"], got["direct"])
					}
				}
			}
		}
	}
}

// ask sends the same request three times on one connection, if it lasts, and
// tells all that came back.
func ask(t *testing.T, addr, method, path, body string, chunked bool) string {
	tr := &http.Transport{ExpectContinueTimeout: 10 * time.Second}
	defer tr.CloseIdleConnections()
	var told strings.Builder
	for i := range 3 {
		var src io.Reader
		if method == "POST" || method == "PUT" {
			src = strings.NewReader(body)
		}
		if chunked {
			src = io.MultiReader(src)
		}
		req, err := http.NewRequest(method, "http://"+addr+path, src)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && src != nil {
			req.Header.Set("Expect", "100-continue")
		}
		if chunked {
			req.Trailer = http.Header{"X-Sum": {"12"}}
		}
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code != 100 {
				fmt.Fprintln(&told, "early", code, h)
			}
			return nil
		}}
		resp, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		if err != nil {
			fmt.Fprintln(&told, "failed")
			continue
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Header.Del("Date")
		fmt.Fprintln(&told, resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, resp.Trailer, err != nil, string(got))
	}
	return told.String()
}

// Programs in use write heads that we take, and understand what we write.
func TestProgramsInUse(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	addr := through(t, srv.Listener.Addr().String())
	const python = `
import http.client, sys, urllib.request
print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], b"hello", {"X-Y": "ä".encode("latin1").decode("latin1")})).read().decode(), end="")
c = http.client.HTTPConnection(sys.argv[1].split("/")[2])
for _ in range(2):
    c.request("POST", "/chunks", iter([b"a\n", b"b"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    print(c.getresponse().read().decode(), end="")
`
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"curl":         {[]string{"curl", "-sS", "-d", "hello", "http://" + addr + "/sized"}, "hello"},
		"curl, 1.0":    {[]string{"curl", "-sS", "--http1.0", "-d", "hello", "http://" + addr + "/chunks"}, "hello\n"},
		"curl, chunks": {[]string{"curl", "-sS", "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-d", "hello", "http://" + addr + "/sized", "http://" + addr + "/sized"}, "hellohello"},
		"Python":       {[]string{"python3", "-c", python, "http://" + addr + "/sized"}, "helloa\nb\na\nb\n"},
	} {
		out, err := exec.Command(c.command[0], c.command[1:]...).CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("%s: %q, %v, want %q", name, out, err, c.want)
		}
	}
}

// Requests that are sent without waiting for answers are answered in order.
func TestPipelined(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	conn, err := net.Dial("tcp", through(t, srv.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	var sent bytes.Buffer
	const n = 20
	for i := range n {
		fmt.Fprintf(&sent, "POST /sized HTTP/1.1\r\n%sContent-Length: 2\r\n\r\n%02d", hostLine, i)
	}
	sent.WriteString("GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n")
	if _, err := conn.Write(sent.Bytes()); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	for i := range n + 1 {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		want, status := fmt.Sprintf("%02d", i), 200
		if i == n {
			want, status = badName, 400
		}
		if string(body) != want || err != nil || resp.StatusCode != status {
			t.Errorf("answer %d is %d %q, %v, want %d %q", i, resp.StatusCode, body, err, status, want)
		}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("the connection stays open: %v", err)
	}
}
