package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// No flag and no variable is a "get": none of them, without the workspace password,
// has a value sent to somebody who is not the host of that name, or printed. The
// program is the one that is released. The host is no test name, and the attacker
// has all that can be had of it without its certificate: a parent proxy that leads
// there, an origin that answers, and a root that vouches for it.

const (
	wantedHost  = "api.example.com" // is allowed; IANA keeps the name (RFC 2606)
	foreignHost = "evil.example"    // is not
	testHost    = "api.acme.test"   // is allowed, and free to be led anywhere
	wantedName  = "VALUE_KEY"
	wantedValue = `sk-live-/+"9fK2mQ7xT4vB8nL1cZ`
)

// attack is the victim's set-up, and the attacker beside it.
type attack struct {
	dir, exe string
	environ  []string
	port     string // of the attacker's origin
	parent   string // URL of the attacker's proxy

	mu   sync.Mutex
	came []string // requests that the attacker's origin was sent
}

func newAttack(t *testing.T) *attack {
	t.Helper()
	w := &attack{dir: t.TempDir()}
	for _, sub := range []string{"project", "other", "home", "tmp", "out"} {
		if err := os.Mkdir(w.path(sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.exe = released(t, w.path("agentsecrets"))
	w.serve(t)
	w.environ = []string{
		"AGENTSECRETS_HOME=" + w.path("home"), "HOME=" + w.path("other"), "TMPDIR=" + w.path("tmp"), "PATH=" + os.Getenv("PATH"),
		"DBUS_SESSION_BUS_ADDRESS=" + nowhere, "HTTPS_PROXY=" + w.parent, "NO_PROXY=none.test",
	}
	w.write(t, "pw", "correct horse\n")
	w.write(t, "wrong", "battery staple\n")
	w.mustDo(t, "", "init", "--workspace", "acme", "--project", "pay", "--store", "file", "--password-file", w.path("pw"))
	w.mustDo(t, wantedValue, "secrets", "set", wantedName, "--stdin")
	w.mustDo(t, "", "workspace", "allowlist", "add", w.host(wantedHost), w.host(testHost), w.host("127.0.0.1"), "--password-file", w.path("pw"))
	return w
}

// released builds the program as the Makefile does.
func released(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-X main.release=v0", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return path
}

func (w *attack) path(name string) string               { return filepath.Join(w.dir, name) }
func (w *attack) host(name string) string               { return name + ":" + w.port }
func (w *attack) url(host string) string                { return "https://" + w.host(host) + "/v1" }
func (w *attack) pin(host string) string                { return w.host(host) + ":127.0.0.1:" + w.port }
func (w *attack) write(t *testing.T, name, text string) { t.Helper(); writeFile(t, w.path(name), text) }

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts the attacker's origin, which vouches for every name, and proxy.
func (w *attack) serve(t *testing.T) {
	t.Helper()
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "attacker.pem", string(authority.PEM()))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, w.port, _ = net.SplitHostPort(l.Addr().String())
	origin := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(w.note), TLSConfig: &tls.Config{
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			name := h.ServerName
			if name == "" {
				name = "127.0.0.1"
			}
			return authority.Leaf(name)
		},
	}}
	go func() { _ = origin.ServeTLS(l, "", "") }()
	t.Cleanup(func() { origin.Close() })
	proxy := httptest.NewServer(new(lab.Parent))
	t.Cleanup(proxy.Close)
	w.parent = proxy.URL
}

func (w *attack) note(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.came = append(w.came, fmt.Sprintf("%s %s %s\n%v\n%s", r.Method, r.Host, r.URL, r.Header, body))
	_, _ = io.WriteString(rw, "arrived\n")
}

// taken returns what the origin was sent since it was last asked.
func (w *attack) taken() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.came, "\n")
	w.came = nil
	return all
}

// command is one of ours, in the victim's project; later variables win.
func (w *attack) command(variables []string, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { defer cancel(); return cmd.Process.Kill() }
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir, cmd.Env = w.path("project"), append(append([]string{}, w.environ...), variables...)
	return cmd
}

