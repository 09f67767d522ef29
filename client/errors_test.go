package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/client"
)

var background = context.Background()

// wantError fails unless err is a T that tells slug, and an Error with a hint.
func wantError[T error](t *testing.T, err error, slug, hint string) (e T) {
	t.Helper()
	var base *client.Error
	if !errors.As(err, &e) || !errors.As(err, &base) {
		t.Fatalf("%T: %v", err, err)
	}
	if base.Slug != slug || base.Hint() != hint {
		t.Errorf("%q, hint %q: %v", base.Slug, base.Hint(), err)
	}
	if h, ok := err.(interface{ Hint() string }); !ok || h.Hint() != hint {
		t.Errorf("%T tells no hint", err)
	}
	noValue(t, "an error", []byte(err.Error()))
	return e
}

func TestCallErrors(t *testing.T) {
	c := newClient(t)
	call := func(c *client.Client, r client.Request) error {
		resp, err := c.Call(background, r)
		if resp != nil {
			t.Errorf("%+v beside %v", resp, err)
		}
		return err
	}
	evil := "https://" + elsewhere + ":" + w.port + "/"
	domain := wantError[*client.DomainNotAllowedError](t, call(c, client.Request{URL: evil, Bearer: "KEY"}),
		"domain_not_in_allowlist", "agentsecrets workspace allowlist add "+elsewhere+":"+w.port)
	if domain.Domain != elsewhere+":"+w.port {
		t.Errorf("%+v", domain)
	}
	secret := wantError[*client.SecretNotFoundError](t, call(c, client.Request{URL: w.url("/"), Bearer: "NO_SUCH"}),
		"secret_not_found", "agentsecrets secrets set NO_SUCH")
	if secret.Name != "NO_SUCH" || secret.Project != "pay" || secret.Environment != "development" {
		t.Errorf("%+v", secret)
	}
	project := wantError[*client.ProjectNotFoundError](t, call(c.Project("nope"), client.Request{URL: w.url("/"), Bearer: "KEY"}),
		"project_not_found", "agentsecrets project create nope")
	if project.Project != "nope" {
		t.Errorf("%+v", project)
	}
	workspace := wantError[*client.WorkspaceNotFoundError](t, call(c.Workspace("nope"), client.Request{URL: w.url("/"), Bearer: "KEY"}),
		"workspace_not_found", "agentsecrets workspace list")
	if workspace.Workspace != "nope" {
		t.Errorf("%+v", workspace)
	}
	// A web page's field is refused by the proxy.
	denied := wantError[*client.PermissionDeniedError](t, call(c, client.Request{URL: w.url("/"), Bearer: "KEY", ForwardHeader: http.Header{"Origin": {"https://evil.test"}}}),
		"permission_denied", "")
	if denied.Operation != "call" {
		t.Errorf("%+v", denied)
	}
	// What has no type of its own.
	e := wantError[*client.Error](t, call(c, client.Request{URL: "http://" + host + "/", Bearer: "KEY"}), "plaintext_denied", "write the URL with https://")
	if e.Status != 403 || e.Exchange == "" || e.Name != "KEY" {
		t.Errorf("%+v", e)
	}
	w.origin.took(t)
	x, err := c.Explain(background, e.Exchange)
	if err != nil || x.Outcome != "refused" || x.Event.Reason != "plaintext_denied" {
		t.Errorf("%+v %v", x, err)
	}
}

func TestCommandErrors(t *testing.T) {
	c := newClient(t)
	secret := wantError[*client.SecretNotFoundError](t, c.Secrets().Delete(background, "NO_SUCH"), "secret_not_found", "agentsecrets secrets list")
	if secret.Name != "NO_SUCH" || secret.Project != "pay" {
		t.Errorf("%+v", secret)
	}
	_, err := c.Allowlist().Add(background, "api.stripe.com", "api.openai.com")
	denied := wantError[*client.PermissionDeniedError](t, err, "permission_denied", "agentsecrets workspace allowlist add … --password-file F")
	if denied.Operation != "workspace allowlist add api.stripe.com api.openai.com" {
		t.Errorf("%+v", denied)
	}
	if err := c.SetProject(background, "nope"); err == nil {
		t.Error("there is no such project")
	} else {
		wantError[*client.ProjectNotFoundError](t, err, "project_not_found", "agentsecrets project create nope")
	}
	if _, err := c.Secrets().Set(background, "not a name", value); err == nil || strings.Contains(err.Error(), value) {
		t.Errorf("%v", err)
	}
}

