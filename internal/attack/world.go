//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/trace"
)

// patience is for one attempt, on a machine that is busy.
const patience = 20 * time.Second

// The hosts. api and two may have secrets, gpt is a model provider that may, and
// the rest may not.
const (
	api   = "api.acme.test"
	two   = "two.acme.test"
	evil  = "evil.acme.test"
	plain = "plain.acme.test"
	odd   = "odd.acme.test" // allowed, and hostile
	gpt   = "api.openai.com"
	near  = "localhost" // allowed, and a stand-in of what no value may go to: a service of this machine
	other = "api.acme.test:8443"
)

// world is one user's machine: a home with secrets, a run, and origins around it.
type world struct {
	options options
	dir     string
	binary  string
	self    string // this program, where other users may start it
	environ []string

	good, bad *ca.Authority // of origins, and of somebody who pretends to be one
	origins   []*origin
	values    map[string]string      // by name of the secret
	trace     trace.Trace            // of all values
	traces    map[string]trace.Trace // of each
	errors    stderr                 // of everything that we started
	files     searched
	names     *nameServer // nil without a network of our own

	proxy proxy  // of the run
	run   *agent // the program in it

	daemon    proxy // the one in the background
	daemonPID int
}

// secret is what the home keeps, and how it is bound.
type secret struct {
	name, around string // around: what the random part of the value stands in
	bind         []string
}

func secrets() []secret {
	return []secret{
		{"API_KEY", "sk-%s", nil},
		{"API_KEY_2", "sk2-%s", nil}, // whose name begins with another
		{"BOUND_KEY", "bk-%s", []string{"--host", api, "--in", "header:authorization"}},
		{"PATH_KEY", "pk%s", []string{"--in", "path"}},
		{"POST_KEY", "po-%s", []string{"--method", "POST", "--path", "/v1/*"}},
		{"ANY_KEY", "any-%s", []string{"--in", "body:any", "--host", two}},
		{"NESTED_KEY", "n-%s-AS_SECRET_API_KEY", nil}, // names another
		{"LINES_KEY", "l-%s\r\nX-Injected: yes", nil},
	}
}

// newWorld makes the directories and the origins; setUp does the rest.
func newWorld(o options) (*world, error) {
	w := &world{options: o, values: map[string]string{}, traces: map[string]trace.Trace{}}
	var err error
	if w.binary, err = filepath.Abs(o.binary); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "attack-"); err != nil {
		return nil, fmt.Errorf("make a world: %w", err)
	}
	if err := w.layOut(); err != nil {
		w.close()
		return nil, fmt.Errorf("make a world: %w", err)
	}
	return w, nil
}

func (w *world) layOut() error {
	if err := os.Chmod(w.dir, 0o755); err != nil { // other users get as far as the home, and no further
		return err
	}
	for _, dir := range []string{"user", "tmp", "project", "loot"} {
		if err := os.Mkdir(w.path(dir), 0o700); err != nil {
			return err
		}
	}
	w.environ = append(environment(),
		"AGENTSECRETS_HOME="+w.path("home"), "HOME="+w.path("user"), "TMPDIR="+w.path("tmp"))
	for _, s := range secrets() {
		core := rand.Text() + rand.Text()
		w.values[s.name] = fmt.Sprintf(s.around, core)
		w.traces[s.name] = trace.New(core)
		w.trace = append(w.trace, w.traces[s.name]...)
	}
	var errs [3]error
	w.good, errs[0] = ca.NewEphemeral(ca.Config{})
	w.bad, errs[1] = ca.NewEphemeral(ca.Config{})
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(w.path("good.pem"), w.good.PEM(), 0o644), os.WriteFile(w.path("bad.pem"), w.bad.PEM(), 0o644),
		os.WriteFile(w.path("pw"), []byte(rand.Text()+"\n"), 0o600), os.WriteFile(w.path("loot", "guess"), []byte("password123\n"), 0o600), w.listen())
}

