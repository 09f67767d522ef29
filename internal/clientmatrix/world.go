package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/probe"
)

const (
	host        = "api.acme.test"
	placeholder = "AS_SECRET_ACME_KEY"
	password    = "correct horse battery staple"

	// patience is for one command, on a machine that is busy with other things.
	patience = 90 * time.Second
)

// world is one user's machine: a home, a project, a stored secret, an API.
type world struct {
	dir    string
	binary string
	value  string
	server *http.Server
	port   int

	mu   sync.Mutex
	seen map[string]probe.Request // the newest with a credential, by name of pair
}

// newWorld sets one up with the commands that a person types.
func newWorld(ctx context.Context, dir, binary string) (*world, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, binary: binary, value: "sk-" + rand.Text() + rand.Text(), seen: map[string]probe.Request{}}
	for _, sub := range []string{"home", "user", "tmp", "project", "probes"} {
		if err := os.MkdirAll(w.path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	if err := probe.Unpack(w.path("probes")); err != nil {
		return nil, err
	}
	if err := w.startOrigin(); err != nil {
		return nil, err
	}
	if err := w.setUp(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// link makes a folder of the project in which a program finds the modules of dir.
func (w *world) link(dir string) error {
	to := w.path("project", filepath.Base(dir))
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(to, "node_modules"))
}

func (w *world) close() { _ = w.server.Close() }

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

func (w *world) startOrigin() error {
	root, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.path("origin-ca.pem"), root.PEM(), 0o600); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the origin: %w", err)
	}
	w.port = l.Addr().(*net.TCPAddr).Port
	w.server = &http.Server{Handler: probe.Origin{Seen: w.keep}, ErrorLog: log.New(io.Discard, "", 0)}
	w.server.TLSConfig = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return root.Leaf(hello.ServerName) }}
	go func() { _ = w.server.ServeTLS(l, "", "") }() // ends with close
	return nil
}

// keep notes what came. Some clients ask without a credential first.
func (w *world) keep(r probe.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Credential != "" || w.seen[r.Probe].Probe == "" {
		w.seen[r.Probe] = r
	}
}

func (w *world) came(name string) probe.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[name]
}

func (w *world) setUp(ctx context.Context) error {
	if err := os.WriteFile(w.path("pw"), []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"init", "--workspace", "acme", "--project", "pay", "--password-file", w.path("pw"), "--store", "file"}},
		{w.value, []string{"secrets", "set", "ACME_KEY", "--stdin"}},
		{"", []string{"workspace", "allowlist", "add", "--password-file", w.path("pw"), fmt.Sprintf("%s:%d", host, w.port)}},
	} {
		cmd := w.command(ctx, os.Getenv("PATH"), append([]string{w.binary}, c.args...))
		cmd.Stdin = strings.NewReader(c.stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("agentsecrets %s: %w\n%s", c.args[0], err, out)
		}
	}
	return nil
}

// command is a program in the project, with nothing of the tester's own settings
// that would change what a client does.
func (w *world) command(ctx context.Context, path string, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = w.path("project")
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = []string{
		"PATH=" + path, "HOME=" + w.path("user"), "AGENTSECRETS_HOME=" + w.path("home"), "TMPDIR=" + w.path("tmp"), "LANG=C.UTF-8",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/bus", "PYTHONDONTWRITEBYTECODE=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
	}
	cmd.Env = append(cmd.Env, toolchains()...)
	return cmd
}

// toolchains are the variables by which compilers find in another home what they
// have in the tester's: Go what it has compiled before, rustup its cargo.
func toolchains() []string {
	var vars []string
	home, _ := os.UserHomeDir() // none, and there is no .rustup in it
	if dir := filepath.Join(home, ".rustup"); os.Getenv("RUSTUP_HOME") == "" {
		if _, err := os.Stat(dir); err == nil {
			vars = append(vars, "RUSTUP_HOME="+dir)
		}
	}
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err == nil {
		vars = append(vars, "GOCACHE="+strings.TrimSpace(string(out)))
	}
	return append(vars, "GOTOOLCHAIN=local")
}

// said is what a client left on its streams.
type said struct{ stdout, stderr string }

// intercepted runs argv as a client of the proxy.
func (w *world) intercepted(ctx context.Context, in place, argv []string) (said, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	run := []string{w.binary, "run", "--intercept", "--quiet", "--log-level", "debug", "--origin-ca", w.path("origin-ca.pem"), "--resolve", fmt.Sprintf("%s:%d:127.0.0.1:%[2]d", host, w.port), "--"}
	cmd := w.command(ctx, in.path, append(run, argv...))
	if in.dir != "" {
		cmd.Dir = w.path("project", filepath.Base(in.dir))
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	return said{stdout.String(), stderr.String()}, err
}
