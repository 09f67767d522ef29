package mitm_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// newLocalLab takes clients without a credential for the lab's own run, unless
// refuse says otherwise.
func newLocalLab(t *testing.T, o http.Handler, refuse error) *lab.Lab {
	t.Helper()
	var l *lab.Lab
	l = lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
		c.Local = func(client net.Conn) (mitm.RunOf, error) {
			if client.LocalAddr().String() != l.Addr.String() {
				t.Errorf("asked about %v", client.LocalAddr())
			}
			return func() (*mitm.Run, error) { return l.Run, nil }, refuse
		}
	}})
	return l
}

func askProxy(t *testing.T, l *lab.Lab, method string, header http.Header, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+l.Addr.String()+"/proxy", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		if k == "Host" {
			req.Host = v[0]
			continue
		}
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return send(t, &http.Client{Transport: tr}, req)
}

func TestProxyContract(t *testing.T) {
	o := newRecorder()
	l := newLocalLab(t, o, nil)
	resp, body := askProxy(t, l, "POST", http.Header{
		"X-AS-Target-URL": {l.URL(host, "/v1?Client_Secret=x&keep=1")}, "X-AS-Method": {"PUT"}, "X-AS-Agent-ID": {"builder"},
		"X-AS-Inject-Bearer": {"KEY"}, "X-AS-Inject-Header-X-Org": {"KEY"},
		"X-AS-Inject-Query-Client_secret": {"KEY"}, "X-AS-Inject-Query-p": {"KEY; as=caseParam"},
		"X-AS-Inject-Body-Auth.key": {"KEY"}, "Content-Type": {"application/json"}, "X-Plain": {"kept"},
	}, `{"auth":{"Key":"old"},"n":1}`)
	if resp.StatusCode != 200 || body != "ok" {
		t.Fatalf("%s %s", resp.Status, body)
	}
	got := o.take(t)
	if got.Method != "PUT" || got.Header.Get("Authorization") != "Bearer "+value || got.Header.Get("X-Org") != value || got.Header.Get("X-Plain") != "kept" {
		t.Errorf("got %+v", got)
	}
	if want := "/v1?Client_Secret=" + queryEscape(value) + "&keep=1&caseParam=" + queryEscape(value); normalPath(got.Target) != normalPath(want) {
		t.Errorf("target %s", got.Target)
	}
	if want := `{"auth":{"Key":"` + value + `"},"n":1}`; got.Body != want {
		t.Errorf("body %s", got.Body)
	}
	for field := range got.Header {
		if strings.HasPrefix(field, "X-As-") {
			t.Errorf("the origin got %s", field)
		}
	}
	if e := done(l.Events()); len(e) != 1 || e[0].AgentID != "builder" || e[0].IdentityLevel != "declared" {
		t.Errorf("audit %+v", e)
	}
}

