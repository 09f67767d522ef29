package mitm_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

type scope = mitm.Scope

const evil = "evil.test"

// Which hosts are allowed makes no difference to which host a tunnel goes to.
var allowing = map[string][]string{"both allowed": {host, evil}, "one allowed": {host}, "the other allowed": {evil}, "none allowed": nil}

// Only the CONNECT authority chooses the origin: a Host of another is answered
// 421, and nothing is dialled, with a placeholder and without.
func TestD1HostHTTP1(t *testing.T) {
	for name, allow := range allowing {
		t.Run(name, func(t *testing.T) {
			o := newRecorder()
			l := lab.New(t, lab.Config{Secrets: secrets, Allow: allow, Origin: o, OriginH1: true})
			p := l.Port
			for _, c := range []struct{ connect, host string }{
				{evil, l.Authority(host)},
				{host, l.Authority(evil)},
				{host, host},                              // port 443
				{host, fmt.Sprintf("%s:%d", host, p+1)},   // another port
				{host, fmt.Sprintf("sub.%s:%d", host, p)}, // below it
				{host, fmt.Sprintf("acme.test:%d", p)},    // above it
				{host, fmt.Sprintf("127.0.0.1:%d", p)},    // where it lies
				{"127.0.0.1", l.Authority(host)},
			} {
				for _, head := range []string{"GET / HTTP/1.1\r\n", "GET / HTTP/1.0\r\n", "POST / HTTP/1.1\r\nContent-Length: 2\r\n"} {
					for _, field := range []string{"X-Key: AS_SECRET_KEY", "X-Key: none"} {
						if got := askHTTP1(t, l, l.Authority(c.connect), head+"Host: "+c.host+"\r\n"+field+"\r\n"); got != 421 {
							t.Errorf("CONNECT %s, %q, Host %s, %s: got %d, want 421", c.connect, head, c.host, field, got)
						}
						o.none(t)
					}
				}
			}
			if d := l.Dialled(); len(d) > 0 {
				t.Errorf("dialled %q", d)
			}
		})
	}
}

// The same over HTTP/2, with frames written by hand so that the client does not
// help: Host beside :authority, and instead of it.
func TestD1AuthorityHTTP2(t *testing.T) {
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
		{"equal Host alone", host, []string{"host", here}, "200"},
		{"both equal", host, []string{":authority", here, "host", here}, "200"},
		{"other authority", host, []string{":authority", there}, "421"},
		{"fronting", evil, []string{":authority", here}, "421"},
		{"other Host alone", host, []string{"host", there}, "421"},
		{"Host differs", host, []string{":authority", here, "host", there}, "421"},
		{"authority differs", host, []string{":authority", there, "host", here}, "421"},
		{"two Hosts, one differs", host, []string{":authority", here, "host", here, "host", there}, "421"},
		{"another port", host, []string{":authority", fmt.Sprintf("%s:%d", host, l.Port+1)}, "421"},
		{"no port", host, []string{":authority", host}, "421"},
		{"neither", host, nil, "421"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(l.Dialled())
			if got := http2Status(t, l.TLS(l.Authority(c.connect), "h2"), c.fields); got != c.status {
				t.Errorf("got %s, want %s", got, c.status)
			}
			if c.status != "200" {
				o.none(t)
				if d := l.Dialled(); len(d) != before {
					t.Errorf("dialled %q", d[before:])
				}
				return
			}
			if got := o.take(t); got.Host != here {
				t.Errorf("the origin saw the host %q", got.Host)
			}
		})
	}
}

// Where there is no tunnel, the URL is what counts, and the origin is sent its host.
func TestD1OutsideATunnel(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	for _, c := range []struct {
		url, host string
		status    int
	}{
		{l.URL(host, "/"), l.Authority(host), 200},
		{l.URL(host, "/"), l.Authority(evil), 200}, // RFC 9112, 3.2.2: its Host is replaced
		{l.URL(evil, "/"), l.Authority(host), 403},
		{strings.Replace(l.URL(evil, "/"), "//", "//"+host+":443@", 1), l.Authority(host), 400},
	} {
		conn := l.Dial()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\nX-Key: AS_SECRET_KEY\r\n\r\n", c.url, c.host, basic("run", token(t, l)))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s, Host %s: %v %v, want %d", c.url, c.host, resp, err, c.status)
			continue
		}
		if c.status != 200 {
			o.none(t)
		} else if got := o.take(t); got.Host != l.Authority(host) {
			t.Errorf("%s, Host %s: the origin saw the host %q", c.url, c.host, got.Host)
		}
	}
}

