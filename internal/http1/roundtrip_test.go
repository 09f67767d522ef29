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
	"os/exec"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/roundtrip"
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

// Go's own client and server understand each other through our reader and
// writer as they do without.
func TestRoundTrip(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(roundtrip.Origin))
	defer srv.Close()
	play := roundtrip.Play{Paths: []string{"/sized", "/chunks", "/204", "/304", "/early", "/close", "/abort"}}
	play.Compare(t, srv.Listener.Addr().String(), through(t, srv.Listener.Addr().String()))
}

// Programs in use write heads that we take, and understand what we write.
func TestProgramsInUse(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(roundtrip.Origin))
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
	srv := httptest.NewServer(http.HandlerFunc(roundtrip.Origin))
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