func TestProxyContractRefuses(t *testing.T) {
	o := newRecorder()
	l := newLocalLab(t, o, nil)
	target := []string{l.URL(host, "/")}
	for _, c := range []struct {
		header http.Header
		status int
		slug   string
	}{
		{http.Header{"X-AS-Target-URL": target, "Origin": {"https://evil.test"}}, 403, "permission_denied"},
		{http.Header{"X-AS-Target-URL": target, "Origin": {""}}, 403, "permission_denied"},
		{http.Header{"X-AS-Target-URL": target, "Sec-Fetch-Mode": {"cors"}}, 403, "permission_denied"},
		{http.Header{"X-AS-Target-URL": target, "Host": {"rebound.evil.test"}}, 403, "permission_denied"},
		{http.Header{"X-AS-Target-URL": target, "Host": {host}}, 403, "permission_denied"}, // the target has another port
		{http.Header{"X-AS-Target-URL": {"https://" + host + ":" + port(l) + "/"}, "Host": {host + ":" + port(l)}}, 403, "permission_denied"},
		{http.Header{"X-AS-Target-URL": target, "Host": {authority(target[0])}, "Origin": {"https://" + host}}, 403, "permission_denied"},
		{http.Header{}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": {"/relative"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Method": {"GE T"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Method": {"TRACE"}}, 405, "method_refused"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Inject-Cookie": {"KEY"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Inject-Query": {"KEY"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Inject-Query-k": {"KEY; named=k"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Inject-Bearer": {"KEY; as=x"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Inject-Bearer": {"KEY", "KEY"}}, 400, "bad_request"},
		{http.Header{"X-AS-Target-URL": target, "X-AS-Inject-Bearer": {"NOSUCH"}}, 424, "secret_not_found"},
		{http.Header{"X-AS-Target-URL": {l.URL(evil, "/")}, "X-AS-Inject-Bearer": {"KEY"}}, 403, "domain_not_in_allowlist"},
	} {
		resp, body := askProxy(t, l, "POST", c.header, "")
		wantProblem(t, resp, body, c.status, c.slug)
	}
	o.none(t)
	strangers := newLocalLab(t, o, &mitm.Problem{Status: 403, Slug: "permission_denied", Message: "inside a run"})
	resp, body := askProxy(t, strangers, "GET", http.Header{"X-AS-Target-URL": target}, "")
	wantProblem(t, resp, body, 403, "permission_denied")
	closed := lab.New(t, lab.Config{})
	resp, body = askProxy(t, closed, "GET", http.Header{"X-AS-Target-URL": target}, "")
	wantProblem(t, resp, body, 407, "proxy_credential_required")
}

func port(l *lab.Lab) string {
	_, port, _ := net.SplitHostPort(l.Addr.String())
	return port
}

func authority(text string) string {
	u, _ := url.Parse(text)
	return u.Host
}

// httpx keeps the Host field when a hook has changed the URL of a request.
func TestProxyContractKeptHost(t *testing.T) {
	o := newRecorder()
	l := newLocalLab(t, o, nil)
	target := l.URL(host, "/v1")
	resp, body := askProxy(t, l, "GET", http.Header{"X-AS-Target-URL": {target}, "X-AS-Inject-Bearer": {"KEY"}, "Host": {authority(target)}}, "")
	if resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	if got := o.take(t); got.Header.Get("Authorization") != "Bearer "+value {
		t.Errorf("got %+v", got)
	}
}

// Both directions of a call through /proxy stream, and echoes are taken out.
func TestProxyContractStreams(t *testing.T) {
	l := newLocalLab(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.WriteString(w, r.Header.Get("Authorization")+"\n")
		io.Copy(w, r.Body)
	}), nil)
	big := strings.Repeat("0123456789abcde\n", 1<<16)
	resp, body := askProxy(t, l, "POST", http.Header{"X-AS-Target-URL": {l.URL(host, "/")}, "X-AS-Inject-Bearer": {"KEY"}}, big)
	head, rest, _ := strings.Cut(body, "\n")
	noEcho(t, "response", head)
	if resp.StatusCode != 200 || rest != big {
		t.Errorf("%s, %d bytes", resp.Status, len(rest))
	}
}

// A local client needs no credential, but a wrong one is wrong.
func TestLocalClient(t *testing.T) {
	o := newRecorder()
	l := newLocalLab(t, o, nil)
	if resp, _ := connect(t, l, ""); resp.StatusCode != 200 {
		t.Errorf("without a credential: %s", resp.Status)
	}
	if resp, _ := connect(t, l, "Basic "+basic("run", "wrong")); resp.StatusCode != 407 {
		t.Errorf("with a wrong one: %s", resp.Status)
	}
}

