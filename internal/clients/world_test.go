package clients_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/built"
	"github.com/agentsecrets/agentsecrets/internal/trace"
)

const (
	apiHost    = "api.acme.test"
	openAIHost = "api.openai.test"
	gitHost    = "git.acme.test"

	name        = "ACME_KEY"
	placeholder = "AS_SECRET_ACME_KEY"
	marker      = "[REDACTED_BY_AGENTSECRETS]"

	// patience is for one command, on a machine that is busy with other tests.
	patience = 90 * time.Second
)

// binary is what TestMain built.
var binary string

func TestMain(m *testing.M) { built.Main(m, &binary) }

// world is one user's machine: a home, a project, a stored secret, an API.
type world struct {
	t      *testing.T
	dir    string // everything that is written lies under here
	origin *origin
	value  string
	trace  trace.Trace
}

// newWorld sets one up with the commands that a user would type. special is
// put into the value.
func newWorld(t *testing.T, special string) *world {
	t.Helper()
	w := newOutside(t, special)
	w.setUp()
	return w
}

// setUp makes a project with a secret, which may go to the origin.
func (w *world) setUp() {
	w.t.Helper()
	w.write("pw", "correct horse battery staple\n")
	w.agentsecrets("", "init", "--workspace", "acme", "--project", "pay", "--password-file", w.path("pw"), "--store", "file")
	w.agentsecrets(w.value, "secrets", "set", name, "--stdin")
	args := []string{"workspace", "allowlist", "add", "--password-file", w.path("pw")}
	for _, host := range []string{apiHost, openAIHost, gitHost} {
		args = append(args, fmt.Sprintf("%s:%d", host, w.origin.port))
	}
	w.agentsecrets("", args...)
}

// newOutside is a world without AgentSecrets.
func newOutside(t *testing.T, special string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	for _, folder := range []string{"home", "user", "tmp", "project"} {
		if err := os.Mkdir(w.path(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	core := ""
	w.value, core = newValue(special)
	w.trace = trace.New(core)
	w.origin = newOrigin(t, w.dir)
	w.origin.key = w.value
	return w
}

// newValue makes a random value with special in it; core is its random part.
func newValue(special string) (value, core string) {
	core = rand.Text() + rand.Text()
	return "sk-" + special + core + special + "z", core
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

func (w *world) write(file, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(file), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// result is what a finished program left on its streams.
type result struct {
	stdout, stderr string
}

// agentsecrets runs the binary, which must end well.
func (w *world) agentsecrets(stdin string, args ...string) result {
	w.t.Helper()
	return w.run(w.command(binary, args...), stdin)
}

// intercepted is the command that runs argv through AgentSecrets.
func (w *world) intercepted(argv ...string) *exec.Cmd {
	args := append([]string{"run", "--intercept"}, w.origins()...)
	return w.command(binary, append(append(args, "--"), argv...)...)
}

// origins are the flags that lead to the origin.
func (w *world) origins() []string {
	args := []string{"--origin-ca", w.origin.caFile}
	for _, host := range []string{apiHost, openAIHost, gitHost} {
		args = append(args, "--resolve", fmt.Sprintf("%s:%d:127.0.0.1:%[2]d", host, w.origin.port))
	}
	return args
}

// direct is the command that runs argv without us: it trusts the origin's CA.
func (w *world) direct(argv ...string) *exec.Cmd {
	cmd := w.command(argv[0], argv[1:]...)
	for _, v := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"} {
		cmd.Env = append(cmd.Env, v+"="+w.origin.caFile)
	}
	return cmd
}

// command is a program in the project, with nothing of the tester's own
// settings that would change what a client does.
func (w *world) command(path string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	return w.commandIn(ctx, path, args...)
}

// stopProxy stops what startProxy started. It is for the end of a test, when the
// test's own context is over.
func (w *world) stopProxy() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if out, err := w.commandIn(ctx, binary, "proxy", "stop").CombinedOutput(); err != nil {
		w.t.Errorf("stop the proxy: %v\n%s", err, out)
	}
}

func (w *world) commandIn(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = w.path("project")
	cmd.Env = append(environment(),
		"AGENTSECRETS_HOME="+w.path("home"), "HOME="+w.path("user"), "TMPDIR="+w.path("tmp"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		k, _, _ := strings.Cut(kv, "=")
		if k = strings.ToUpper(k); !strings.HasSuffix(k, "_PROXY") && !strings.HasPrefix(k, "AGENTSECRETS_") {
			env = append(env, kv)
		}
	}
	return env
}

// run waits for the end of cmd, which must be a good one. A line "chunk: …" on
// its standard output lets the origin's event streams go on.
func (w *world) run(cmd *exec.Cmd, stdin string) result {
	w.t.Helper()
	var stderr bytes.Buffer
	stdout := watcher{seen: w.origin.goOn}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("%s: %v\nstdout:\n%s\nstderr:\n%s", strings.Join(cmd.Args, " "), err, stdout.text.String(), stderr.String())
	}
	return result{stdout.text.String(), stderr.String()}
}

// watcher keeps a program's output and calls seen at its first whole chunk line.
type watcher struct {
	text strings.Builder
	seen func()
}

func (w *watcher) Write(p []byte) (int, error) {
	w.text.Write(p)
	if _, after, ok := strings.Cut(w.text.String(), "chunk: "); ok && strings.Contains(after, "\n") {
		w.seen()
	}
	return len(p), nil
}

// clean holds that no form of the value is in r or in any file of this world.
func (w *world) clean(r result) {
	w.t.Helper()
	for stream, text := range map[string]string{"stdout": r.stdout, "stderr": r.stderr} {
		if forms := w.trace.Forms([]byte(text)); forms != nil {
			w.t.Errorf("%s holds the value: %s\n%s", stream, forms, text)
		}
	}
	for _, found := range w.files(w.dir) {
		w.t.Errorf("file holds the value: %s", found)
	}
}

// files names the files under dir that hold the value.
func (w *world) files(dir string) []string {
	w.t.Helper()
	found, err := w.trace.Files(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// python is the interpreter that has the locked clients.
func python(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", ".cache", "clients", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the Python clients are not installed, `make libraries` installs them: %v", err)
	}
	return path
}

func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
