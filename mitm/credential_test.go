package mitm_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// connect sends a CONNECT written by hand and returns the status line and the
// rest of the answer.
func connect(t *testing.T, l *lab.Lab, credential string) (*http.Response, string) {
	t.Helper()
	c := l.Dial()
	field := ""
	if credential != "" {
		field = "Proxy-Authorization: " + credential + "\r\n"
	}
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", l.Authority(host), l.Authority(host), field)
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == 200 {
		return resp, ""
	}
	b, _ := io.ReadAll(resp.Body)
	return resp, string(b)
}

func token(t *testing.T, l *lab.Lab) string {
	t.Helper()
	u, err := url.Parse(l.Run.URL(l.Addr))
	if err != nil {
		t.Fatal(err)
	}
	pw, _ := u.User.Password()
	return pw
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func TestL1Credential(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	tok := token(t, l)
	for _, c := range []struct {
		name, field string
		status      int
	}{
		{"right", "Basic " + basic("run", tok), 200},
		{"lower-case scheme", "basic " + basic("run", tok), 200},
		{"upper-case scheme", "BASIC " + basic("run", tok), 200},
		{"none", "", 407},
		{"other scheme", "Bearer " + tok, 407},
		{"other user", "Basic " + basic("root", tok), 407},
		{"shorter", "Basic " + basic("run", tok[:len(tok)-1]), 407},
		{"longer", "Basic " + basic("run", tok+"A"), 407},
		{"empty", "Basic " + basic("run", ""), 407},
		{"not base64", "Basic !!", 407},
		{"other case", "Basic " + basic("run", strings.ToUpper(tok)), 407},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := connect(t, l, c.field)
			if resp.StatusCode != c.status {
				t.Fatalf("got %s, want %d", resp.Status, c.status)
			}
			if c.status == 200 {
				return
			}
			if !strings.HasPrefix(resp.Header.Get("Proxy-Authenticate"), "Basic ") {
				t.Errorf("no challenge: git asks only after one")
			}
			if !strings.Contains(resp.Status, "agentsecrets proxy env") {
				t.Errorf("status line %q does not say what to run", resp.Status)
			}
			wantProblem(t, resp, body, 407, "proxy_credential_required")
			if !resp.Close {
				t.Error("connection stays open: Node would hang")
			}
		})
	}
	if d := l.Dialled(); len(d) > 0 {
		t.Errorf("dialled %v", d)
	}
}

func TestL1CredentialAbsoluteForm(t *testing.T) {
	l := lab.New(t, lab.Config{})
	c := l.Dial()
	io.WriteString(c, "GET http://api.acme.test/ HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 407 || resp.Header.Get("Proxy-Authenticate") == "" {
		t.Errorf("got %s", resp.Status)
	}
}

// Nor is the body of a request waited for whose target cannot be read.
func TestBadTargetCloses(t *testing.T) {
	l := lab.New(t, lab.Config{})
	for _, target := range []string{"http://user@api.acme.test/", "http://api.acme.test:0/", "ftp://api.acme.test/"} {
		c := l.Dial()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: api.acme.test\r\nProxy-Authorization: Basic %s\r\nContent-Length: 100\r\n\r\n", target, basic("run", token(t, l)))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 400 || !resp.Close {
			t.Errorf("%s: %v %v", target, resp, err)
		}
	}
}

// A revoked credential opens nothing, and what it had opened is closed.
func TestL1Revoke(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}, ClientH1: true})
	do(t, l, "GET", l.URL(host, "/"), "", nil)
	c := l.TLS(l.Authority(host), "http/1.1")
	l.Run.Revoke()
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an open connection outlived its credential: %v", err)
	}
	if resp, _ := connect(t, l, "Basic "+basic("run", token(t, l))); resp.StatusCode != 407 {
		t.Errorf("got %s after revoking", resp.Status)
	}
}

// A run's credential does not open another's connections, and is its own.
func TestL1RunsAreApart(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	first := l.Run
	second := l.Proxy.NewRun(func() (s scope) { return })
	if first.ID() == second.ID() || first.URL(l.Addr) == second.URL(l.Addr) {
		t.Error("two runs share an ID or a credential")
	}
	second.Revoke()
	if resp, _ := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
		t.Errorf("revoking one run ended another: %s", resp.Status)
	}
}

// A ClientHello in the same packet as CONNECT is not lost.
func TestEarlyBytes(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}, Origin: newRecorder()})
	raw := l.Dial()
	head := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n",
		l.Authority(host), l.Authority(host), basic("run", token(t, l)))
	glued := &gluedConn{Conn: raw, head: []byte(head)}
	c := tls.Client(glued, &tls.Config{RootCAs: l.Roots, ServerName: host})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", l.Authority(host))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
}

// A client that knows TLS 1.2 in CBC mode only is refused, others of TLS 1.2 are not.
func TestCipherSuites(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}, Origin: newRecorder()})
	for suite, ok := range map[uint16]bool{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: true, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: true,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: true,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA:          false, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: false,
	} {
		c := tls.Client(l.Connect(l.Authority(host)), &tls.Config{
			RootCAs: l.Roots, ServerName: host, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite},
		})
		if err := c.Handshake(); (err == nil) != ok {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), err)
		}
	}
}

// gluedConn writes head in one packet with the first thing written, and skips
// the answer to it.
type gluedConn struct {
	net.Conn
	head []byte
	br   *bufio.Reader
}

func (g *gluedConn) Write(b []byte) (int, error) {
	if g.head == nil {
		return g.Conn.Write(b)
	}
	_, err := g.Conn.Write(append(g.head, b...))
	g.head = nil
	return len(b), err
}

func (g *gluedConn) Read(b []byte) (int, error) {
	if g.br == nil {
		g.br = bufio.NewReader(g.Conn)
		for {
			line, err := g.br.ReadString('\n')
			if err != nil {
				return 0, err
			}
			if line == "\r\n" {
				break
			}
		}
	}
	return g.br.Read(b)
}

// Revoking ends exchanges under way, those of absolute-form requests too.
func TestL1RevokeEndsExchanges(t *testing.T) {
	gone := make(chan struct{})
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(plain.Close)
	l := lab.New(t, lab.Config{})
	_, port, _ := net.SplitHostPort(plain.Listener.Addr().String())
	resp, err := l.Client.Get("http://api.acme.test:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	l.Run.Revoke()
	select {
	case <-gone:
	case <-time.After(3 * time.Second):
		t.Error("the exchange outlived the credential")
	}
}

// A refused request whose body was not read ends its HTTP/1 connection.
func TestRefusalCloses(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	c := l.TLS(l.Authority(host), "http/1.1")
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer AS_SECRET_NOSUCH\r\nContent-Length: 100\r\n\r\n", l.Authority(host))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 424 || !resp.Close {
		t.Errorf("%v %v", resp, err)
	}
}
