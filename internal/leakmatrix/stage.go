package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/held"
)

// stage is an origin and a proxy, ready to run.
type stage struct {
	origin *origin
	target *target
	ends   []func()
}

func (g *stage) close() {
	for i := len(g.ends) - 1; i >= 0; i-- {
		g.ends[i]()
	}
}

func (o options) stage(ctx context.Context, kinds []kind, stderr io.Writer) (_ *stage, err error) {
	g := &stage{}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	root, host, err := o.root()
	if err != nil {
		return nil, err
	}
	if g.origin, err = startOrigin(root, host, o.listen); err != nil {
		return nil, err
	}
	g.ends = append(g.ends, g.origin.close)
	g.origin.values = kinds
	g.target = newTarget(g.origin, kinds)
	switch {
	case o.foreign.proxy != "":
		return g, g.adopt(ctx, o, stderr)
	case o.control:
		err = g.startControl(kinds)
	default:
		err = g.startOurs(ctx, o.binary, kinds)
	}
	if err != nil {
		return nil, err
	}
	return g, releaseAll(ctx, g.target, kinds)
}

// newTarget is a proxy that is to be reached yet.
func newTarget(o *origin, kinds []kind) *target {
	t := &target{sends: map[string]string{}, hosts: map[string]string{}}
	for protocol := range o.ports {
		t.hosts[protocol] = o.authority(protocol)
	}
	for _, k := range kinds {
		t.sends[k.name] = k.placeholder()
	}
	return t
}

// root is the origin's, and its name. Another proxy has to trust it before it is
// started, so it is kept.
func (o options) root() (*ca.Authority, string, error) {
	if o.foreign.proxy == "" {
		root, err := ca.NewEphemeral(ca.Config{})
		return root, "matrix.test", err
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("keep the origin's root: %w", err)
	}
	root, err := ca.Open(dir, ca.Config{})
	return root, o.foreign.host, err
}

// hello is how a run says that it is ready.
type hello struct {
	Proxy string `json:"proxy"`
	CA    string `json:"ca"` // file
}

// holdMain is the program of an intercepted run: it tells how its proxy is
// reached, and keeps the run open.
func holdMain(stdin io.Reader, stdout io.Writer) error {
	if err := json.NewEncoder(stdout).Encode(hello{os.Getenv("HTTPS_PROXY"), os.Getenv("AGENTSECRETS_CA")}); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, stdin)
	return err
}

// startOurs starts the program as a user would, in a home of its own that goes at
// the end.
func (g *stage) startOurs(ctx context.Context, binary string, kinds []kind) error {
	program, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("find the program to test: %w (make build makes it)", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	h := &home{program: program}
	if h.dir, err = os.MkdirTemp("", "agentsecrets-matrix-"); err != nil {
		return err
	}
	g.ends = append(g.ends, func() { _ = os.RemoveAll(h.dir) })
	if err := h.setUp(ctx, g, kinds); err != nil {
		return err
	}
	args := []string{program, "run", "--quiet", "--intercept", "--origin-ca", h.path("origin-ca.pem")}
	for protocol, authority := range g.target.hosts {
		args = append(args, "--resolve", authority+":127.0.0.1:"+g.origin.ports[protocol])
	}
	p, err := held.Start(ctx, held.Program{Dir: h.path("project"), Env: h.environ, Args: append(args, "--", self, "hold"), Greets: true})
	if err != nil {
		return err
	}
	g.ends = append(g.ends, p.Stop)
	var said hello
	if err := p.Greet(&said); err != nil {
		return err
	}
	return g.target.reach(said.Proxy, said.CA)
}

// reach takes a proxy's URL and the file of its root.
func (t *target) reach(proxy, roots string) (err error) {
	if t.url, err = url.Parse(proxy); err != nil || t.url.Host == "" {
		return fmt.Errorf("%q is no proxy's URL", proxy)
	}
	pem, err := os.ReadFile(roots)
	if err != nil {
		return fmt.Errorf("read the proxy's root: %w", err)
	}
	t.roots = x509.NewCertPool()
	if !t.roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", roots)
	}
	return nil
}

// home is a workspace of ours with the values in it.
type home struct {
	program, dir string
	environ      []string
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// setUp is what a user does once.
func (h *home) setUp(ctx context.Context, g *stage, kinds []kind) error {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name = strings.ToUpper(name); !strings.HasPrefix(name, "AGENTSECRETS_") && !strings.HasSuffix(name, "_PROXY") && name != "TMPDIR" {
			h.environ = append(h.environ, kv)
		}
	}
	h.environ = append(h.environ, "AGENTSECRETS_HOME="+h.path("home"), "TMPDIR="+h.path("tmp"))
	password := h.path("password")
	err := errors.Join(
		os.Mkdir(h.path("project"), 0o700), os.Mkdir(h.path("tmp"), 0o700),
		os.WriteFile(h.path("origin-ca.pem"), g.origin.root.PEM(), 0o600),
		os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600),
	)
	if err != nil {
		return fmt.Errorf("set the home up: %w", err)
	}
	err = h.do(ctx, "", "init", "--workspace", "matrix", "--project", "matrix", "--store", "file", "--password-file", password, "--no-input")
	for _, authority := range g.target.hosts {
		if err == nil {
			err = h.do(ctx, "", "workspace", "allowlist", "add", authority, "--password-file", password)
		}
	}
	for _, k := range kinds {
		if err == nil {
			err = h.do(ctx, k.value, "secrets", "set", k.secret(), "--stdin")
		}
	}
	return err
}

// do runs a command of ours that must end well.
func (h *home) do(ctx context.Context, stdin string, args ...string) error {
	cmd := exec.CommandContext(ctx, h.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = h.path("project"), h.environ, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("agentsecrets %s %s: %w: %s", args[0], args[1], err, out)
	}
	return nil
}

// adopt waits for another proxy, which may be started once the origin answers.
func (g *stage) adopt(ctx context.Context, o options, stderr io.Writer) error {
	if err := g.target.reach(o.foreign.proxy, o.foreign.ca); err != nil {
		return err
	}
	for k := range g.target.sends {
		g.target.sends[k] = o.foreign.placeholder
	}
	fmt.Fprintf(stderr, "the origin answers HTTP/1.1 at https://%s and HTTP/2 at https://%s; its root is %s\n",
		g.target.hosts[http1], g.target.hosts[http2v], filepath.Join(o.dir, "ca.pem"))
	for end := time.Now().Add(time.Minute); ctx.Err() == nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if g.target.speaks(ctx, http1) {
			return nil
		}
	}
	return fmt.Errorf("no tunnel through %s to %s, with the root of %s", o.foreign.proxy, g.target.hosts[http1], o.foreign.ca)
}