// listen starts the origins that all areas share.
func (w *world) listen() error {
	both := []string{"h2", "http/1.1"}
	for _, o := range []struct {
		host string
		by   *ca.Authority
		alpn []string
	}{
		{api, w.good, both}, {two, w.good, both[1:]}, {evil, w.good, both}, {plain, nil, nil},
		{gpt, w.good, both}, {near, w.good, both}, {other, w.good, both},
	} {
		made, err := newOrigin(o.host, "127.0.0.1:0", o.by, o.alpn...)
		if err != nil {
			return err
		}
		w.origins = append(w.origins, made)
	}
	made, err := newHostile(odd, w.good)
	if err != nil {
		return err
	}
	theirs, err := newParent(w.bad)
	if err != nil {
		return err
	}
	w.origins = append(w.origins, made, theirs)
	if w.options.network {
		return w.furnish()
	}
	return nil
}

func (w *world) origin(host string) *origin {
	i := slices.IndexFunc(w.origins, func(o *origin) bool { return o.host == host })
	if i < 0 {
		panic("no origin " + host) // a table names one that nobody made
	}
	return w.origins[i]
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

// environment is ours without what would change what a program does.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(kv), "=")
		return strings.HasSuffix(name, "_PROXY") || strings.HasPrefix(name, "AGENTSECRETS_") || strings.HasPrefix(name, "AS_") ||
			strings.HasPrefix(name, "SSL_CERT_") || slices.Contains([]string{"HOME", "TMPDIR", "GODEBUG", "GOTRACEBACK"}, name)
	})
}

// setUp is what a person does once, and the run that is attacked.
func (w *world) setUp(ctx context.Context) error {
	if err := w.do(ctx, "", "init", "--workspace", "acme", "--project", "pay", "--password-file", w.path("pw"), "--store", "file", "--no-input"); err != nil {
		return err
	}
	for _, s := range secrets() {
		if err := w.do(ctx, w.values[s.name], append([]string{"secrets", "set", s.name, "--stdin"}, s.bind...)...); err != nil {
			return err
		}
	}
	rules := []string{"workspace", "allowlist", "add", "--password-file", w.path("pw"), api, two, odd, gpt, plain + ":80", w.nearby(), "api.example.com"}
	if err := w.do(ctx, "", rules...); err != nil {
		return err
	}
	var err error
	w.run, err = w.startAgent(ctx, w.leads()...)
	if err != nil {
		return err
	}
	if w.proxy, err = proxyOf(w.run.hello); err != nil || !slices.Contains(w.options.only, "local") {
		return err
	}
	return errors.Join(w.copySelf(), w.startDaemon(ctx))
}

// nearby is the allowed service of this machine.
func (w *world) nearby() string { return fmt.Sprintf("%s:%d", near, w.origin(near).port()) }

// leads are the flags by which a person with the password leads names to the origins.
func (w *world) leads() []string {
	flags := []string{"--origin-ca", w.path("good.pem"), "--password-file", w.path("pw")}
	for name, addr := range w.resolves() {
		flags = append(flags, "--resolve", name+":"+addr)
	}
	return flags
}

// resolves says where "host:port" is.
func (w *world) resolves() map[string]string {
	all := map[string]string{}
	for _, o := range w.origins {
		switch o.host {
		case near, genuine, impostor, metadata, parent, nameHost: // found by their names and addresses
		case plain:
			all[plain+":80"] = o.addr.String()
		case other:
			all[other] = o.addr.String()
		default:
			all[o.host+":443"] = o.addr.String()
		}
	}
	return all
}

// do runs a command that must end well.
func (w *world) do(ctx context.Context, stdin string, args ...string) error {
	cmd := w.command(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("agentsecrets %s: %w: %s", strings.Join(args[:min(3, len(args))], " "), err, out)
	}
	return nil
}

func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.binary, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = w.path("project"), w.environ, time.Second
	return cmd
}

func (w *world) close() {
	if w.run != nil {
		w.run.stop()
	}
	if w.daemonPID != 0 {
		_ = w.do(context.Background(), "", "proxy", "stop") // it does not outlive us for want of an answer
	}
	for _, o := range w.origins {
		if o.listener != nil {
			o.listener.Close()
		}
	}
	os.RemoveAll(w.dir)
}
