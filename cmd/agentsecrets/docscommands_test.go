package main

import (
	"os"
	"path/filepath"
	"regexp"
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
