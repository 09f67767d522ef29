// Package lab builds an origin, a proxy and a client in one call, for tests.
//
//	l := lab.New(t, lab.Config{
//		Secrets: map[string]string{"KEY": "sk-…"}, Allow: []string{"api.acme.test"},
//		Origin:  http.HandlerFunc(echo),
//	})
//	resp, err := l.Client.Get(l.URL("api.acme.test", "/v1?key=AS_SECRET_KEY"))
//
// Everything in it is real: TLS on loopback sockets, a root CA for each side,
// the allowlist, an audit log on disk. Names under .test lead to the origin.
package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Config says what a Lab should hold. The zero value has no secrets, allows
// nothing and has an origin that answers 200.
type Config struct {
	Secrets  map[string]string // name to value
	Allow    []string          // rules; a rule without a port is given the origin's
	Rules    []allowlist.Rule  // more of them, with what a text does not say
	Bindings map[string]allowlist.Binding
	Origin   http.Handler
	OriginH1 bool                // the origin speaks HTTP/1.1 only
	ClientH1 bool                // the client speaks HTTP/1.1 only
	Text     func(mitm.Use) bool // nil: what the policy says
	Change   func(*mitm.Config)  // last word on the proxy's configuration
}

// Lab is a running origin, proxy and client.
type Lab struct {
	T      testing.TB
	Origin *httptest.Server
	Port   int // of the origin
	Proxy  *mitm.Proxy
	Run    *mitm.Run
	Addr   net.Addr     // of the proxy
	Client *http.Client // goes through the proxy with the run's credential
	CA     *ca.Authority
	Roots  *x509.CertPool // trusts CA
	Direct *http.Client   // goes to the origin without the proxy, whatever the host
	Log    *Buffer        // what the proxy logged

	auditDir string
	dialled  *Buffer // addresses that the proxy asked to pin: one a line
}

// New starts a lab that ends with the test.
func New(t testing.TB, cfg Config) *Lab {
	t.Helper()
	l := &Lab{T: t, auditDir: t.TempDir(), Log: &Buffer{}, dialled: &Buffer{}}
	originCA := authority(t)
	l.startOrigin(cfg, originCA)
	l.CA = authority(t)
	l.Roots = pool(t, l.CA)
	l.startProxy(cfg, pool(t, originCA))
	l.Client = l.NewClient(!cfg.ClientH1)
	l.Direct = l.direct(pool(t, originCA), !cfg.ClientH1)
	return l
}

func authority(t testing.TB) *ca.Authority {
	t.Helper()
	a, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func pool(t testing.TB, a *ca.Authority) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("no certificate in the CA's PEM")
	}
	return p
}

func (l *Lab) startOrigin(cfg Config, a *ca.Authority) {
	h := cfg.Origin
	if h == nil {
		h = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	}
	l.Origin = httptest.NewUnstartedServer(h)
	l.Origin.EnableHTTP2 = !cfg.OriginH1
	l.Origin.Config.ErrorLog = log.New(io.Discard, "", 0)
	l.Origin.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return a.Leaf(hello.ServerName)
	}}
	l.Origin.StartTLS()
	l.T.Cleanup(l.Origin.Close)
	l.Port = l.Origin.Listener.Addr().(*net.TCPAddr).Port
}

func (l *Lab) startProxy(cfg Config, originRoots *x509.CertPool) {
	t := l.T
	list := &allowlist.List{Bindings: cfg.Bindings}
	for _, text := range cfg.Allow {
		r, err := allowlist.ParseRequestRule(text)
		if err != nil {
			t.Fatal(err)
		}
		list.Rules = append(list.Rules, r)
	}
	list.Rules = append(list.Rules, cfg.Rules...)
	for i := range list.Rules {
		if list.Rules[i].Port == 0 {
			list.Rules[i].Port = l.Port
		}
	}
	events, err := audit.Open(audit.Config{Dir: l.auditDir, Key: func() ([]byte, error) { return []byte("lab"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	catalogue := allowlist.NewCatalogue()
	mc := mitm.Config{
		Leaf: l.CA.Leaf, NormalHost: allowlist.NormalHost, Record: events.Write,
		Allow:    func(_ mitm.Scope, u mitm.Use) error { return allow(list, u) },
		Text:     func(_ mitm.Scope, u mitm.Use) bool { return list.IsText(useOf(u), catalogue) },
		Anywhere: func(_ mitm.Scope, host string, port int) bool { return list.Anywhere(host, port) },
		Rules:    func(_ mitm.Scope, u mitm.Use) []string { return list.Deciding(useOf(u)) },
		Reaches:  func(_ mitm.Scope, host string, port int) bool { return list.Reaches(host, port) },
		Resolve: func(_ context.Context, _ mitm.Scope, name string) (resolve.Value, error) {
			v, ok := cfg.Secrets[name]
			if !ok {
				return resolve.Value{}, &mitm.Problem{Status: 424, Slug: "secret_not_found", Name: name, Message: "no such secret", Hint: "agentsecrets secrets set " + name}
			}
			return resolve.New([]byte(v)), nil
		},
		Options: func(_ mitm.Scope, u mitm.Use) mitm.Options {
			o := list.Options(useOf(u))
			return mitm.Options{Private: o.Private, Plaintext: o.Plaintext, Range: o.Range, Roots: o.CA}
		},
		Adding: func(_ mitm.Scope, u mitm.Use) string { return list.Adding(useOf(u)) },
		Guard:  allowlist.GuardAddr, GuardAlways: allowlist.GuardMetadata, GuardPrivate: allowlist.GuardPrivate,
		Pin:   l.pin,
		Roots: func(string) *x509.CertPool { return originRoots },
		Log:   slog.New(slog.NewTextHandler(l.Log, nil)),
	}
	if cfg.Text != nil {
		mc.Text = func(_ mitm.Scope, u mitm.Use) bool { return cfg.Text(u) }
	}
	if cfg.Change != nil {
		cfg.Change(&mc)
	}
	p, err := mitm.New(mc)
	if err != nil {
		t.Fatal(err)
	}
	l.Proxy = p
	l.Run = p.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "prj", Environment: "development"} })
	l.serve(func() { events.Close() })
}

func (l *Lab) serve(then func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.T.Fatal(err)
	}
	l.Addr = ln.Addr()
	var wg sync.WaitGroup
	wg.Go(func() { l.Proxy.Serve(ln) })
	l.T.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		l.Proxy.Shutdown(ctx)
		wg.Wait()
		then()
	})
}

