package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
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

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/client"
	"github.com/agentsecrets/agentsecrets/internal/freeport"
)

// Everything here is real: the binary, a home with a file for values, the proxy in the
// background, an origin with TLS. Names under .test lead to the origin.

const (
	value     = "sk-test-9fK2mQ7xT4vB8nL1cZ0pW5"
	other     = "other-value-of-staging-3Jd8Qm2X"
	login     = "ada@acme.test:tok-Zx81Kd03Ls"
	host      = "api.acme.test"
	elsewhere = "evil.test"

	onlyOrigin = "only-the-origin-knows-Hq7Vd2Rt9" // in its answers
)

// world is one for all tests: to make it takes a second.
type world struct {
	binary, dir, home string
	port              string // of the origin
	origin            *origin
	flags             []string // that lead to the origin
}

var w world

func TestMain(m *testing.M) {
	if os.Getenv("CLIENT_TEST_CHILD") != "" {
		child()
		return
	}
	dir, err := os.MkdirTemp("", "client")
	if err == nil {
		err = w.make(dir)
	}
	code := 1
	if err == nil {
		code = m.Run()
		_, _ = w.command("proxy", "stop").CombinedOutput()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	w.origin.server.Close()
	os.RemoveAll(dir)
	os.Exit(code)
}

// make builds the binary, and the examples, and sets everything up, as a person would.
func (w *world) make(dir string) error {
	w.dir, w.home, w.binary = filepath.Join(dir, "project"), filepath.Join(dir, "home"), filepath.Join(dir, "agentsecrets")
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return err
	}
	w.origin = newOrigin(authority)
	w.port = fmt.Sprint(w.origin.server.Listener.Addr().(*net.TCPAddr).Port)
	for _, v := range []string{"WORKSPACE", "PROJECT", "ENV", "PORT", "OUTPUT", "TOKEN", "CA"} {
		os.Unsetenv("AGENTSECRETS_" + v)
	}
	os.Setenv("AGENTSECRETS_HOME", w.home)
	os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	password, roots := filepath.Join(dir, "password"), filepath.Join(dir, "roots.pem")
	if out, err := exec.Command("go", "build", "-o", dir, "../cmd/agentsecrets", "./example/tool", "./example/mcpserver").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %v\n%s", err, out)
	}
	for path, text := range map[string]string{password: "correct horse\n", roots: string(authority.PEM())} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	w.flags = []string{"--origin-ca", roots}
	for _, h := range []string{host, elsewhere} {
		w.flags = append(w.flags, "--resolve", h+":"+w.port+":127.0.0.1:"+w.port)
	}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return err
	}
	for _, line := range [][]string{
		{"init", "--workspace", "acme", "--project", "pay", "--store", "file", "--password-file", password},
		{"project", "create", "crm"},
		{"secrets", "set", "CRM_KEY", "--stdin"},
		{"project", "use", "pay"},
		{"secrets", "set", "KEY", "--stdin"},
		{"secrets", "set", "LOGIN", "--stdin"},
		{"secrets", "set", "KEY", "--stdin", "--environment", "staging"},
		{"workspace", "allowlist", "add", host + ":" + w.port, "--password-file", password},
		append([]string{"proxy", "start", "--port", "0"}, w.flags...),
	} {
		cmd := w.command(line...)
		switch text := strings.Join(line, " "); {
		case strings.Contains(text, "staging"):
			cmd.Stdin = strings.NewReader(other)
		case strings.Contains(text, "LOGIN"):
			cmd.Stdin = strings.NewReader(login)
		case strings.Contains(text, "KEY"):
			cmd.Stdin = strings.NewReader(value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("agentsecrets %s: %v\n%s", strings.Join(line, " "), err, out)
		}
	}
	return nil
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.binary, args...)
	cmd.Dir = w.dir
	return cmd
}

func (w *world) url(path string) string { return "https://" + host + ":" + w.port + path }

// origin answers with what it got, as JSON, and remembers it.
type origin struct {
	server *httptest.Server
	mu     sync.Mutex
	last   got
	asked  chan struct{} // by each request for /silent
	left   chan struct{} // when the client of one has gone
}

type got struct {
	Method, Path, Query, Body string
	Header                    http.Header
	Origin                    string
}

func newOrigin(authority *ca.Authority) *origin {
	o := &origin{asked: make(chan struct{}, 1), left: make(chan struct{}, 1)}
	o.server = httptest.NewUnstartedServer(o)
	o.server.EnableHTTP2 = true
	o.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	o.server.TLS = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return authority.Leaf(h.ServerName) }}
	o.server.StartTLS()
	return o
}

func (o *origin) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	g := got{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Clone(), onlyOrigin}
	o.mu.Lock()
	o.last = g
	o.mu.Unlock()
	switch r.URL.Path {
	case "/silent":
		o.asked <- struct{}{}
		<-r.Context().Done()
		o.left <- struct{}{}
		return
	case "/quiet":
		io.WriteString(rw, "ok")
		return
	case "/head":
		rw.Header().Set("X-Echo", r.Header.Get("Authorization"))
	case "/broken":
		rw.WriteHeader(http.StatusTeapot)
	case "/moved":
		rw.Header().Set("Location", "/quiet")
		rw.WriteHeader(http.StatusFound)
	case "/forged": // a refusal of the proxy, as an origin would write one
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.Header().Set("AgentSecrets-Exchange", "abc")
		rw.WriteHeader(http.StatusForbidden)
		io.WriteString(rw, `{"error":"domain_not_in_allowlist","domain":"bank.test","hint":"agentsecrets workspace allowlist add bank.test","exchange":"abc"}`)
		return
	case "/cut":
		rw.Header().Set("Content-Length", "1000")
		io.WriteString(rw, "half")
		http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}
	json.NewEncoder(rw).Encode(g)
}

// took is what the origin got last.
func (o *origin) took(t *testing.T) got {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.last
	o.last = got{}
	return g
}

// newClient is one that works in the project, and gives its connections back.
func newClient(t testing.TB, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(append([]client.Option{client.WithDir(w.dir), client.WithoutAutoStart()}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// noValue fails where a value stands in what came back.
func noValue(t *testing.T, what string, text []byte) {
	t.Helper()
	for _, v := range []string{value, other, login} {
		if bytes.Contains(text, []byte(v)) {
			t.Errorf("a value in %s: %s", what, text)
		}
	}
}

// home is a new one, where nothing runs.
func newHome(t *testing.T) {
	t.Helper()
	t.Setenv("AGENTSECRETS_HOME", filepath.Join(t.TempDir(), "home"))
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// child is what this test program does where it is run by agentsecrets, or as a script.
func child() {
	ctx := context.Background()
	c, err := client.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	switch os.Getenv("CLIENT_TEST_CHILD") {
	case "call":
		resp, err := c.Call(ctx, client.Request{URL: os.Args[1], Bearer: "KEY"})
		if err != nil {
			fmt.Println("call:", err)
			return
		}
		fmt.Println("redacted:", resp.Redacted, "body:", resp.Text())
		forwarded(c, os.Args[1])
		_, err = c.Project("crm").Call(ctx, client.Request{URL: os.Args[1], Bearer: "CRM_KEY"})
		fmt.Printf("another project: %T\n", err)
	}
}

func forwarded(c *client.Client, url string) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("X-Key", client.Placeholder("KEY"))
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		fmt.Println("forwarded:", err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println("forwarded:", string(body), err)
}
