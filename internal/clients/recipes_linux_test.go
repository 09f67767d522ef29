package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/audit"
)

func TestRecipes(t *testing.T) {
	for _, r := range recipes {
		if !r.big {
			t.Run(r.title(), r.run)
		}
	}
}

// run follows the section on a machine that has nothing of ours yet.
func (c recipe) run(t *testing.T) {
	t.Parallel()
	w := newOutside(t, "")
	p := pageOf(t, c.page)
	w.kitchen(c)
	if c.prepare != nil {
		c.prepare(w)
	}
	for file, text := range p.files(c.section) {
		w.write("project/"+file, text)
	}
	r := w.follow(p.session(c.section))
	if c.then != nil {
		more := c.then(w)
		r.stdout, r.stderr = r.stdout+more.stdout, r.stderr+more.stderr
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("it said\n%s\n%s", r.stdout, r.stderr)
		}
	})
	for _, path := range c.paths {
		if got := c.sent(w.origin.last(path)); got != w.value {
			t.Errorf("%s: the origin got %q, want the value", path, got)
		}
	}
	for _, shown := range p.shown(c.section) {
		if !strings.Contains(squeezed(r.stdout), strings.TrimSpace(squeezed(shown))) {
			t.Errorf("this is not what the page shows:\n%s", shown)
		}
	}
	w.clean(r)
	if c.secret != "" {
		w.wentOnlyTo(c.secret, c.hosts)
	}
	if c.check != nil {
		c.check(w)
	}
}

// kitchen puts on PATH what a page takes for granted.
func (w *world) kitchen(c recipe) {
	w.t.Helper()
	w.write("pw", "correct horse battery staple\n")
	value := filepath.Join(w.t.TempDir(), "value") // elsewhere: no file of the world may hold it
	if err := os.WriteFile(value, []byte(w.value), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Mkdir(w.path("bin"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	leads := "--origin-ca " + w.origin.caFile
	for _, host := range c.hosts {
		leads += fmt.Sprintf(" --resolve %s:443:127.0.0.1:%d", host, w.origin.port)
	}
	answered := strings.NewReplacer("@real", binary, "@pw", w.path("pw"), "@value", value, "@leads", leads, "@direct", w.origin.url("127.0.0.1"), "@ca", w.origin.caFile, "@home", w.path("home"), "@port", w.freePort())
	w.executable("bin/agentsecrets", answered.Replace(answers))
	w.executable("bin/python", heldPython(python(w.t)))
	w.executable("bin/pip", "unset PIP_FIND_LINKS; export PIP_CONFIG_FILE=/dev/null PIP_TARGET="+w.path("project", "lib")+"; exec "+python(w.t)+` -m pip "$@"`)

	if c.big {
		w.installed()
	}
}

// installed puts on PATH, and where Node looks, what `make recipes` has installed.
func (w *world) installed() {
	w.t.Helper()
	cache, err := filepath.Abs(filepath.Join("..", "..", ".cache", "recipes"))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(cache, ".installed")); err != nil {
		w.t.Fatalf("what this needs is not installed, `make recipes` installs it: %v", err)
	}
	if err := os.Symlink(filepath.Join(cache, "node_modules"), w.path("node_modules")); err != nil {
		w.t.Fatal(err)
	}
	w.executable("bin/python", heldPython(filepath.Join(cache, "python", "bin", "python")))
	for _, program := range []string{"claude", "codex"} {
		w.executable("bin/"+program, "exec "+filepath.Join(cache, "node_modules", ".bin", program)+` "$@"`)
	}
}

// answers are for who would be asked on a terminal, and say where hosts lead. A program that
// is run without the proxy is led to the origin by its own variables.
const answers = `export AGENTSECRETS_HOME=@home AGENTSECRETS_PORT=@port
case "$*" in
init*) exec @real "$@" --no-input --store file --password-file @pw ;;
"secrets set"*) exec @real "$@" --stdin --password-file @pw <@value ;;
"secrets bind"*|"workspace allowlist add"*) exec @real "$@" --password-file @pw ;;
run*" --intercept "*) shift; exec @real run @leads --password-file @pw "$@" ;;
"run -- "*) export AWS_ENDPOINT_URL_S3=@direct AWS_CA_BUNDLE=@ca; exec @real "$@" ;;
"proxy start"*) exec @real "$@" @leads --password-file @pw ;;
*) exec @real "$@" ;;
esac`

// heldPython is a Python that stays when its program has ended, so that its memory can be
// searched: it then takes more lines, and the one that it gets says who it is.
func heldPython(path string) string {
	return `case "$1" in *.py) exec ` + path + ` -i "$@" ;; *) exec ` + path + ` "$@" ;; esac`
}

// follow types a session, and looks into the memory of the Python program in it.
func (w *world) follow(session string) result {
	w.t.Helper()
	cmd := w.standIn("bash", "-euo", "pipefail", "-c", session)
	if strings.Count(session, "-- python ") != 1 {
		return w.run(cmd, "")
	}
	h := w.holdAfter(cmd, "import os; print('pid', os.getpid(), flush=True)\n")
	if forms := h.memory(w.trace); forms != nil {
		w.t.Errorf("the program's memory holds the value: %s", forms)
	}
	h.stdin.Close()
	return h.end()
}

// wentOnlyTo holds that the record knows of no other host that got the value.
func (w *world) wentOnlyTo(secret string, hosts []string) {
	w.t.Helper()
	events, err := audit.Read(w.path("home", "audit"), audit.Filter{Secret: secret})
	if err != nil || len(events) == 0 {
		w.t.Fatalf("the record has %d events: %v", len(events), err)
	}
	for _, e := range events {
		if e.Status != audit.Blocked && !slices.Contains(hosts, e.Domain) {
			w.t.Errorf("a request with %s went to %s", secret, e.Domain)
		}
	}
}

func squeezed(s string) string { return regexp.MustCompile(`\*+`).ReplaceAllString(s, "*") }
