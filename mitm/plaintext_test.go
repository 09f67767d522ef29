package mitm_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// plainLab has an origin that knows no TLS, on a port that is allowed for every
// host that leads to it, and secrets that may stand anywhere.
func plainLab(t *testing.T) (l *lab.Lab, o *recorder, port int) {
	o = newRecorder()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	port = s.Listener.Addr().(*net.TCPAddr).Port
	var allow []string
	for _, h := range []string{host, "127.0.0.1", "localhost", "[::1]"} {
		allow = append(allow, fmt.Sprintf("%s:%d", h, port))
	}
	any := allowlist.Binding{Places: []string{"header", "query", "basic", "path", "body", "body:any", "form"}}
	l = lab.New(t, lab.Config{Secrets: secrets, Allow: allow, Bindings: map[string]allowlist.Binding{"KEY": any}, Change: func(c *mitm.Config) {
		pin := c.Pin
		c.Pin = func(host string, p int) (netip.AddrPort, bool) { // not for their addresses are the others refused
			if to, ok := pin(host, p); ok {
				return to, ok
			}
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(p)), true
		}
	}})
	return l, o, port
}

// No value goes to a plaintext origin, whatever the place, however the request
// comes, and be it on this machine.
func TestD7PlaintextOrigin(t *testing.T) {
	l, o, port := plainLab(t)
	for _, h := range []string{host, "127.0.0.1", "localhost", "[::1]"} {
		at := fmt.Sprintf("http://%s:%d", h, port)
		for _, c := range []struct{ name, method, target, field, line, body string }{
			{name: "header", method: "GET", target: "/", field: "X-Key", line: "AS_SECRET_KEY"},
			{name: "bearer", method: "GET", target: "/", field: "Authorization", line: "Bearer AS_SECRET_KEY"},
			{name: "Basic", method: "GET", target: "/", field: "Authorization", line: "Basic " + basic("u", "AS_SECRET_KEY")},
			{name: "cookie", method: "GET", target: "/", field: "Cookie", line: "k=AS_SECRET_KEY"},
			{name: "query", method: "GET", target: "/?k=AS_SECRET_KEY"},
			{name: "escaped query", method: "GET", target: "/?k=%41S_SECRET_KEY"},
			{name: "path", method: "GET", target: "/AS_SECRET_KEY/x"},
			{name: "JSON", method: "POST", target: "/", field: "Content-Type", line: "application/json", body: `{"k":"AS_SECRET_KEY"}`},
			{name: "form", method: "POST", target: "/", field: "Content-Type", line: "application/x-www-form-urlencoded", body: "k=AS_SECRET_KEY"},
			{name: "text", method: "POST", target: "/", field: "Content-Type", line: "text/plain", body: "k AS_SECRET_KEY k"},
			{name: "upgrade", method: "GET", target: "/?k=AS_SECRET_KEY", field: "Upgrade", line: "websocket"},
		} {
			req, err := http.NewRequest(c.method, at+c.target, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.field != "" {
				req.Header.Set(c.field, c.line)
			}
			if c.field == "Upgrade" {
				req.Header.Set("Connection", "Upgrade")
			}
			resp, body := send(t, l.Client, req)
			wantProblem(t, resp, body, 403, "plaintext_denied")
			o.none(t)
			if t.Failed() {
				t.Fatalf("%s, %s", h, c.name)
			}
		}
		resp, body := call(t, l, "GET", at+"/", "", style.Styles{Bearer: "KEY"})
		wantProblem(t, resp, body, 403, "plaintext_denied")
		o.none(t)
	}
	if resp, body := do(t, l, "GET", fmt.Sprintf("http://%s:%d/", host, port), "", http.Header{"X-Key": {"none"}}); resp.StatusCode != 200 || body != "ok" {
		t.Errorf("without a placeholder: %d %s", resp.StatusCode, body)
	}
}

// A body of no known length may have begun to go out before its placeholder comes.
// There it ends, without the value.
func TestD7PlaintextStream(t *testing.T) {
	l, o, port := plainLab(t)
	for _, before := range []int{0, 100, 70 << 10, 3 << 20} {
		head := fmt.Sprintf("POST http://%s:%d/ HTTP/1.1\r\nHost: %[1]s:%[2]d\r\nProxy-Authorization: Basic %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
			host, port, basic("run", token(t, l)))
		body := `{"a":"` + strings.Repeat("x", before) + `","k":"AS_SECRET_KEY"}`
		c := l.Dial()
		go fmt.Fprintf(c, "%s%x\r\n%s\r\n0\r\n\r\n", head, len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil && resp.StatusCode < 400 {
			t.Errorf("behind %d bytes: answered with %s", before, resp.Status)
		}
		c.Close()
		select { // the origin's reader has ended, or was never asked
		case got := <-o.got:
			if strings.Contains(got.Body, value) || strings.Contains(got.Body, `"k":"`) && !strings.HasSuffix(got.Body, `"k":"`) {
				t.Errorf("behind %d bytes: the origin was sent %.60q", before, got.Body[max(0, len(got.Body)-60):])
			}
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// What is in a tunnel without being TLS goes nowhere: it is told why, and closed.
func TestD7PlaintextInATunnel(t *testing.T) {
	l, o, port := plainLab(t)
	for name, text := range map[string]string{
		"HTTP/1.1":          "GET / HTTP/1.1\r\nHost: api.acme.test\r\nAuthorization: Bearer AS_SECRET_KEY\r\n\r\n",
		"HTTP/1.0":          "GET /?k=AS_SECRET_KEY HTTP/1.0\r\n\r\n",
		"absolute form":     fmt.Sprintf("GET http://%s:%d/?k=AS_SECRET_KEY HTTP/1.1\r\nHost: %[1]s:%[2]d\r\n\r\n", host, port),
		"CONNECT once more": fmt.Sprintf("CONNECT %s:%d HTTP/1.1\r\nHost: x\r\n\r\n", host, port),
		"HTTP/2":            http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"WebSocket":         "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: AS_SECRET_KEY\r\n\r\n",
		"SMTP":              "EHLO AS_SECRET_KEY\r\n",
		"almost TLS":        "\x16GET / HTTP/1.1\r\nAuthorization: Bearer AS_SECRET_KEY\r\n\r\n",
		"SSL 2":             "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x07\x00\xc0\x03\x00\x80",
	} {
		for _, to := range []string{fmt.Sprintf("%s:%d", host, port), fmt.Sprintf("127.0.0.1:%d", port), host + ":80"} {
			c := l.Connect(to)
			io.WriteString(c, text)
			c.(*net.TCPConn).CloseWrite()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if name == "SSL 2" { // an alert
				if err == nil {
					t.Errorf("%s: answered with %s", name, resp.Status)
				}
			} else if err != nil || resp.StatusCode != 400 {
				t.Errorf("%s: %v %v", name, resp, err)
			} else {
				body, _ := io.ReadAll(resp.Body)
				wantProblem(t, resp, string(body), 400, "not_tls")
			}
			c.Close()
		}
	}
	o.none(t)
	if d := l.Dialled(); len(d) > 0 {
		t.Errorf("dialled %q", d)
	}
}
