package mitm_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"mime"
	mp "mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// local is this machine under a name that the lab does not pin: its address is
// asked of the guard.
const local = "localhost"

func optional(text string, o allowlist.Options, places ...string) allowlist.Rule {
	r, err := allowlist.ParseRequestRule(text)
	if err != nil {
		panic(err)
	}
	r.Options, r.Places = o, places
	return r
}

func TestD9PrivateRule(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		private := allowlist.Options{Private: true}
		cfg := lab.Config{Secrets: secrets, Origin: o, Allow: []string{local}, Rules: []allowlist.Rule{
			optional("GET localhost/in/*", private), optional("169.254.169.254", private), optional("127.0.0.1", private), optional("224.0.0.1", private),
		}}
		change(&cfg)
		l := lab.New(t, cfg)
		resp, body := do(t, l, "GET", l.URL(local, "/in/a"), "", bearer("KEY"))
		if got := o.take(t); resp.StatusCode != 200 || got.Header.Get("Authorization") != "Bearer "+value {
			t.Fatalf("%s %s, the origin got %+v", resp.Status, body, got)
		}
		// The connection is there; what other rules allow does not ride on it.
		for what, send := range map[string]func() (*http.Response, string){
			"path":   func() (*http.Response, string) { return do(t, l, "GET", l.URL(local, "/out"), "", bearer("KEY")) },
			"method": func() (*http.Response, string) { return do(t, l, "POST", l.URL(local, "/in/a"), "", bearer("KEY")) },
			"another reading": func() (*http.Response, string) {
				h := bearer("KEY")
				h.Set("X-HTTP-Method-Override", "DELETE")
				return do(t, l, "GET", l.URL(local, "/in/a"), "", h)
			},
		} {
			resp, body := send()
			p := wantProblem(t, resp, body, 403, "private_address")
			if want := "agentsecrets workspace allowlist add " + l.Authority(local) + " --private"; p.Hint != want && what != "another reading" {
				t.Errorf("%s: hint %q, want %q", what, p.Hint, want)
			}
		}
		for _, url := range []string{"https://169.254.169.254:" + portOf(l), "https://224.0.0.1:" + portOf(l), "https://" + l.Addr.String()} {
			resp, body := do(t, l, "GET", url, "", nil)
			if strings.HasPrefix(url, "https://224") { // without a value it is only unreachable
				resp, body = do(t, l, "GET", url, "", bearer("KEY"))
			}
			wantProblem(t, resp, body, 403, "private_address")
		}
		o.none(t)
	})
}

func TestPrivateRuleNeverReachesOurselves(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets})
	_, port, _ := net.SplitHostPort(l.Addr.String())
	n := 0
	fmt.Sscan(port, &n)
	ours := allowlist.Rule{Host: "127.0.0.1", Port: n, Options: allowlist.Options{Private: true, Plaintext: true}}
	l = lab.New(t, lab.Config{Secrets: secrets, Rules: []allowlist.Rule{ours}, Change: func(c *mitm.Config) {
		c.Pin = func(string, int) (netip.AddrPort, bool) { return netip.AddrPort{}, false }
	}})
	l.Proxy.NeverDial(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: n})
	for _, scheme := range []string{"https", "http"} {
		resp, body := do(t, l, "GET", scheme+"://127.0.0.1:"+port+"/", "", bearer("KEY"))
		wantProblem(t, resp, body, 403, "private_address")
	}
}

// All rules that allow something of a request must say it.
func TestStrictestOptionsCount(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: map[string]string{"KEY": value, "OTHER": value + "2"}, Origin: o, Rules: []allowlist.Rule{
		optional(local, allowlist.Options{Private: true}, "header:x-private"), optional(local, allowlist.Options{}, "query"),
	}})
	private := http.Header{"X-Private": {"AS_SECRET_KEY"}}
	if resp, body := do(t, l, "GET", l.URL(local, "/"), "", private); resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	o.take(t)
	resp, body := do(t, l, "GET", l.URL(local, "/?k=AS_SECRET_OTHER"), "", private)
	wantProblem(t, resp, body, 403, "private_address")
	o.none(t)
}

