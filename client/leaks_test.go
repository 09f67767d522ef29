package client_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/client"
)

// A value that is set, and the token of an agent, are in no argument of the command: the
// process list shows those to everybody.
func TestValueIsNoArgument(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agentsecrets")
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" >" + dir + "/args\nenv >" + dir + "/env\ncat >" + dir + "/stdin\necho '{\"set\":[\"KEY\"]}'\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, client.WithBinary(path), client.WithAgentToken("token-of-the-agent"))
	r, err := c.Secrets().Set(background, "KEY", value)
	if err != nil || len(r.Set) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	args, environ := text("args"), text("env")
	if text("stdin") != value || !strings.HasPrefix(args, "secrets\nset\n--stdin\n") || !strings.HasSuffix(args, "\n--\nKEY\n") {
		t.Errorf("%q", args)
	}
	if strings.Contains(args+environ, value) || strings.Contains(args, "token-of-the-agent") || !strings.Contains(environ, "AS_AGENT_TOKEN=token-of-the-agent") {
		t.Errorf("arguments %q, variables %q", args, environ)
	}
}

// A name that somebody else has chosen is none of the command's flags.
func TestNameIsNoFlag(t *testing.T) {
	c := newClient(t)
	for what, err := range map[string]error{
		"delete": c.Secrets().Delete(background, "--help"),
		"remove": c.Workspaces().Remove(background, "--version"),
		"use":    c.SetProject(background, "--help"),
	} {
		if err == nil {
			t.Errorf("%s is done", what)
		}
	}
	if _, err := c.Agents().Register(background, "--help", client.TokenOptions{}); err == nil || strings.Contains(err.Error(), "unexpected_output") {
		t.Errorf("register: %v", err)
	}
}

// No type of the package has a field that is called as if it held a value.
func TestNoFieldForAValue(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				if kind, ok := field.Type.(*ast.Ident); ok && kind.Name == "bool" {
					continue
				}
				for _, name := range field.Names {
					fields++
					for _, word := range []string{"value", "plain", "password", "credential"} {
						if strings.Contains(strings.ToLower(name.Name), word) {
							t.Errorf("%s: a field %s", path, name.Name)
						}
					}
				}
			}
			return true
		})
	}
	if fields < 100 {
		t.Errorf("only %d fields were looked at", fields)
	}
}