func (w *attack) mustDo(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := w.command(nil, w.exe, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("agentsecrets %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// try is one attempt to have the value.
type try struct {
	variables []string
	name      string   // of the program; "": agentsecrets
	args      []string // its arguments
	inside    bool     // a run starts it
	stdin     string
	code      int    // that it has to end with
	says      string // that has to be in what it prints
	hint      string // and with which hint; WANTED is the allowed host, with its port
	arrives   bool   // a request without the value comes to the attacker
}

// fails reports what was wrong with how a try ended.
func (w *attack) fails(t *testing.T, a try) {
	t.Helper()
	name, args := cmp.Or(a.name, w.exe), a.args
	if a.inside {
		args = append([]string{"run", "--quiet", "--intercept", "--", w.exe}, args...)
	}
	cmd := w.command(a.variables, name, args...)
	cmd.Stdin = strings.NewReader(a.stdin)
	out, err := cmd.CombinedOutput()
	what := fmt.Sprintf("%s agentsecrets %s", strings.Join(a.variables, " "), strings.Join(args, " "))
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("%s: %v", what, err)
	}
	if code := cmd.ProcessState.ExitCode(); code != a.code {
		t.Errorf("%s: exit code %d, want %d\n%s", what, code, a.code, out)
	}
	if !bytes.Contains(out, []byte(a.says)) {
		t.Errorf("%s: does not say %q:\n%s", what, a.says, out)
	}
	if hint := strings.Replace(a.hint, "WANTED", w.host(wantedHost), 1); hint != "" && !bytes.Contains(out, []byte("\nhint: "+hint+"\n")) {
		t.Errorf("%s: has not the hint %q:\n%s", what, a.hint, out)
	}
	w.clean(t, what, out, a.arrives)
}

// clean is the verdict: nobody has the value, nor did a file get it.
func (w *attack) clean(t *testing.T, what string, printed []byte, arrives bool) {
	t.Helper()
	came := w.taken()
	for where, text := range map[string]string{"the attacker's origin got": came, "it prints": string(printed)} {
		if found := demo.Seen([]byte(text), []byte(wantedValue)); len(found) > 0 {
			t.Errorf("%s: %s the value (%v):\n%s", what, where, found, text)
		}
	}
	if arrives != (came != "") {
		t.Errorf("%s: the attacker's origin got %q, want something: %t", what, came, arrives)
	}
	for _, dir := range []string{"out", "tmp", "other"} {
		if found, err := demo.SearchTree(w.path(dir), []byte(wantedValue)); err != nil || len(found) > 0 {
			t.Errorf("%s: the value below %s: %v, %v", what, dir, found, err)
		}
	}
}

// call are the arguments of a call that carries the value.
func (w *attack) call(host string, flags ...string) []string {
	return append([]string{"call", "--url", w.url(host), "--bearer", wantedName}, flags...)
}

// TestNoGet has all tries share one set-up, since building the program takes longest.
func TestNoGet(t *testing.T) {
	w := newAttack(t)
	w.helpers(t)
	for _, part := range []struct {
		name string
		try  func(*testing.T, *attack)
	}{
		{"real", testAttackerIsReal}, {"flags", testFlags}, {"variables", testVariables}, {"printing", testPrinting}, {"preloading", testPreloading},
		{"roots", testClientRoots}, {"daemon", testDaemon},
	} {
		t.Run(part.name, func(t *testing.T) {
			w.empty(t)
			part.try(t, w)
		})
	}
}

// empty takes away what an earlier part left where files are looked for.
func (w *attack) empty(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(w.path("out")), os.Mkdir(w.path("out"), 0o700)); err != nil {
		t.Fatal(err)
	}
	w.taken()
}

// testAttackerIsReal: with the password all of it works, so that what is refused
// without is refused for that reason.
func testAttackerIsReal(t *testing.T, w *attack) {
	for _, flags := range [][]string{
		{"--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(wantedHost), "--password-file", w.path("pw")},
		{"--origin-ca", w.path("attacker.pem"), "--parent", w.parent, "--password-file", w.path("pw")},
		{"--origin-ca", w.path("attacker.pem"), "--parent", "env", "--password-file", w.path("pw")},
	} {
		w.mustDo(t, "", w.call(wantedHost, flags...)...)
		if len(demo.Seen([]byte(w.taken()), []byte(wantedValue))) == 0 {
			t.Errorf("with %q the attacker's origin gets no value", flags)
		}
	}
}
