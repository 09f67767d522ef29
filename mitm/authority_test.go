package mitm_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

type scope = mitm.Scope

const evil = "evil.test"

// Only the CONNECT authority chooses the origin: whatever else names another
// host is answered 421, and nothing is dialled, however allowed that host is.
func TestAuthorityHTTP1(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o, OriginH1: true})
	p := l.Port
	for _, c := range []struct {
		connect, head string
		status        int
	}{
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s:%d\r\n", host, p), 200},
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: API.ACME.test.:%d\r\n", p), 200},
		{host, fmt.Sprintf("GET https://%s:%d/x HTTP/1.1\r\nHost: %s:%d\r\n", host, p, host, p), 200},
		{host, "GET / HTTP/1.0\r\n", 200},
		{evil, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s:%d\r\n", host, p), 421},
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s:%d\r\n", evil, p), 421},
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n", host), 421},            // port 443
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s:%d\r\n", host, p+1), 421},    // other port
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: sub.%s:%d\r\n", host, p), 421},  // sub-domain
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: x@%s:%d\r\n", host, p), 400},    // user info
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s:%d#x\r\n", host, p), 400},    // fragment
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: [%s]:%d\r\n", host, p), 421},    // brackets
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s%%00:%d\r\n", host, p), 421},  // NUL
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s..:%d\r\n", host, p), 421},    // two dots
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: аpi.acme.test:%d\r\n", p), 400}, // Cyrillic a
		{host, fmt.Sprintf("GET https://%s:%d/ HTTP/1.1\r\nHost: %s:%d\r\n", evil, p, host, p), 421},
		{host, fmt.Sprintf("GET http://%s:%d/ HTTP/1.1\r\nHost: %s:%d\r\n", host, p, host, p), 421},
		{host, fmt.Sprintf("GET https://u:p@%s:%d/ HTTP/1.1\r\nHost: %s:%d\r\n", host, p, host, p), 421},
		{host, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s:%d\r\nHost: %s:%d\r\n", host, p, evil, p), 400},
		{host, "GET / HTTP/1.1\r\n", 400},
		{host, fmt.Sprintf("TRACE / HTTP/1.1\r\nHost: %s:%d\r\n", host, p), 405},
		{host, fmt.Sprintf("CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n", host, p, host, p), 405},
	} {
		t.Run(strings.ReplaceAll(c.connect+" "+c.head, "\r\n", " "), func(t *testing.T) {
			conn := l.TLS(l.Authority(c.connect), "http/1.1")
			io.WriteString(conn, c.head+"Authorization: Bearer AS_SECRET_KEY\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("got %s, want %d", resp.Status, c.status)
			}
			if c.status != 200 {
				o.none(t)
				return
			}
			if got := o.take(t); got.Host != l.Authority(host) {
				t.Errorf("origin saw Host %q", got.Host)
			}
		})
	}
	for _, d := range l.Dialled() {
		if d != l.Authority(host) {
			t.Errorf("dialled %s", d)
		}
	}
}

// The same over HTTP/2, with frames written by hand so that the client does not
// help: Host beside :authority, and instead of it.
func TestAuthorityHTTP2(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o})
	here, there := l.Authority(host), l.Authority(evil)
	for _, c := range []struct {
		name    string
		connect string
		fields  []string
		status  string
	}{
		{"equal", host, []string{":authority", here}, "200"},
		{"other authority", host, []string{":authority", there}, "421"},
		{"fronting", evil, []string{":authority", here}, "421"},
		{"other Host", host, []string{"host", there}, "421"},
		{"absolute form in :path", host, []string{":authority", here, ":path", "https://" + there + "/"}, "421"},
		{"equal absolute form in :path", host, []string{":authority", here, ":path", "https://" + here + "/"}, "200"},
		{"both, Host differs", host, []string{":authority", here, "host", there}, "421"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := l.TLS(l.Authority(c.connect), "h2")
			if got := http2Status(t, conn, c.fields); got != c.status && !(c.status == "421" && (got == "400" || got == "reset")) {
				t.Errorf("got %s, want %s", got, c.status)
			}
			if c.status != "200" {
				o.none(t)
				return
			}
			o.take(t)
		})
	}
}

func http2Status(t *testing.T, conn *tls.Conn, fields []string) string {
	t.Helper()
	if p := conn.ConnectionState().NegotiatedProtocol; p != "h2" {
		t.Fatalf("ALPN chose %q", p)
	}
	io.WriteString(conn, http2.ClientPreface)
	fr := http2.NewFramer(conn, conn)
	fr.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	all := append([]string{":method", "GET", ":scheme", "https"}, fields...)
	if !slices.Contains(fields, ":path") {
		all = append([]string{":path", "/"}, all...)
	}
	all = append(all, "authorization", "Bearer AS_SECRET_KEY")
	for i := 0; i < len(all); i += 2 {
		enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "reset"
		}
	}
}