// pin leads every name under .test to this machine, at the port asked for.
func (l *Lab) pin(host string, port int) (netip.AddrPort, bool) {
	fmt.Fprintf(l.dialled, "%s:%d\n", host, port)
	if !strings.HasSuffix(host, ".test") {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)), true
}

func allow(list *allowlist.List, u mitm.Use) error {
	err := list.Check(useOf(u))
	if err == nil {
		return nil
	}
	d, ok := err.(*allowlist.DeniedError)
	if !ok {
		return err
	}
	return &mitm.Problem{Status: 403, Slug: d.Reason, Name: d.Name, Message: d.Error(), Hint: d.Hint()}
}

func useOf(u mitm.Use) allowlist.Use {
	return allowlist.Use{Name: u.Name, Host: u.Host, Port: u.Port, Method: u.Method, Path: u.Path, Place: u.Place, Whole: u.Whole}
}

// NewClient is one more client of the run, with its own connections.
func (l *Lab) NewClient(http2 bool) *http.Client {
	proxy, err := url.Parse(l.Run.URL(l.Addr))
	if err != nil {
		l.T.Fatal(err)
	}
	tr := &http.Transport{
		Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: l.Roots},
		ForceAttemptHTTP2: http2, DisableCompression: true,
	}
	l.T.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (l *Lab) direct(roots *x509.CertPool, http2 bool) *http.Client {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Origin.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2, DisableCompression: true,
	}
	l.T.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// URL is where host's origin answers.
func (l *Lab) URL(host, path string) string {
	return fmt.Sprintf("https://%s:%d%s", host, l.Port, path)
}

// Authority is host with the origin's port.
func (l *Lab) Authority(host string) string { return fmt.Sprintf("%s:%d", host, l.Port) }

// Dial opens a bare connection to the proxy.
func (l *Lab) Dial() net.Conn {
	l.T.Helper()
	c, err := net.Dial("tcp", l.Addr.String())
	if err != nil {
		l.T.Fatal(err)
	}
	l.T.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// Connect sends CONNECT with the run's credential and returns the connection
// after the proxy's 200.
func (l *Lab) Connect(authority string) net.Conn {
	l.T.Helper()
	c := l.Dial()
	u, err := url.Parse(l.Run.URL(l.Addr))
	if err != nil {
		l.T.Fatal(err)
	}
	req := &http.Request{Method: "CONNECT", URL: &url.URL{Opaque: authority}, Host: authority, Header: http.Header{}}
	pw, _ := u.User.Password()
	req.SetBasicAuth(u.User.Username(), pw)
	req.Header["Proxy-Authorization"] = req.Header["Authorization"]
	req.Header.Del("Authorization")
	if err := req.Write(c); err != nil {
		l.T.Fatal(err)
	}
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		l.T.Fatal(err)
	}
	if resp.StatusCode != 200 {
		l.T.Fatalf("CONNECT %s: %s", authority, resp.Status)
	}
	return c
}

// TLS is Connect with TLS toward the proxy; protocols is what ALPN offers.
func (l *Lab) TLS(authority string, protocols ...string) *tls.Conn {
	l.T.Helper()
	host, _, _ := net.SplitHostPort(authority)
	c := tls.Client(l.Connect(authority), &tls.Config{RootCAs: l.Roots, ServerName: host, NextProtos: protocols})
	if err := c.Handshake(); err != nil {
		l.T.Fatal(err)
	}
	return c
}

// Events are the audit events so far, one row an exchange.
func (l *Lab) Events() []audit.Event {
	l.T.Helper()
	events, err := audit.Read(l.auditDir, audit.Filter{})
	if err != nil {
		l.T.Fatal(err)
	}
	return events
}

// AuditDir is where the audit log lies.
func (l *Lab) AuditDir() string { return l.auditDir }

// Dialled lists the host:port pairs that the proxy set out to dial.
func (l *Lab) Dialled() []string { return strings.Fields(l.dialled.String()) }

// Buffer is a strings.Builder for concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