// A body that streams is on its connection already when its uses are decided.
func TestStreamingBodyKeepsToItsConnection(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Origin: o, Rules: []allowlist.Rule{
		optional("POST localhost/all", allowlist.Options{Private: true}),
		optional("POST localhost/some", allowlist.Options{Private: true}, "header"), optional("POST localhost/some", allowlist.Options{}, "body"),
	}})
	post := func(path string) (*http.Response, string) {
		req, err := http.NewRequest("POST", l.URL(local, path), io.NopCloser(strings.NewReader(`{"k":"AS_SECRET_KEY"}`)))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = -1
		req.Header.Set("Content-Type", "application/json")
		return send(t, l.Client, req)
	}
	resp, body := post("/all")
	if got := o.take(t); resp.StatusCode != 200 || got.Body != `{"k":"`+value+`"}` {
		t.Fatalf("%s %s, the origin got %+v", resp.Status, body, got)
	}
	resp, body = post("/some")
	if p := wantProblem(t, resp, body, 403, "private_address"); !strings.HasSuffix(p.Hint, "/some' --in body --private") {
		t.Errorf("hint %q", p.Hint)
	}
	select { // what had gone out by then was no value
	case got := <-o.got:
		noEcho(t, "the body", got.Body)
	default:
	}
}

// otherOrigin is one whose certificates come from an authority of its own.
func otherOrigin(t *testing.T, h http.Handler) (port int, pem string) {
	t.Helper()
	a, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Leaf(hello.ServerName) }}
	s.StartTLS()
	t.Cleanup(s.Close)
	ca, err := allowlist.ParseCA(a.PEM())
	if err != nil {
		t.Fatal(err)
	}
	return s.Listener.Addr().(*net.TCPAddr).Port, ca
}

func TestD8RootsOfARule(t *testing.T) {
	o := newRecorder()
	port, pem := otherOrigin(t, o)
	_, another := otherOrigin(t, o)
	at := func(path string) string { return fmt.Sprintf("https://%s:%d%s", host, port, path) }
	l := lab.New(t, lab.Config{Secrets: secrets, Rules: []allowlist.Rule{
		optional(fmt.Sprintf("%s:%d/in", host, port), allowlist.Options{CA: pem}),
		optional(fmt.Sprintf("%s:%d/other", host, port), allowlist.Options{CA: another}),
		optional(fmt.Sprintf("%s:%d/none", host, port), allowlist.Options{}),
		optional(fmt.Sprintf("%s:%d/two", host, port), allowlist.Options{CA: pem}, "header"),
		optional(fmt.Sprintf("%s:%d/two", host, port), allowlist.Options{}, "query"),
		optional(fmt.Sprintf("%s:%d/three", host, port), allowlist.Options{CA: pem}, "query"),
		optional(fmt.Sprintf("%s:%d/three", host, port), allowlist.Options{}, "header"),
	}})
	for _, h := range []http.Header{bearer("KEY"), nil} {
		if resp, body := do(t, l, "GET", at("/in"), "", h); resp.StatusCode != 200 {
			t.Fatalf("%s %s", resp.Status, body)
		}
		o.take(t)
		for _, path := range []string{"/other", "/none"} { // there is a connection that would do
			resp, body := do(t, l, "GET", at(path), "", h)
			if p := wantProblem(t, resp, body, 502, "origin_untrusted"); !strings.HasSuffix(p.Hint, path+" --ca FILE") {
				t.Errorf("hint %q", p.Hint)
			}
		}
	}
	for _, path := range []string{"/two", "/three"} { // whichever comes first in the request
		resp, body := do(t, l, "GET", at(path+"?k=AS_SECRET_KEY"), "", bearer("KEY"))
		wantProblem(t, resp, body, 502, "origin_untrusted")
	}
	resp, body := do(t, l, "GET", strings.Replace(at("/in"), host, evil, 1), "", nil)
	if p := wantProblem(t, resp, body, 502, "origin_untrusted"); !strings.Contains(p.Hint, "--origin-ca") {
		t.Errorf("hint %q", p.Hint)
	}
	o.none(t)
	// The roots that count for all count beside them.
	both := lab.New(t, lab.Config{Secrets: secrets, Origin: o, Rules: []allowlist.Rule{optional(host, allowlist.Options{CA: another})}})
	if resp, body := do(t, both, "GET", both.URL(host, "/"), "", bearer("KEY")); resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Status, body)
	}
	o.take(t)
}