func TestConnectAuthority(t *testing.T) {
	l := lab.New(t, lab.Config{})
	for _, a := range []string{
		"api.acme.test", "api.acme.test:0", "api.acme.test:65536", "api.acme.test:+443", "api.acme.test:0443",
		"api.acme.test:", ":443", "[api.acme.test]:443", "::1:443", "[fe80::1%25eth0]:443", "u@api.acme.test:443",
		"api_x..test:443", "a b:443",
	} {
		c := l.Dial()
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic %s\r\n\r\n", a, basic("run", token(t, l)))
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
		if err != nil {
			t.Errorf("%q: %v", a, err)
			continue
		}
		if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 400 || !resp.Close {
			t.Errorf("%q: got %s %s, want 400", a, resp.Status, b)
		}
	}
}

// An SNI other than the authority is answered with a TLS alert, on resumed
// sessions too, where GetCertificate is not called.
func TestServerName(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	try := func(connect, sni string, cache tls.ClientSessionCache) error {
		cfg := &tls.Config{RootCAs: l.Roots, ServerName: sni, ClientSessionCache: cache}
		c := tls.Client(l.Connect(l.Authority(connect)), cfg)
		if err := c.Handshake(); err != nil {
			return err
		}
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", l.Authority(connect))
		io.Copy(io.Discard, c) // the session ticket comes with the answer
		return nil
	}
	cache := tls.NewLRUClientSessionCache(4)
	if err := try(host, host, cache); err != nil {
		t.Fatalf("equal name: %v", err)
	}
	if err := try(evil, host, nil); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
		t.Errorf("CONNECT evil, SNI allowed: %v", err)
	}
	if err := try(host, evil, nil); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
		t.Errorf("CONNECT allowed, SNI evil: %v", err)
	}
	if err := try(evil, host, cache); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
		t.Errorf("resumed session under another authority: %v", err)
	}
}

// One TLS configuration serves all connections, so that sessions resume.
func TestResumption(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	cache := tls.NewLRUClientSessionCache(4)
	for i := range 3 {
		c := tls.Client(l.Connect(l.Authority(host)), &tls.Config{RootCAs: l.Roots, ServerName: host, ClientSessionCache: cache})
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", l.Authority(host))
		io.Copy(io.Discard, c)
		if i > 0 && !c.ConnectionState().DidResume {
			t.Errorf("connection %d did not resume", i)
		}
	}
}

// Plaintext inside CONNECT goes nowhere.
func TestPlaintextInTunnel(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	c := l.Connect(l.Authority(host))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer AS_SECRET_KEY\r\n\r\n", l.Authority(host))
	b, _ := io.ReadAll(c)
	if strings.HasPrefix(string(b), "HTTP/1.1 2") {
		t.Errorf("got %q", b)
	}
	o.none(t)
	if d := l.Dialled(); len(d) > 0 {
		t.Errorf("dialled %v", d)
	}
}

// A request-target is a path, or this host's URL: nothing else is sent, nor
// bytes that an HTTP/1 request line cannot hold.
func TestRequestTarget(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, OriginH1: true})
	for _, target := range []string{"https:/evil.test/x", "https:evil.test", "https:?q=AS_SECRET_KEY", "*"} {
		conn := l.TLS(l.Authority(host), "http/1.1")
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nX-Secret: AS_SECRET_KEY\r\n\r\n", target, l.Authority(host))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != 400 && resp.StatusCode != 421 {
			t.Errorf("%q: %v %v", target, resp, err)
		}
		o.none(t)
	}
	for _, path := range []string{"https:/evil.test/x", "/x y", "/x HTTP/1.0", "/x\x7f", "*"} {
		got := http2Status(t, l.TLS(l.Authority(host), "h2"), []string{":authority", l.Authority(host), ":path", path})
		if got != "400" && got != "421" && got != "reset" {
			t.Errorf("h2 %q: %s", path, got)
		}
		o.none(t)
	}
	conn := l.TLS(l.Authority(host), "http/1.1")
	fmt.Fprintf(conn, "OPTIONS * HTTP/1.1\r\nHost: %s\r\n\r\n", l.Authority(host))
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("OPTIONS *: %v %v", resp, err)
	}
}
