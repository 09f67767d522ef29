package clients_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// exampleVerbs are those whose examples in --help are typed here, as one session of a
// shell. Those of doctor take longer than all others, and have tests of their own.
var exampleVerbs = []string{
	"init", "secrets set", "workspace allowlist add", "run", "env", "call", "proxy logs", "explain", "log verify", "log prune", "proxy start",
}

// exampleHelp answers what would be asked on a terminal, says where hosts are that no
// test may reach, and ends what would go on until Ctrl-C.
const exampleHelp = `add() { verb=$1; shift; exec "$REAL" $verb $EXTRA "$@"; }
case "$*" in
"secrets set STRIPE_KEY"*|"secrets set GMAP_KEY"*) printf %s "$VALUE" | "$REAL" "$@" --stdin --password-file password.txt; exit ;;
"secrets set ACME_KEY --host"*) exec "$REAL" "$@" --stdin <key.txt ;;
*"allowlist add"*) exec "$REAL" "$@" --password-file password.txt ;;
*--follow|*--foreground*) "$REAL" proxy stop; timeout 1 "$REAL" "$@" --no-input; test $? = 124; exit ;;
"proxy start"*) "$REAL" proxy stop; exec "$REAL" "$@" ;;
"run --intercept"*https://api*|call*) add "$@" ;;
esac
exec "$REAL" "$@"`

// Examples work as they stand.
func TestExamples(t *testing.T) {
	t.Parallel()
	w := newOutside(t, "")
	if err := os.Mkdir(w.path("bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.executable("bin/agentsecrets", exampleHelp)
	for file, text := range map[string]string{
		"password.txt": "correct horse battery staple\n", "key.txt": w.value, ".env": "GITHUB_TOKEN=" + w.value + "\n",
		"app.py": "import os\nassert os.environ['STRIPE_KEY']\n", "Makefile": "deploy:\n\ttest $$STRIPE_KEY = AS_SECRET_STRIPE_KEY\n",
	} {
		w.write("project/"+file, text)
	}
	session := "set -euo pipefail\n"
	for _, verb := range exampleVerbs {
		session += w.examples(verb)
		if verb == "secrets set" { // nothing is allowed yet, and all the others are there now
			session += "agentsecrets secrets set GMAP_KEY --host maps.googleapis.com --in query --allow\nagentsecrets run --intercept --audit run.jsonl -- curl -s https://unknown.test/ -H 'X-Key: AS_SECRET_STRIPE_KEY'\n" +
				"agentsecrets run --intercept -- curl -s https://unknown.test/ -H 'X-Key: AS_SECRET_STRIPE_KEY'\n"
		}
	}
	cmd := w.command("bash", "-c", session+"agentsecrets proxy stop\n")
	extra := fmt.Sprintf("--password-file password.txt --origin-ca %s --resolve api.stripe.com:443:127.0.0.1:%d --resolve maps.googleapis.com:443:127.0.0.1:%[2]d", w.origin.caFile, w.origin.port)
	cmd.Env = append(cmd.Env, "REAL="+binary, "VALUE="+w.value, "EXTRA="+extra, "AGENTSECRETS_PORT=0", "PATH="+w.path("bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Cleanup(w.stopProxy) // where the session did not come to its end
	r := w.run(cmd, "")
	if n := len(w.origin.seen["/v1/balance"]); n != 2 {
		t.Errorf("the origin was asked for a balance %d times", n)
	}
	for _, file := range []string{"key.txt", ".env"} { // of ours
		if err := os.Remove(w.path("project", file)); err != nil {
			t.Fatal(err)
		}
	}
	w.clean(r)
}

// examples are what --help of verb shows.
func (w *world) examples(verb string) string {
	w.t.Helper()
	_, rest, ok := strings.Cut(w.agentsecrets("", append(strings.Fields(verb), "--help")...).stdout, "\nExamples:\n")
	text, _, _ := strings.Cut(rest, "\n\n")
	if !ok || !strings.Contains(text, "agentsecrets "+verb) {
		w.t.Fatalf("%s --help has no examples of it", verb)
	}
	return text + "\n"
}