// askHTTP1 sends a request in a tunnel as it is written, and returns the status
// of the answer.
func askHTTP1(t *testing.T, l *lab.Lab, connect, head string) int {
	t.Helper()
	conn := l.TLS(connect, "http/1.1")
	defer conn.Close()
	body := ""
	if strings.Contains(head, "Content-Length: 2") {
		body = "{}"
	}
	io.WriteString(conn, head+"\r\n"+body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return resp.StatusCode
}

func http2Status(t *testing.T, conn *tls.Conn, fields []string) string {
	t.Helper()
	if p := conn.ConnectionState().NegotiatedProtocol; p != "h2" {
		t.Fatalf("ALPN chose %q", p)
	}
	io.WriteString(conn, http2.ClientPreface)
	fr := http2.NewFramer(conn, conn)
	fr.WriteSettings()
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	return http2Ask(t, fr, &block, hpack.NewEncoder(&block), 1, fields)
}

// http2Ask asks for fields on a stream, and returns the status of the answer.
func http2Ask(t *testing.T, fr *http2.Framer, block *bytes.Buffer, enc *hpack.Encoder, stream uint32, fields []string) string {
	t.Helper()
	block.Reset()
	all := append([]string{":scheme", "https"}, fields...)
	if !slices.Contains(fields, ":method") {
		all = append([]string{":method", "GET"}, all...)
	}
	if !slices.Contains(fields, ":path") {
		all = append([]string{":path", "/"}, all...)
	}
	all = append(all, "authorization", "Bearer AS_SECRET_KEY")
	for i := 0; i < len(all); i += 2 {
		enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
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

// hello is a TLS handshake in a tunnel, and a request.
func hello(t *testing.T, l *lab.Lab, connect, serverName string) error {
	t.Helper()
	// The certificate is checked by hand: who asks for another name is content with none.
	c := tls.Client(l.Connect(l.Authority(connect)), &tls.Config{
		ServerName: serverName, RootCAs: l.Roots, InsecureSkipVerify: serverName == "",
	})
	defer c.Close()
	if err := c.Handshake(); err != nil {
		return err
	}
	if _, err := c.ConnectionState().PeerCertificates[0].Verify(x509.VerifyOptions{Roots: l.Roots, DNSName: connect}); err != nil {
		return err
	}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", l.Authority(connect))
	io.Copy(io.Discard, c)
	return nil
}

// An SNI other than the authority is answered with a TLS alert.
func TestD2ServerName(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	for _, name := range []string{host, "", strings.ToUpper(host)} {
		if err := hello(t, l, host, name); err != nil {
			t.Errorf("server name %q: %v", name, err)
		}
	}
	before := len(l.Dialled())
	for _, c := range []struct{ connect, name string }{
		{evil, host}, {host, evil}, {host, "sub." + host}, {host, "acme.test"}, {host, host + ".evil.test"}, {host, "xn--pi-6kc.acme.test"},
		{"127.0.0.1", host},
	} {
		if err := hello(t, l, c.connect, c.name); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
			t.Errorf("CONNECT %s, server name %s: %v, want an alert", c.connect, c.name, err)
		}
	}
	if d := l.Dialled(); len(d) != before {
		t.Errorf("dialled %q", d[before:])
	}
}

// What the origin is asked for, and what its certificate must be for, is the
// authority, whatever the client wrote and whether or not it named a server.
func TestD2OriginIsAskedForTheAuthority(t *testing.T) {
	asked := make(chan string, 8)
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.TLS.ServerName + " " + r.Host
	})})
	for _, name := range []string{host, "", strings.ToUpper(host)} {
		c := tls.Client(l.Connect(l.Authority("API.acme.TEST.")), &tls.Config{ServerName: name, RootCAs: l.Roots, InsecureSkipVerify: name == ""})
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: Api.Acme.Test.:%d\r\nX-Key: AS_SECRET_KEY\r\n\r\n", l.Port)
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatalf("server name %q: %v", name, err)
		}
		select {
		case got := <-asked:
			if want := host + " " + l.Authority(host); got != want {
				t.Errorf("server name %q: the origin was asked for %q, want %q", name, got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the origin was not asked")
		}
		c.Close()
	}
}