// Who is at the other end of a connection is told once, where it works at each
// request.
func TestClientIsToldOnce(t *testing.T) {
	o := newRecorder()
	var told, asked atomic.Int32
	var l *lab.Lab
	l = lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
		c.Local = func(net.Conn) (mitm.RunOf, error) {
			told.Add(1)
			return func() (*mitm.Run, error) {
				if asked.Add(1) == 2 {
					return nil, &mitm.Problem{Status: 403, Slug: "project_not_found", Message: "moved on"}
				}
				return l.Run, nil
			}, nil
		}
	}})
	tr := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(tr.CloseIdleConnections)
	for _, want := range []int{200, 403, 200} {
		req, err := http.NewRequest("GET", "http://"+l.Addr.String()+"/proxy", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-AS-Target-URL", l.URL(host, "/"))
		if resp, body := send(t, &http.Client{Transport: tr}, req); resp.StatusCode != want {
			t.Errorf("%s %s, want %d", resp.Status, body, want)
		}
	}
	if told.Load() != 1 || asked.Load() != 3 {
		t.Errorf("told %d times, asked %d times", told.Load(), asked.Load())
	}
}

// A client that may not ask is refused with the right credential too; one that
// cannot be told needs it.
func TestCredentialOfAnother(t *testing.T) {
	o := newRecorder()
	for _, c := range []struct {
		err  error
		want int
	}{
		{&mitm.Problem{Status: 403, Slug: "permission_denied", Message: "inside a run"}, 403},
		{errors.New("who knows"), 200},
	} {
		l := newLocalLab(t, o, c.err)
		if resp, _ := connect(t, l, "Basic "+basic("run", token(t, l))); resp.StatusCode != c.want {
			t.Errorf("%v: %s", c.err, resp.Status)
		}
	}
	l := newLocalLab(t, o, errors.New("who knows"))
	if resp, _ := connect(t, l, ""); resp.StatusCode != 407 {
		t.Errorf("without a credential: %s", resp.Status)
	}
}

// What one run was given comes out of the responses to all others.
func TestEchoToAnotherRun(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(echoer)})
	first := l.Client
	l.Run = l.Proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "prj_other", Environment: "development"} })
	second := l.NewClient(true)
	l.Client = second
	say := l.URL(evil, "/?say="+queryEscape(value))
	if _, body := do(t, l, "GET", say, "", nil); !strings.Contains(body, value) {
		t.Error("a value that was never released was redacted")
	}
	l.Client = first
	do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	l.Client = second
	_, body := do(t, l, "GET", say, "", nil)
	noEcho(t, "body for another run", body)
}

// A client that takes trailers is told there how many echoes were taken out, which
// nobody knows before the body has passed.
func TestProxyContractCounts(t *testing.T) {
	l := newLocalLab(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Te", r.Header.Get("Te"))
		if r.URL.Path == "/head" {
			w.Header().Set("X-Echo", r.Header.Get("Authorization"))
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Length", "1234")
			}
			return
		}
		body := "nothing"
		if r.URL.Path == "/echo" {
			body = r.Header.Get("Authorization") + " " + r.Header.Get("Authorization")
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		io.WriteString(w, body)
	}), nil)
	for _, c := range []struct{ method, path, te, want string }{
		{"GET", "/echo", "trailers", "2"}, {"GET", "/none", "gzip, trailers", "0"}, {"GET", "/head", "trailers", "1"},
		{"GET", "/echo", "", ""}, {"HEAD", "/head", "trailers", ""},
	} {
		header := http.Header{"X-AS-Target-URL": {l.URL(host, c.path)}, "X-AS-Inject-Bearer": {"KEY"}}
		if c.te != "" {
			header.Set("TE", c.te)
		}
		resp, body := askProxy(t, l, c.method, header, "")
		noEcho(t, "response", body)
		if got := resp.Trailer.Get("Agentsecrets-Redacted"); got != c.want || resp.StatusCode != 200 || resp.Header.Get("X-Te") != "" {
			t.Errorf("%v: %s, trailer %q, the origin got TE: %q", c, resp.Status, got, resp.Header.Get("X-Te"))
		}
		if length := resp.ContentLength; c.method == "HEAD" && length != 1234 {
			t.Errorf("%v: the length is %d", c, length)
		}
	}
	resp, body := askProxy(t, l, "GET", http.Header{"X-AS-Target-URL": {l.URL(host, "/")}, "X-AS-Inject-Bearer": {"NOSUCH"}, "TE": {"trailers"}}, "")
	wantProblem(t, resp, body, 424, "secret_not_found")
}
