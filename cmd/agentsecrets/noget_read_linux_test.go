package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allFlags lists every flag of every command as "command --flag", with the flags of
// all commands once, under the program's own name.
func allFlags() []string {
	root := new(app).rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("complete")
	root.InitDefaultVersionFlag()
	var all []string
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		note := func(f *pflag.Flag) { all = append(all, cmd.CommandPath()+" --"+f.Name) }
		cmd.LocalNonPersistentFlags().VisitAll(note)
		cmd.PersistentFlags().VisitAll(note)
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(root)
	return all
}

// dependency is a package that is part of the program.
type dependency struct {
	ImportPath, Dir string
	GoFiles         []string
}

// linked lists every package of the released program, Go's own among them.
func linked(t *testing.T) []dependency {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []dependency
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var d dependency
		if err := dec.Decode(&d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// readers are the functions that read a variable named by their first argument.
func reader(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		pkg, _ := f.X.(*ast.Ident)
		return f.Sel.Name == "variable" ||
			pkg != nil && slices.Contains([]string{"os", "syscall", "unix"}, pkg.Name) && slices.Contains([]string{"Getenv", "LookupEnv"}, f.Sel.Name)
	case *ast.Ident:
		return slices.Contains([]string{"gogetenv", "variable", "runtime_envs", "Getenv", "LookupEnv"}, f.Name)
	}
	return false
}

// variablesRead maps every variable that some package of the program reads to those
// packages. A name that is no constant there is "?", with the function that has it.
func variablesRead(t *testing.T) map[string][]string {
	t.Helper()
	read := map[string][]string{}
	for _, d := range linked(t) {
		consts := map[string]string{}
		var files []*ast.File
		for _, name := range d.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(d.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
			constants(f, consts)
		}
		for _, f := range files {
			for _, decl := range f.Decls {
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok || !reader(call) || len(call.Args) != 1 {
						return true
					}
					name := nameIn(call.Args[0], consts)
					if fn, ok := decl.(*ast.FuncDecl); ok && name == "" {
						name = "?" + fn.Name.Name
					}
					if !slices.Contains(read[name], d.ImportPath) {
						read[name] = append(read[name], d.ImportPath)
					}
					return true
				})
			}
		}
	}
	return read
}

func constants(f *ast.File, into map[string]string) {
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for i, name := range v.Names {
				if i < len(v.Values) {
					if s := nameIn(v.Values[i], nil); s != "" {
						into[name.Name] = s
					}
				}
			}
		}
		return true
	})
}

func nameIn(e ast.Expr, consts map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil {
			return s
		}
	case *ast.Ident:
		return consts[e.Name]
	}
	return ""
}
