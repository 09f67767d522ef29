package clients_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the pages of docs tell to type is typed here: the blocks marked sh of a page are one
// session of a shell. A block that is not run says why, in the line that opens it:
// "```sh not run: it takes minutes". Those of the README and the quick start have tests
// of their own.

// languages are those that a block may be in; but for sh, none is something to type.
var languages = []string{"console", "go", "ini", "json", "python", "sh", "text"}

var fencePattern = regexp.MustCompile("(?ms)^```([a-z]*)([^\n]*)\n(.*?)^```$")

// sessions are what a page's shell finds beside the project of every world.
var sessions = map[string]string{
	"clients.md":      "agentsecrets proxy start --port 8765\ntrap 'agentsecrets proxy stop' EXIT\n",
	"environments.md": "agentsecrets secrets set DEPLOY_KEY=correct-horse-battery-staple --environment production\n",
	"mcp.md":          "mkdir -p \"$HOME/.cursor\"\n",
	"stores.md":       "agentsecrets secrets delete STRIPE_KEY\nprintf 'STRIPE_KEY=correct-horse-battery-staple\\n' >.env\n",
}

func TestSnippets(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 20 {
		t.Fatal(pages, err)
	}
	run := 0
	for _, page := range pages {
		name := filepath.Base(page)
		session := ""
		for _, m := range fencePattern.FindAllStringSubmatch(repoFile(t, "docs/"+name), -1) {
			reason, without := strings.CutPrefix(m[2], " not run: ")
			switch {
			case !slices.Contains(languages, m[1]) || m[2] != "" && (!without || len(reason) < 5):
				t.Errorf("%s: a block begins with %q: it needs one of %q, and may say why it is not run", name, "```"+m[1]+m[2], languages)
			case m[1] == "sh" && !without && name != "quickstart.md":
				session += m[3]
				run++
			}
		}
		if session != "" {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				typed(t, sessions[name]+session)
			})
		}
	}
	if run < 8 {
		t.Errorf("only %d blocks are run", run)
	}
}

// standIns are for who would be asked on a terminal, and for programs of others.
var standIns = map[string]string{
	"agentsecrets": `case "$*" in
*"allowlist add"*|*"allowlist remove"*|*"allowlist recover"*|*"secrets bind"*) set -- "$@" --password-file "$PW" ;;
esac
exec "$REAL" "$@"`,
	"op":      `case "$1" in item) echo '{"fields":[{"id":"k","type":"CONCEALED","label":"OP_KEY","value":"kept-by-1password"}]}' ;; *) echo INJECTED_KEY=kept-by-1password ;; esac`,
	"doppler": `echo '{"DOPPLER_KEY":"kept-by-doppler-too"}'`,
}

// typed runs a session in a project that has secrets, and ends at the first command
// that fails.
func typed(t *testing.T, session string) {
	t.Helper()
	w := newWorld(t, "")
	w.agentsecrets(w.value, "secrets", "set", "STRIPE_KEY", "--stdin")
	if err := os.Mkdir(w.path("bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, script := range standIns {
		w.executable("bin/"+name, script)
	}
	w.executable("project/deploy", "test $DEPLOY_KEY = AS_SECRET_DEPLOY_KEY")
	ca, err := os.ReadFile(w.origin.caFile)
	if err != nil {
		t.Fatal(err)
	}
	w.write("project/corp-root.pem", string(ca))
	cmd := w.command("bash", "-euo", "pipefail", "-c", w.ports(session))
	cmd.Env = append(cmd.Env, "REAL="+binary, "PW="+w.path("pw"), "PATH="+w.path("bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	w.clean(w.run(cmd, ""))
}

func (w *world) executable(file, script string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(file), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		w.t.Fatal(err)
	}
}