// plainOrigin speaks http alone and sends the credential back.
func plainOrigin(t *testing.T) (o *recorder, port int) {
	o = newRecorder()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "you sent %s", r.Header.Get("Authorization"))
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return o, s.Listener.Addr().(*net.TCPAddr).Port
}

func TestD7PlaintextRule(t *testing.T) {
	o, port := plainOrigin(t)
	plain := allowlist.Options{Plaintext: true}
	var rules []allowlist.Rule
	for _, h := range []string{"localhost", "api.localhost", "127.0.0.1", host, "10.1.2.3", "[::ffff:10.1.2.3]", "away.test"} {
		rules = append(rules, optional(fmt.Sprintf("%s:%d", h, port), plain))
	}
	rules = append(rules, optional(fmt.Sprintf("other.localhost:%d", port), allowlist.Options{Private: true}))
	var parents atomic.Int32
	l := lab.New(t, lab.Config{Secrets: secrets, Rules: rules, Change: func(c *mitm.Config) {
		pin := c.Pin
		c.Pin = func(h string, p int) (netip.AddrPort, bool) {
			if h == "away.test" {
				return netip.MustParseAddrPort(fmt.Sprintf("10.1.2.3:%d", p)), true
			}
			return pin(h, p)
		}
		c.Parent = func(string, int) *mitm.Parent {
			parents.Add(1)
			return nil
		}
	}})
	for _, h := range []string{"localhost", "api.localhost", "127.0.0.1", host} {
		resp, body := do(t, l, "GET", fmt.Sprintf("http://%s:%d/x", h, port), "", bearer("KEY"))
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %s %s", h, resp.Status, body)
		}
		if got := o.take(t); got.Header.Get("Authorization") != "Bearer "+value {
			t.Errorf("%s: the origin got %+v", h, got)
		}
		noEcho(t, h, body)
		wantMarker(t, h, body)
	}
	for h, slug := range map[string]string{"10.1.2.3": "plaintext_denied", "away.test": "plaintext_denied", "evil.test": "plaintext_denied"} {
		resp, body := do(t, l, "GET", fmt.Sprintf("http://%s:%d/x", h, port), "", bearer("KEY"))
		wantProblem(t, resp, body, 403, slug)
	}
	for _, h := range []string{"other.localhost", "new.localhost"} { // one with another option, one without a rule
		resp, body := do(t, l, "GET", fmt.Sprintf("http://%s:%d/x", h, port), "", bearer("KEY"))
		p := wantProblem(t, resp, body, 403, "plaintext_denied")
		want := fmt.Sprintf("agentsecrets workspace allowlist add %s:%d%s --plaintext", h, port, map[bool]string{true: " --private"}[h == "other.localhost"])
		if p.Hint != want {
			t.Errorf("hint %q, want %q", p.Hint, want)
		}
	}
	o.none(t)
	if n := parents.Load(); n > 0 {
		t.Errorf("%d connections would have gone through a parent proxy", n)
	}
	var urls []string
	for _, e := range done(l.Events()) {
		urls = append(urls, e.TargetURL)
	}
	if !strings.Contains(strings.Join(urls, " "), fmt.Sprintf("http://127.0.0.1:%d/x", port)) {
		t.Errorf("recorded: %q", urls)
	}
}

// A rule for http says nothing of https, nor one for https of http.
func TestPlaintextRuleIsForHTTP(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Origin: o, Rules: []allowlist.Rule{optional(local, allowlist.Options{Plaintext: true})}})
	resp, body := do(t, l, "GET", l.URL(local, "/"), "", bearer("KEY"))
	wantProblem(t, resp, body, 403, "private_address")
	o.none(t)
}

// servesParts is an origin that keeps what it was sent and serves it, whole or in parts.
func servesParts() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := "0123456789 " + value + " the end"
		w.Header().Set("Etag", `"v1"`)
		if r.URL.Path == "/coded" {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Range", "bytes 0-1/9")
			w.WriteHeader(206)
			return
		}
		http.ServeContent(w, r, "f.txt", time.Time{}, bytes.NewReader([]byte(text)))
	})
}