// An absolute form in a tunnel is this host's URL, or it is refused.
func TestD3AbsoluteForm(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o, OriginH1: true})
	here, there := l.Authority(host), l.Authority(evil)
	for _, c := range []struct {
		target string
		status int
	}{
		{"https://" + here + "/x", 200},
		{"HTTPS://API.Acme.Test.:" + fmt.Sprint(l.Port) + "/x", 200},
		{"https://" + there + "/x", 421},
		{"https://" + there, 421},
		{"https://" + there + "?x", 421},
		{"http://" + here + "/x", 421},
		{"http://" + there + "/x", 421},
		{"ftp://" + here + "/x", 400},
		{"wss://" + here + "/x", 400},
		{"https://" + host + "/x", 421}, // port 443
		{"https://u:p@" + here + "/x", 400},
		{"https://" + here + "@" + there + "/x", 400},
		{"https://" + there + "#@" + here + "/x", 400},
		{"https://" + there + "\\@" + here + "/x", 400},
		{"https:///x", 400},
		{"https:/evil.test/x", 400},
		{"https:evil.test", 400},
		{"https:?q=AS_SECRET_KEY", 400},
		{there, 400},
		{"*", 400},
		{"//" + there + "/x", 200}, // a path, which begins with two slashes
		{"/https://" + there + "/x", 200},
	} {
		for _, field := range []string{here, there} { // RFC 9112, 3.2.2: beside an absolute form, Host says nothing
			if !strings.Contains(c.target, "://") || strings.HasPrefix(c.target, "/") {
				field = here
			}
			if got := askHTTP1(t, l, here, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nX-Secret: AS_SECRET_KEY\r\n", c.target, field)); got != c.status {
				t.Errorf("%s, Host %s: got %d, want %d", c.target, field, got, c.status)
			}
			if c.status != 200 {
				o.none(t)
			} else if got := o.take(t); got.Host != here || !strings.HasPrefix(got.Target, "/") {
				t.Errorf("%s: the origin was asked for %q of %q", c.target, got.Target, got.Host)
			}
		}
	}
	for _, d := range l.Dialled() {
		if d != here {
			t.Errorf("dialled %s", d)
		}
	}
}

// HTTP/2 has no absolute form, and some servers read one out of :path.
func TestD3AbsolutePathHTTP2(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o})
	here, there := l.Authority(host), l.Authority(evil)
	for path, status := range map[string]string{
		"https://" + here + "/": "200", "https://" + there + "/": "421", "http://" + here + "/": "421", "https://x@" + here + "/": "421", "https:///x": "421",
		"https:/evil.test/x": "400", "/x y": "400", "/x HTTP/1.0": "400", "/x\x7f": "400", "*": "400",
	} {
		got := http2Status(t, l.TLS(here, "h2"), []string{":authority", here, ":path", path})
		if got != status && !(status == "400" && got == "reset") {
			t.Errorf("%q: got %s, want %s", path, got, status)
		}
		if status == "200" {
			o.take(t)
		} else {
			o.none(t)
		}
	}
	if got := askHTTP1(t, l, here, "OPTIONS * HTTP/1.1\r\nHost: "+here+"\r\n"); got != 200 {
		t.Errorf("OPTIONS *: %d", got)
	}
}

// Between its handshake and its first request a client is sent nothing: a ticket
// would come while one thread reads and another writes.
func TestD2NoTickets(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cache := tls.NewLRUClientSessionCache(4)
		for range 2 {
			conn := l.Connect(l.Authority(host))
			c := tls.Client(conn, &tls.Config{RootCAs: l.Roots, ServerName: host, ClientSessionCache: cache, MaxVersion: version})
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", l.Authority(host))
			io.Copy(io.Discard, c)
			if _, kept := cache.Get(host); kept || c.ConnectionState().DidResume {
				t.Errorf("%s: a session could be resumed", tls.VersionName(version))
			}
		}
	}
}

// A tunnel is not asked for another.
func TestMethodsRefused(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}})
	here := l.Authority(host)
	for _, head := range []string{"TRACE / HTTP/1.1", "TRACK / HTTP/1.1", "CONNECT " + here + " HTTP/1.1"} {
		if got := askHTTP1(t, l, here, head+"\r\nHost: "+here+"\r\n"); got != 405 {
			t.Errorf("%s: %d", head, got)
		}
	}
}
