package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whatever a page, a hint or a message tells to run is a command, with flags that it has.
func TestCommandsInDocsExist(t *testing.T) {
	pages, err := docPages()
	if err != nil || len(pages) < 20 {
		t.Fatal(pages, err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	inline := regexp.MustCompile("[`\"](agentsecrets [^`\"\n]+)[`\"]")
	found := 0
	for _, page := range append(append(pages, "../../README.md"), sources...) {
		if strings.HasSuffix(page, "_test.go") || strings.HasSuffix(page, "threats.md") || strings.HasSuffix(page, "CHANGELOG.md") {
			continue // what was tried, what was once
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inline.FindAllStringSubmatch(string(text), -1) {
			if why := wrongCommand(m[1]); why != "" {
				t.Errorf("%s: %s: %s", page, m[1], why)
			}
			found++
		}
	}
	if found < 200 {
		t.Errorf("only %d commands were found", found)
	}
}

// newcomers meet these verbs: each has examples.
var newcomers = []string{"init", "run", "env", "call", "secrets set", "workspace allowlist add", "proxy start", "proxy logs", "doctor", "explain", "log verify", "log prune"}

// Examples in --help are commands as a shell takes them apart: with flags that there are,
// and as many arguments as the command takes. Those of most verbs are run in internal/clients.
func TestExamplesAreCommands(t *testing.T) {
	dir := t.TempDir()
	told := filepath.Join(dir, "told")
	for file, text := range map[string]string{"agentsecrets": "#!/bin/sh\nprintf '%s\\0' \"$@\" >>\"$TOLD\"; echo >>\"$TOLD\"\n", "key.txt": ""} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	all := commands((&app{}).rootCommand())
	for path, cmd := range all {
		if cmd.Example == "" {
			if slices.Contains(newcomers, path) {
				t.Errorf("%s --help has no examples", path)
			}
			continue
		}
		sh := exec.Command("sh", "-euc", cmd.Example)
		sh.Dir, sh.Env = dir, append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "TOLD="+told)
		if out, err := sh.CombinedOutput(); err != nil {
			t.Errorf("%s: %v, %s", path, err, out)
			continue
		}
		text, err := os.ReadFile(told)
		if err != nil || os.Remove(told) != nil {
			t.Fatalf("%s: no example is a command of ours: %v", path, err)
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Split(strings.TrimSuffix(line, "\x00\n"), "\x00")
			if err := understood(words); err != nil {
				t.Errorf("%s: %q: %v", path, words, err)
			}
		}
	}
	for _, path := range newcomers {
		if all[path] == nil {
			t.Errorf("there is no %s", path)
		}
	}
}

// understood reads words as the program would, and runs nothing.
func understood(words []string) error {
	root := (&app{}).rootCommand()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// wrongCommand says what is wrong with a command line, up to where it is a program's or
// another command's.
func wrongCommand(line string) string {
	words := strings.Fields(line)[1:]
	if strings.Contains(line, ": ") || line == "agentsecrets metrics" { // a message; what asks for the token of metrics
		return ""
	}
	for i, w := range words {
		if w == "--" || strings.ContainsAny(w, "|;)%\\") {
			words = words[:i]
			break
		}
	}
	root := (&app{}).rootCommand()
	root.InitDefaultHelpCmd()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err.Error()
	}
	if cmd.HasSubCommands() && len(rest) > 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(rest[0]) {
		return "there is no command " + rest[0]
	}
	for _, w := range rest {
		name, isFlag := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if name = strings.Trim(name, "[],.…"); isFlag && name != "" && cmd.Flag(name) == nil && name != "help" {
			return "there is no flag --" + name
		}
	}
	return ""
}
