package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// docs/json.md has a shape for each command: JSON in which the values are the words
// text, number, bool and time, or name another shape. A key that ends with "?" is not always there, the key "*"
// stands for any. The commands of json.txtar are held against them, both ways: what
// a command writes is in its shape, and all of the shape was written by some command.

// noJSON are the commands that write no JSON of ours, and why.
func noJSON() map[string]string {
	serverless := "always fails: there is no server"
	return map[string]string{
		"login": serverless, "project invite": serverless, "secrets pull": serverless, "secrets push": serverless, "secrets rotate": serverless,
		"workspace demote": serverless, "workspace invite": serverless, "workspace promote": serverless, "workspace remove": serverless,

		"completion bash":       "a script for the shell",
		"completion fish":       "a script for the shell",
		"completion powershell": "a script for the shell",
		"completion zsh":        "a script for the shell",
		"help":                  "a text",
		"mcp serve":             "standard output is the protocol's",
		"run":                   "standard output is the program's",
	}
}

// seenElsewhere are the fields that no command of json.txtar writes, and why.
func seenElsewhere() map[string]string {
	empty, serverless, keys := "always empty", "there is no server yet", "needs keys of the kernel: passphrase.txtar"
	return map[string]string{
		"environment clean.added[]": empty, "environment clean.conflicts[]": empty, "environment clean.kept[]": empty, "environment clean.replaced[]": empty,
		"environment copy.deleted[]": empty,
		"secrets diff.local_only[]":  serverless, "secrets diff.out_of_sync[]": serverless, "secrets diff.remote_only[]": serverless,
		"proxy start.findings[]": "after five to ten seconds: distrust.txtar",
		"status.unfinished_move": "a move that is killed: move_linux_test.go", "status.unlocked_until": keys, "unlock.until": keys,
	}
}

// shapes are those of docs/json.md by command, and what of them was seen.
type shapes struct {
	of    map[string]any
	first map[string]string // of several commands that have one shape
	seen  map[string]bool   // command and path of a field
}

var shapePattern = regexp.MustCompile("(?ms)^### ([^\n]+)\n+```json\n(.*?)```")

func readShapes(page string) (*shapes, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	s := &shapes{map[string]any{}, map[string]string{}, map[string]bool{}}
	for _, m := range shapePattern.FindAllStringSubmatch(string(text), -1) {
		var shape any
		if err := json.Unmarshal([]byte(m[2]), &shape); err != nil {
			return nil, fmt.Errorf("the shape of %s: %w", m[1], err)
		}
		names := strings.Split(strings.ReplaceAll(m[1], "`", ""), ", ")
		for _, command := range names {
			s.of[command], s.first[command] = shape, names[0]
		}
	}
	if len(s.of) < 40 {
		return nil, fmt.Errorf("%s has %d shapes", page, len(s.of))
	}
	return s, nil
}

// check holds a value against a shape.
func (s *shapes) check(at string, shape, got any) error {
	s.seen[at] = true
	switch shape := shape.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: %v is no object", at, got)
		}
		return s.checkObject(at, shape, object)
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Errorf("%s: %v is no list", at, got)
		}
		for _, element := range list {
			if err := s.check(at+"[]", shape[0], element); err != nil {
				return err
			}
		}
		return nil
	case string:
		if part := s.of[shape]; part != nil {
			return s.check(shape, part, got)
		}
	}
	if is := kind(got); is != shape && (shape != "text" || is != "time") {
		return fmt.Errorf("%s: %v is %s and should be %v", at, got, is, shape)
	}
	return nil
}

func (s *shapes) checkObject(at string, shape, object map[string]any) error {
	for key, want := range shape {
		name, optional := strings.CutSuffix(key, "?")
		if _, there := object[name]; !there && !optional && key != "*" {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
		if v, there := object[name]; there && key != "*" {
			if err := s.check(at+"."+name, want, v); err != nil {
				return err
			}
		}
	}
	for name, v := range object {
		if shape[name] != nil || shape[name+"?"] != nil {
			continue
		}
		want, any := shape["*"]
		if !any {
			return fmt.Errorf("%s: %s is not documented; it holds %v", at, name, v)
		}
		if err := s.check(at+".*", want, v); err != nil {
			return err
		}
	}
	return nil
}

func kind(v any) string {
	switch v := v.(type) {
	case float64:
		return "number"
	case bool:
		return "bool"
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return "time"
		}
		return "text"
	}
	return fmt.Sprintf("%T", v)
}

