package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands are all that a user can call, each with the words that call it.
func commands(root *cobra.Command) map[string]*cobra.Command {
	root.InitDefaultHelpCmd()
	found := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		if cmd.Runnable() && !cmd.HasSubCommands() {
			found[strings.TrimPrefix(cmd.CommandPath(), "agentsecrets ")] = cmd
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return found
}

// freeWords are the flags that nothing can be proposed for, since what they take is new
// or belongs to a request, and why.
func freeWords() map[string]string {
	return map[string]string{
		"body":                "what is sent",
		"description":         "a text",
		"drain":               "a time",
		"expires":             "a time",
		"for":                 "a time",
		"forward-header":      "what is sent",
		"keep":                "a number",
		"label":               "a text",
		"last":                "a number",
		"max-connections":     "a number",
		"max-run-connections": "a number",
		"metrics":             "an address of one's own",
		"older-than":          "a time",
		"path":                "of an API",
		"port":                "a number",
		"project update name": "a new name",
		"rate":                "a number",
		"token":               "who may say it has it at hand",
	}
}

// freeArguments are those of commands, likewise.
func freeArguments() map[string]string {
	return map[string]string{
		"agent register": "a new name",

		"help":           "cobra proposes commands",
		"project create": "a new name",
		"project invite": "an address of mail",

		"workspace create":  "a new name",
		"workspace demote":  "an address of mail, which the server knows",
		"workspace invite":  "an address of mail",
		"workspace promote": "an address of mail, which the server knows",
		"workspace remove":  "an address of mail, which the server knows",
	}
}

// proposals is what flags and arguments propose in the project of completion.txtar, by the
// flag's name, if need be with its command before it, or by the command: what is typed,
// and a word that has to be among the answers, or an expression that begins with ^ for one; "" for the shell's own files.
func proposals() map[string][2]string {
	file := [2]string{"", ""}
	secret, agent := [2]string{"AC", "ACME_KEY"}, [2]string{"bui", "build-bot"}
	return map[string][2]string{
		"client": {"cur", "cursor"}, "pass": {"PA", "PATH"},
		"agent": agent, "agent delete": agent, "agent token issue": agent, "agent token list": agent, "agent policy get": agent, "agent policy set": agent,
		"agent token revoke": {"tok_", "^tok_[a-z0-9]+$"}, "explain": {"", "^[a-z0-9]{26}$"},
		"allow": secret, "deny": secret,
		"workspace": {"a", "acme"}, "project": {"", "shop"}, "environment": {"st", "staging"}, "output": {"", "json"},
		"basic": secret, "bearer": secret, "allowlist test name": secret, "workspace allowlist test name": secret, "secret": secret,
		"header": {"X-Key=A", "X-Key=ACME_KEY"}, "query": {"key=", "key=ACME_KEY"}, "body-field": {"a.b=", "a.b=ACME_KEY"}, "form-field": {"a=", "a=ACME_KEY"},
		"host": {"", "deep.acme.test"}, "tunnel": {"", "api.acme.test:9443"}, "resolve": {"dee", "deep.acme.test:"}, "url": {"https://d", "https://deep.acme.test/"},
		"env": {"", "staging"}, "in": {"h", "header"}, "method": {"", "POST"}, "egress": {"", "tunnel"}, "parent": {"", "none"},
		"log-level": {"", "debug"}, "status": {"", "BLOCKED"}, "shell": {"", "fish"}, "format": {"", "dotenv"}, "clear": {"", "no-env"}, "role": {"", "admin"}, "to": {"", "file"},
		"store": {"", "nss"}, "init store": {"", "keychain"},
		"audit": file, "body-file": file, "ca": file, "env-file": file, "new-passphrase-file": file, "new-password-file": file, "origin-ca": file,
		"passphrase-file": file, "password-file": file,

		"allowlist test": {"https://api.stri", "https://api.stripe.com/"}, "workspace allowlist test": {"https://dee", "https://deep.acme.test/"},
		"environment clean": {"", "staging"}, "environment copy": {"", "staging"}, "environment merge": {"", "staging"}, "environment switch": {"", "staging"},
		"log verify": file, "secrets import": file, "run": {"agentsec", "agentsecrets"}, "env [flags] [-- CMD…]": {"agentsec", "agentsecrets"},
		"doctor": {"agentsec", "agentsecrets"}, "clients": {"agentsec", "agentsecrets"}, // after a space there is CMD
		"project delete": {"", "shop"}, "project update": {"", "shop"}, "project use": {"", "shop"},
		"secrets bind": secret, "secrets delete": secret, "secrets rotate": secret, "secrets set": secret,
		"workspace allowlist add": {"dee", "deep.acme.test"}, "workspace allowlist remove": {"PO", "POST only.acme.test/v1/*"},
		"workspace delete": {"", "acme"}, "workspace rename": {"", "acme"}, "workspace switch": {"", "acme"},
	}
}

// taken is one thing that a command takes: the words that ask for proposals, and
// the key of its tables.
type taken struct {
	words []string
	keys  []string // the first that a table has counts
	asks  bool     // it has something to propose
}

// whatCommandsTake lists every flag that takes something, and every argument.
func whatCommandsTake(root *cobra.Command) []taken {
	var list []taken
	for path, cmd := range commands(root) {
		words := strings.Fields(path)
		if takesArguments(cmd) {
			list = append(list, taken{words, []string{cmd.Use, path}, cmd.ValidArgsFunction != nil})
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() != "bool" && !f.Hidden {
				_, asks := cmd.GetFlagCompletionFunc(f.Name)
				list = append(list, taken{append(slices.Clone(words), "--"+f.Name), []string{path + " " + f.Name, f.Name}, asks})
			}
		})
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() != "bool" {
			list = append(list, taken{[]string{"status", "--" + f.Name}, []string{f.Name}, true})
		}
	})
	return list
}