func TestE4RangeRule(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Origin: servesParts(), Allow: []string{host}, Rules: []allowlist.Rule{
		optional("GET "+host+"/files/*", allowlist.Options{Range: true}), optional(host+"/coded", allowlist.Options{Range: true}),
	}})
	do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY")) // now the host has a value
	ask := func(path string, h http.Header) (*http.Response, string) {
		return do(t, l, "GET", l.URL(host, path), "", h)
	}
	resp, body := ask("/files/a", http.Header{"Range": {"bytes=0-9"}})
	if resp.StatusCode != 206 || body != "0123456789" || resp.Header.Get("Content-Range") != "bytes 0-9/46" {
		t.Errorf("a part: %s %q %v", resp.Status, body, resp.Header)
	}
	resp, body = ask("/files/a", http.Header{"Range": {"bytes=5-40"}, "If-Range": {`W/"v1"`}})
	if resp.StatusCode != 206 || len(body) != 36 {
		t.Errorf("a part with an echo: %s %q", resp.Status, body)
	}
	noEcho(t, "a part", body)
	wantMarker(t, "a part", body)
	if resp, _ = ask("/files/a", nil); resp.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("a client is not told that there are parts: %v", resp.Header)
	}
	resp, body = ask("/files/a", http.Header{"Range": {"bytes=0-3,8-45"}})
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || resp.StatusCode != 206 {
		t.Fatalf("two parts: %s %v", resp.Status, err)
	}
	parts := mp.NewReader(strings.NewReader(body), params["boundary"])
	for _, want := range []int{4, 38} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(part)
		if err != nil || len(b) != want {
			t.Errorf("%v, %q, want %d bytes", err, b, want)
		}
		noEcho(t, "one of two parts", string(b))
	}
	for what, get := range map[string]func() (*http.Response, string){
		"another path": func() (*http.Response, string) { return ask("/mine", http.Header{"Range": {"bytes=0-9"}}) },
		"a path that a server may take for another": func() (*http.Response, string) {
			return ask("/files/a", http.Header{"Range": {"bytes=0-9"}, "X-Original-Url": {"/mine"}})
		},
	} {
		if resp, body := get(); resp.StatusCode != 200 || len(body) != 46 || resp.Header.Get("Accept-Ranges") != "" {
			t.Errorf("%s: %s %q %v", what, resp.Status, body, resp.Header)
		}
	}
	resp, body = ask("/coded", http.Header{"Range": {"bytes=0-1"}})
	wantProblem(t, resp, body, 502, "undecodable_response")
}

// Where all is guarded, a rule says the same of what carries no value.
func TestGuardedByTheRule(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Origin: o, Rules: []allowlist.Rule{optional(local+"/in", allowlist.Options{Private: true})}, Change: func(c *mitm.Config) {
		c.Route = func(mitm.Scope, string, int) mitm.Route { return mitm.Route{Guarded: true} }
	}})
	if resp, body := do(t, l, "GET", l.URL(local, "/in"), "", nil); resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Status, body)
	}
	o.take(t)
	resp, body := do(t, l, "GET", l.URL(local, "/"), "", nil)
	wantProblem(t, resp, body, 403, "private_address")
	o.none(t)
}

// WebSocket over http is http: the rule counts, and what comes back is redacted.
func TestPlaintextUpgrade(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	got := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		got <- req.Header.Get("Authorization")
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		message := "you sent " + value
		c.Write(append([]byte{0x81, byte(len(message))}, message...))
	}()
	port := ln.Addr().(*net.TCPAddr).Port
	l := lab.New(t, lab.Config{Secrets: secrets, Rules: []allowlist.Rule{optional(fmt.Sprintf("127.0.0.1:%d", port), allowlist.Options{Plaintext: true})}})
	c := l.Dial()
	credential := strings.TrimPrefix(strings.Split(l.Run.URL(l.Addr), "@")[0], "http://run:")
	req, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/ws", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("run", credential)
	req.Header = http.Header{"Proxy-Authorization": req.Header["Authorization"], "Authorization": bearer("KEY")["Authorization"],
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	if err := req.WriteProxy(c); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if sent := <-got; sent != "Bearer "+value || !strings.HasPrefix(string(all), "HTTP/1.1 101") {
		t.Errorf("the origin got %q, the client %q", sent, all)
	}
	noEcho(t, "the message", string(all))
	wantMarker(t, "the message", string(all))
}