func TestNotRunning(t *testing.T) {
	newHome(t)
	c := newClient(t, client.WithDir(emptyProject(t)), client.WithPort(freePort(t)))
	_, err := c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	e := wantError[*client.NotRunningError](t, err, "not_running", "agentsecrets proxy start")
	if e.Port == 0 || !strings.Contains(e.Error(), "agentsecrets init") {
		t.Errorf("%+v", e)
	}
	if _, err := c.HTTPClient().Get(w.url("/")); err == nil || !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
	if st, err := c.Proxy().Status(background); err != nil || st.Running {
		t.Errorf("%+v %v", st, err)
	}
}

// Nothing is started by New, and the first call starts the proxy at the port that was said.
func TestAutoStart(t *testing.T) {
	newHome(t)
	port := freePort(t)
	t.Setenv("AGENTSECRETS_PORT", strconv.Itoa(port))
	dir := emptyProject(t)
	c, err := client.New(client.WithDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if st, err := c.Proxy().Status(background); err != nil || st.Running {
		t.Fatalf("New has started it: %+v %v", st, err)
	}
	_, err = c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	defer c.Proxy().Stop(background)
	wantError[*client.DomainNotAllowedError](t, err, "empty_allowlist", "agentsecrets workspace allowlist add "+host+":"+w.port)
	st, err := c.Proxy().Status(background)
	if err != nil || !st.Running || st.Port != port {
		t.Errorf("%+v %v", st, err)
	}
	// It is started anew where it was stopped behind our back.
	if out, err := w.command("proxy", "stop").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	_, err = c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	wantError[*client.DomainNotAllowedError](t, err, "empty_allowlist", "agentsecrets workspace allowlist add "+host+":"+w.port)
	// So it is for an *http.Client, also where somebody else has started it, who gave it other
	// credentials.
	for _, line := range []string{"stop", "stop start"} {
		for _, verb := range strings.Fields(line) {
			cmd := w.command("proxy", verb)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
		}
		req, err := http.NewRequest("POST", w.url("/"), strings.NewReader(`{"k":"AS_SECRET_KEY"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := c.HTTPClient().Do(req)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		wantError[*client.DomainNotAllowedError](t, client.Refusal(resp), "empty_allowlist", "agentsecrets workspace allowlist add "+host+":"+w.port)
		resp.Body.Close()
	}
	// Another port than the one where it listens is an error, not another proxy.
	wrong := newClient(t, client.WithDir(emptyProject(t)), client.WithPort(freePort(t)))
	_, err = wrong.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	wantError[*client.ProxyConnectionError](t, err, "proxy_unreachable", "agentsecrets proxy status")
	if stopped, err := c.Proxy().Stop(background); err != nil || !stopped {
		t.Errorf("%v %v", stopped, err)
	}
}

// emptyProject is one without secrets, in the home that is set.
func emptyProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := w.command("init", "--workspace", "acme", "--project", "empty", "--store", "file", "--no-input")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// Something listens and is no proxy.
func TestProxyConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	c := newClient(t, client.WithProxy("http://run:x@"+l.Addr().String(), roots(t)))
	_, err = c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	e := wantError[*client.ProxyConnectionError](t, err, "proxy_unreachable", "agentsecrets proxy status")
	if e.Port != port || e.Reason == "" {
		t.Errorf("%+v", e)
	}
	l.Close()
	_, err = c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	wantError[*client.NotRunningError](t, err, "not_running", "agentsecrets proxy start")
}

func roots(t *testing.T) []byte {
	t.Helper()
	out, err := w.command("ca", "bundle").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A proxy whose credential is not known any more has been started anew.
func TestStaleCredential(t *testing.T) {
	c := newClient(t, client.WithProxy("http://run:wrong@127.0.0.1:"+strconv.Itoa(proxyPort(t)), roots(t)))
	_, err := c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	wantError[*client.Error](t, err, "proxy_credential_required", `eval "$(agentsecrets proxy env)"`)
}

func proxyPort(t *testing.T) int {
	t.Helper()
	st, err := newClient(t).Proxy().Status(background)
	if err != nil || !st.Running {
		t.Fatalf("%+v %v", st, err)
	}
	return st.Port
}

func TestNoBinary(t *testing.T) {
	notProgram := filepath.Join(t.TempDir(), "agentsecrets")
	if err := os.WriteFile(notProgram, []byte("\x00"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "nothing"), notProgram} {
		c := newClient(t, client.WithBinary(path))
		_, err := c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
		wantError[*client.NotRunningError](t, err, "not_running", "")
		if _, err := c.Status(background); err == nil {
			t.Error("who answered?")
		}
		if _, err := c.Spawn(background, "true"); err == nil {
			t.Error("who ran it?")
		}
	}
	t.Setenv("PATH", t.TempDir())
	_, err := newClient(t).Secrets().List(background)
	wantError[*client.NotRunningError](t, err, "not_running", "")
}

// Where a program works in no project, that is said.
func TestNoProject(t *testing.T) {
	c := newClient(t, client.WithDir(t.TempDir()))
	_, err := c.Secrets().List(background)
	e := wantError[*client.ProjectNotFoundError](t, err, "no_project", "agentsecrets init")
	if e.Project != "" {
		t.Errorf("%+v", e)
	}
	_, err = c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
	wantError[*client.ProjectNotFoundError](t, err, "no_project", "agentsecrets init")
}

// A command that tells its result by its exit code as well may also have failed with it.
func TestNoVerdict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agentsecrets")
	script := "#!/bin/sh\necho '{\"error\":\"denied\",\"message\":\"it was not looked at\"}'\necho 'agentsecrets: it was not looked at' >&2\nexit 3\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	v, err := newClient(t, client.WithBinary(path)).Allowlist().Test(background, "GET", "https://api.stripe.com/")
	if wantError[*client.PermissionDeniedError](t, err, "permission_denied", ""); v.Allowed {
		t.Errorf("%+v", v)
	}
}

// Whatever stands in place of the command, its output is an error, and is not shown.
func TestGarbage(t *testing.T) {
	for name, tc := range map[string]struct {
		script, slug string
	}{
		"no JSON":           {"echo it is " + value, "unexpected_output"},
		"nothing":           {"exit 0", "unexpected_output"},
		"other JSON":        {`echo '{"set":{"HTTPS_PROXY":"x"},"secrets":7,"user_email":7,"running":"x","time":7,"id":7}'`, "unexpected_output"},
		"a failure":         {"echo '" + value + "' >&2; exit 1", ""},
		"a failure, said":   {"echo 'warning: no'; echo 'agentsecrets: store_locked: it is locked' >&2; echo 'hint: agentsecrets unlock' >&2; exit 1", "store_locked"},
		"an expired login":  {"echo 'agentsecrets: session_expired: your session is over' >&2; echo 'hint: agentsecrets login' >&2; exit 1", "session_expired"},
		"killed":            {"kill -9 $$", ""},
		"no such directory": {"exit 5", "proxy_unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "agentsecrets")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+tc.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			c := newClient(t, client.WithBinary(path))
			_, call := c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY"})
			_, status := c.Status(background)
			_, list := c.Secrets().List(background)
			_, logs := c.Proxy().Logs(background, client.LogFilter{})
			for i, err := range []error{call, status, list, logs} {
				var e *client.Error
				if i == 3 && err == nil && tc.script == "exit 0" {
					continue // no events
				}
				if !errors.As(err, &e) || e.Slug != tc.slug || strings.Contains(err.Error(), value) {
					t.Errorf("%d: %v", i, err)
				}
			}
			var expired *client.SessionExpiredError
			if errors.As(status, &expired) != (tc.slug == "session_expired") || expired != nil && expired.Hint() != "agentsecrets login" {
				t.Errorf("%v", status)
			}
		})
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []client.Option{client.WithPort(0), client.WithPort(65536), client.WithProxy("ftp://x", nil), client.WithProxy("://", nil)} {
		var e *client.Error
		if _, err := client.New(o); !errors.As(err, &e) || e.Slug != "bad_request" {
			t.Errorf("%v", err)
		}
	}
	t.Setenv("AGENTSECRETS_PORT", "eight")
	if _, err := client.New(); err == nil || !strings.Contains(err.Error(), `"eight"`) {
		t.Errorf("%v", err)
	}
	if _, err := client.New(client.WithPort(9000)); err != nil {
		t.Errorf("an option counts before a variable: %v", err)
	}
}

// A command that does not end is told to when ctx ends.
func TestCommandIsCancelled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agentsecrets")
	script := fmt.Sprintf("#!/bin/sh\ntrap 'echo ended >%s/ended; exit 1' TERM\necho begun >%s/begun\nwhile :; do sleep 0.05; done\n", dir, dir)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error, 1)
	c := newClient(t, client.WithBinary(path))
	go func() { _, err := c.Secrets().List(ctx); ended <- err }()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
			break
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ended")); err != nil {
		t.Errorf("it was not told: %v", err)
	}
}

// Nobody is asked twice who may have sent something: only who refused the connection, or
// did not know the credential, is.
func TestSentOnce(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	c := newClient(t, client.WithProxy("http://run:x@"+s.Listener.Addr().String(), roots(t)))
	for range 2 {
		_, err := c.Call(background, client.Request{URL: w.url("/"), Bearer: "KEY", Body: "once"})
		wantError[*client.ProxyConnectionError](t, err, "proxy_unreachable", "agentsecrets proxy status")
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("two calls were sent %d times", n)
	}
}