// unseen are the fields of a shape that nothing had.
func (s *shapes) unseen(at string, shape any) []string {
	if !s.seen[at] {
		return []string{at}
	}
	var list []string
	switch shape := shape.(type) {
	case map[string]any:
		for key, v := range shape {
			list = append(list, s.unseen(at+"."+strings.TrimSuffix(key, "?"), v)...)
		}
	case []any:
		list = s.unseen(at+"[]", shape[0])
	}
	return list
}

// json CODE CMD… runs agentsecrets with --output json, which must end with CODE and
// write what docs/json.md says. json done holds that nothing is left.
func outputsJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: json code cmd…, json done")
	}
	s := ts.Value("shapes").(*shapes)
	if args[0] == "done" {
		s.done(ts)
		return
	}
	err := ts.Exec("agentsecrets", withJSON(args[1:])...)
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	command := s.commandOf(args[1:])
	if command == "" && code == 0 {
		ts.Fatalf("docs/json.md has no shape for %q", args[1:])
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile("stdout"))))
	for n := 0; ; n++ {
		var got any
		if err := dec.Decode(&got); err == io.EOF && n > 0 {
			return
		} else if err != nil {
			ts.Fatalf("%s: line %d: %v", command, n+1, err)
		}
		ts.Check(s.checkAnswer(command, code, got))
	}
}

// checkAnswer: what fails writes an error, if it has no result that says so.
func (s *shapes) checkAnswer(command string, code int, got any) error {
	object, ok := got.(map[string]any)
	if command == "" || ok && code != 0 && object["message"] != nil {
		return s.check("A failure", s.of["A failure"], got)
	}
	s.seen[command] = true
	return s.check(s.first[command], s.of[command], got)
}

func withJSON(words []string) []string {
	if end := slices.Index(words, "--"); end >= 0 {
		return slices.Concat(words[:end], []string{"--output", "json"}, words[end:])
	}
	return append(slices.Clone(words), "--output", "json")
}

// commandOf is the longest documented command that words begin with.
func (s *shapes) commandOf(words []string) string {
	for n := len(words); n > 0; n-- {
		if command := strings.Join(words[:n], " "); s.of[command] != nil {
			return command
		}
	}
	return ""
}

func (s *shapes) done(ts *testscript.TestScript) {
	var left []string
	for command := range commands((&app{}).rootCommand()) {
		if _, without := noJSON()[command]; (s.of[command] == nil) != without {
			left = append(left, command+" has no shape, or has one and should have none")
		}
	}
	for _, command := range slices.Sorted(maps.Keys(s.of)) {
		if !s.seen[command] {
			left = append(left, command)
		}
		left = append(left, s.unseen(s.first[command], s.of[command])...)
	}
	for field := range seenElsewhere() {
		if !slices.Contains(left, field) && !s.seen[field] {
			left = append(left, field+" is in no shape")
		}
	}
	left = slices.DeleteFunc(left, func(field string) bool { return seenElsewhere()[field] != "" })
	slices.Sort(left)
	left = slices.Compact(left)
	if len(left) > 0 {
		ts.Fatalf("documented, and seen in nothing that ran:\n%s", strings.Join(left, "\n"))
	}
}

// documented PATH holds that docs/configuration.md names every file of a home.
func filesDocumented(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: documented path")
	}
	page, err := os.ReadFile("../../docs/configuration.md")
	ts.Check(err)
	_, section, _ := strings.Cut(string(page), "\n## The home\n")
	var patterns []string
	for _, m := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(section, -1) {
		for pattern := range strings.SplitSeq(m[1], ", ") {
			patterns = append(patterns, strings.ReplaceAll(strings.Trim(pattern, "`"), "WORKSPACE", "*"))
		}
	}
	files := 0
	home := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(home, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(home, file)
		if !slices.ContainsFunc(patterns, func(pattern string) bool { return fits(pattern, rel) }) {
			ts.Fatalf("docs/configuration.md does not name %s", rel)
		}
		return err
	}))
	if files < 10 {
		ts.Fatalf("%s has only %d files", home, files)
	}
}

// fits reports whether a path has a form; one that ends with "/*" is of all below.
func fits(pattern, rel string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/*"); ok && strings.HasPrefix(rel, dir+"/") {
		return true
	}
	whole, _ := path.Match(pattern, rel)
	name, _ := path.Match(pattern, path.Base(rel))
	return whole || name
}