// takesArguments goes by the usage line, in which flags that are required stand too.
func takesArguments(cmd *cobra.Command) bool {
	_, rest, ok := strings.Cut(strings.TrimSuffix(cmd.Use, " [flags]"), " ")
	return ok && !strings.HasPrefix(rest, "--")
}

func lookUp[V any](table map[string]V, keys []string) (key string, v V, ok bool) {
	for _, key := range keys {
		if v, ok := table[key]; ok {
			return key, v, true
		}
	}
	return "", v, false
}

// Every flag and argument proposes what it takes, or has a reason not to; what it
// proposes, completion.txtar asks for.
func TestEverythingIsCompleted(t *testing.T) {
	root := (&app{}).rootCommand()
	unused := map[string]bool{}
	free := freeWords()
	maps.Copy(free, freeArguments())
	for key := range free {
		unused[key] = true
	}
	for key := range proposals() {
		unused[key] = true
	}
	list := whatCommandsTake(root)
	if len(list) < 100 {
		t.Fatalf("only %d things were found that commands take", len(list))
	}
	for _, what := range list {
		freeKey, _, isFree := lookUp(free, what.keys)
		key, _, isProposed := lookUp(proposals(), what.keys)
		delete(unused, freeKey)
		delete(unused, key)
		if isProposed && !isFree && !what.asks || !isFree && !isProposed {
			t.Errorf("agentsecrets %s: proposes nothing, and there is no reason for that", strings.Join(what.words, " "))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("the tables have %q, which no command takes", key)
	}
}

// askForProposals asks once for everything that is in the tables.
func askForProposals(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: proposals")
	}
	done := map[string]bool{}
	for _, what := range whatCommandsTake((&app{}).rootCommand()) {
		key, want, ok := lookUp(proposals(), what.keys)
		if _, _, free := lookUp(freeWords(), what.keys); free || !ok || done[key] {
			continue
		}
		done[key] = true
		ts.Check(ts.Exec("agentsecrets", append(append([]string{"__complete"}, what.words...), want[0])...))
		answer := strings.Split(ts.ReadFile("stdout"), "\n")
		for i := range answer {
			answer[i], _, _ = strings.Cut(answer[i], "\t")
		}
		if want[1] == "" {
			want[1] = ":0" // the shell's files
		}
		fits := func(word string) bool { return word == want[1] }
		if strings.HasPrefix(want[1], "^") {
			fits = regexp.MustCompile(want[1]).MatchString
		}
		if !slices.ContainsFunc(answer, fits) {
			ts.Fatalf("%s %q does not propose %q but %q", strings.Join(what.words, " "), want[0], want[1], answer)
		}
		if said := ts.ReadFile("stderr"); said != "" {
			ts.Fatalf("%s says %q", strings.Join(what.words, " "), said)
		}
	}
}
