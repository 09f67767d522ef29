package mitm_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// rawOrigin answers each request, and passes on its bytes as they came.
func rawOrigin(t *testing.T, reply string) (l *lab.Lab, authority string, seen chan string) {
	seen = make(chan string, 10)
	port, roots := connOrigin(t, func(c net.Conn) {
		defer c.Close()
		br := bufio.NewReader(c)
		for {
			var raw bytes.Buffer
			req, err := http.ReadRequest(bufio.NewReader(io.TeeReader(br, &raw)))
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			seen <- raw.String()
			if _, err := io.WriteString(c, reply); err != nil {
				return
			}
		}
	})
	authority = fmt.Sprintf("%s:%d", host, port)
	return lab.New(t, lab.Config{
		Secrets: map[string]string{"KEY": "sk-live-ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, Allow: []string{authority},
		Change: func(c *mitm.Config) { c.Roots = func(string) *x509.CertPool { return roots } },
	}), authority, seen
}

// In an intercepted connection too, what can be read in two ways is refused, and
// nothing behind it is read; internal/http1 lists the ways.
func TestS1InTunnel(t *testing.T) {
	l, authority, seen := rawOrigin(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	post := "POST /first HTTP/1.1\r\nHost: " + authority + "\r\n"
	smuggled := "GET /smuggled HTTP/1.1\r\nHost: " + authority + "\r\n\r\n"
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"CL and TE":         {post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		"CL twice":          {post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + smuggled, 400},
		"TE with space":     {post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		"TE unknown":        {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, 501},
		"bare LF":           {post + "X: y\nContent-Length: 5\r\n\r\n" + smuggled, 400},
		"folded":            {post + "X: y\r\n Content-Length: 5\r\n\r\n" + smuggled, 400},
		"too many fields":   {post + strings.Repeat("X: y\r\n", 100) + "\r\n" + smuggled, 431},
		"another version":   {"GET / HTTP/1.2\r\nHost: " + authority + "\r\n\r\n" + smuggled, 505},
		"another length of": {post + "Content-Length: +5\r\n\r\nhello" + smuggled, 400},
	} {
		conn := l.TLS(authority, "http/1.1")
		if _, err := io.WriteString(conn, c.text); err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(conn)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		slug := map[bool]string{true: "header_too_large", false: "bad_request"}[c.status == 431]
		if resp.StatusCode != c.status || !resp.Close || !strings.Contains(string(body), slug) {
			t.Errorf("%s: %d, closes: %v, %s", name, resp.StatusCode, resp.Close, body)
		}
		if rest, _ := io.ReadAll(br); len(rest) > 0 {
			t.Errorf("%s: then %q", name, rest)
		}
	}
	select {
	case got := <-seen:
		t.Errorf("the origin got %q", got)
	default:
	}
}

// A bad chunk ends the request that it is in, at the origin too.
func TestS1BadChunk(t *testing.T) {
	l, authority, seen := rawOrigin(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	conn := l.TLS(authority, "http/1.1")
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0x5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: %[1]s\r\n\r\n", authority)
	rest, _ := io.ReadAll(conn)
	if n := bytes.Count(rest, []byte("HTTP/1.1 ")); n > 1 || bytes.Contains(rest, []byte("HTTP/1.1 2")) {
		t.Errorf("answered with %q", rest)
	}
	if got := <-seen; strings.Contains(got, "smuggled") || strings.HasSuffix(got, "0\r\n\r\n") {
		t.Errorf("the origin got %q", got)
	}
}

// Fields arrive in the order and case that they were written in, both ways: some
// programs sign or tell clients by them.
func TestHTTP1OrderAndCase(t *testing.T) {
	const reply = "HTTP/1.1 200 OK\r\nx-z: 1\r\nX-a: 2\r\ncontent-LENGTH: 2\r\nX-Z: 3\r\n\r\nhi"
	l, authority, seen := rawOrigin(t, reply)
	conn := l.TLS(authority, "http/1.1")
	fmt.Fprintf(conn, "POST /p?q HTTP/1.1\r\nzz: 1\r\nhOST: %s\r\nx-authorization: AS_SECRET_KEY\r\nConnection: x-hop\r\nX-Hop: 1\r\nAA: 2\r\nconTENT-length: 2\r\nZZ: 3\r\n\r\nhi", authority)
	want := "POST /p?q HTTP/1.1\r\nzz: 1\r\nhOST: " + authority + "\r\nx-authorization: sk-live-ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\nAA: 2\r\nconTENT-length: 2\r\nZZ: 3\r\nAccept-Encoding: identity\r\n\r\nhi"
	if got := <-seen; got != want {
		t.Errorf("the origin got\n%q, want\n%q", got, want)
	}
	got := make([]byte, 4<<10)
	n, err := conn.Read(got)
	head, body, _ := strings.Cut(string(got[:n]), "\r\n\r\n")
	head, _, _ = strings.Cut(head, "\r\nAgentsecrets-Exchange: ")
	if wantHead, wantBody, _ := strings.Cut(reply, "\r\n\r\n"); err != nil || head != wantHead || body != wantBody {
		t.Errorf("the client got\n%q %q, %v, want\n%q", head, body, err, wantHead)
	}
}
