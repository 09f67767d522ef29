package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/agentsecrets/agentsecrets"

// mayImport is which of our packages each of them may import. Whatever stands
// under internal is open to all but placeholder and redact, and to the rest of
// internal only where it is listed.
func mayImport() map[string][]string {
	return map[string][]string{
		"placeholder":      {"internal/stream"},
		"resolve":          {"internal/*"},
		"resolve/agefile":  {"internal/*", "resolve"},
		"resolve/keychain": {"internal/*", "resolve"},
		"ca/trust":         {"ca", "internal/*"},
		"allowlist":        {"internal/*"},
		"redact":           {"internal/stream", "resolve"},
		"ca":               {"internal/*"},
		"audit":            {"internal/*"},
		"metrics":          {"audit"},
		"env":              {"internal/*", "placeholder"},
		"client":           {"placeholder"}, // it speaks with the proxy and the command
		"mitm":             {"internal/*", "audit", "placeholder", "redact", "resolve"},
		"cmd/agentsecrets": {
			"internal/*", "allowlist", "audit", "ca", "ca/trust", "env", "metrics", "mitm", "placeholder", "redact", "resolve", "resolve/agefile", "resolve/keychain",
		},
		"client/agentsecretstest":  {"allowlist", "client", "internal/lab", "mitm", "placeholder"}, // for users' tests: a whole proxy
		"client/example/mcpserver": {"client"},
		"client/example/tool":      {"client"},
		"internal/agents":          {"allowlist", "internal/atomicfile"},
		"internal/attack":          {"ca", "internal/trace"},
		"internal/clientmatrix":    {"ca", "internal/probe", "internal/trace"},
		"internal/bench":           {"ca", "internal/freeport", "internal/grid", "internal/held", "placeholder", "redact"},
		"internal/engine":          {"internal/http1"},
		"internal/envfile":         {"resolve"},
		"internal/interop":         {"ca", "internal/freeport", "internal/grid", "internal/held"},
		"internal/leakmatrix":      {"ca", "internal/grid", "internal/held"}, // what it checks it shares no code with
		"internal/sdkcompat":       {"ca", "internal/freeport"},
		"internal/soak":            {"ca", "internal/held", "redact"},
		"internal/style":           {"internal/place", "placeholder"},
		"internal/daemon":          {"internal/atomicfile", "internal/runtree"},
		"internal/mcpclients":      {"internal/atomicfile"},
		"internal/harden":          {"internal/harden/early"},
		"internal/mutate":          {"internal/threats"},
		"internal/threats/report":  {"internal/threats"},
		"internal/lab":             {"internal/*", "allowlist", "audit", "ca", "metrics", "mitm", "redact", "resolve"}, // tests only
	}
}

// holders are the packages that can have a value in hand, and nobody else.
func holders() []string {
	return []string{"cmd/agentsecrets", "internal/envfile", "internal/lab", "mitm", "redact", "resolve/agefile", "resolve/keychain"}
}

func TestImportGraph(t *testing.T) {
	allowed := mayImport()
	var holding []string
	for pkg, imports := range importGraph(t) {
		for _, imp := range imports {
			if !slices.ContainsFunc(allowed[pkg], func(p string) bool { return covers(p, imp) }) {
				t.Errorf("%s imports %s", pkg, imp)
			}
			if imp == "resolve" {
				holding = append(holding, pkg)
			}
		}
	}
	slices.Sort(holding)
	if !slices.Equal(holding, holders()) {
		t.Errorf("resolve is imported by\n%q, not by\n%q", holding, holders())
	}
}

func covers(pattern, pkg string) bool {
	if dir, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(pkg, dir) && pkg != "internal/lab"
	}
	return pattern == pkg
}

// importGraph maps each of our packages to those of ours that it imports.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	graph := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkg, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		graph[pkg] = nil
		for _, imp := range p.Imports {
			if imp, ours := strings.CutPrefix(imp, module+"/"); ours {
				graph[pkg] = append(graph[pkg], imp)
			}
		}
	}
	if len(graph) < 15 {
		t.Fatalf("go list knows %d packages of ours only", len(graph))
	}
	return graph
}

// revealers are the files that unwrap a value, each for a reason.
func revealers() []string {
	return []string{
		"cmd/agentsecrets/spawn.go",  // plain run gives values to a program
		"cmd/agentsecrets/value.go",  // to say what is of concern about it
		"mitm/find.go",               // into a request
		"redact/life.go",             // to look for it in responses
		"resolve/agefile/seal.go",    // into the encrypted file
		"resolve/keychain/encode.go", // into the keychain
		"resolve/value.go",           // its own length
	}
}

func TestWhoReveals(t *testing.T) {
	var got []string
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == ".git" || e.Name() == "node_modules" || e.Name() == ".cache") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") && mentions(t, path, "Reveal") {
			got = append(got, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, revealers()) {
		t.Errorf("these files unwrap values:\n%q, the table says\n%q", got, revealers())
	}
}

// mentions reports whether a file selects name from anything: calling it, and
// also taking it as a method value or method expression.
func mentions(t *testing.T, path, name string) bool {
	return contains(t, path, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		return ok && s.Sel.Name == name
	})
}

func contains(t *testing.T, path string, is func(ast.Node) bool) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		found = found || is(n)
		return !found
	})
	return found
}

// unverifying are the files that may name what switches verification off.
func unverifying() []string {
	return []string{
		"internal/attack/wire.go", // asks our proxy for names that it must refuse; the chain is verified
	}
}

// A verifier that is told to accept everything stands nowhere in our code.
func TestD8NobodySkipsVerification(t *testing.T) {
	skips := func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		return ok && id.Name == "InsecureSkipVerify"
	}
	for pkg := range importGraph(t) {
		files, err := filepath.Glob(filepath.Join("../..", pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			excepted := slices.Contains(unverifying(), strings.TrimPrefix(filepath.ToSlash(path), "../../"))
			if !strings.HasSuffix(path, "_test.go") && contains(t, path, skips) != excepted {
				t.Errorf("%s names InsecureSkipVerify, or is excepted for nothing", path)
			}
		}
	}
}

// What makes a connection says itself by which proxy: Go's defaults would take
// the one that a variable names.
func TestD11NobodyReadsProxyVariables(t *testing.T) {
	defaults := []string{"ProxyFromEnvironment", "FromEnvironment", "DefaultTransport", "DefaultClient", "Get", "Head", "Post", "PostForm"}
	reads := func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		pkg, ok := s.X.(*ast.Ident)
		return ok && (pkg.Name == "http" || pkg.Name == "httpproxy") && slices.Contains(defaults, s.Sel.Name)
	}
	for pkg := range importGraph(t) {
		files, err := filepath.Glob(filepath.Join("../..", pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if !strings.HasSuffix(path, "_test.go") && contains(t, path, reads) {
				t.Errorf("%s takes a proxy from the environment", path)
			}
		}
	}
}

// What make test leaves out where it uses the race detector, it runs without.
func TestNothingIsLeftOut(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	variable := func(name string) *regexp.Regexp {
		rule := regexp.MustCompile(`(?m)^` + name + ` = (.+)$`).FindSubmatch(makefile)
		if rule == nil {
			t.Fatalf("the Makefile has no %s", name)
		}
		return regexp.MustCompile(strings.ReplaceAll(string(rule[1]), "$$", "$"))
	}
	type step struct {
		tests    *regexp.Regexp
		packages []string
	}
	var steps []step
	for _, line := range regexp.MustCompile(`(?m)^\t(?:\$\(static\) )?go test .*-run '\$\((\w+)\)' (.+)$`).FindAllSubmatch(makefile, -1) {
		steps = append(steps, step{variable(string(line[1])), strings.Fields(string(line[2]))})
	}
	if !bytes.Contains(makefile, []byte(`go list ./... | grep -vE '$(outside)'`)) || !bytes.Contains(makefile, []byte(`go list ./... | grep -E '$(outside)'`)) {
		t.Error("packages that run without the race detector are not those that are left out with it")
	}
	if !bytes.Contains(makefile, []byte("\nplain = $(scripts)|$(programs)|$(notices)|$(measured)\n")) || len(steps) != 5 {
		t.Errorf("the Makefile says it in other words: %d steps", len(steps))
	}
	found := 0
	for pkg := range importGraph(t) {
		files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(src, -1) {
				for _, s := range steps {
					if !s.tests.Match(name[1]) {
						continue
					}
					if found++; !slices.Contains(s.packages, "./"+pkg) {
						t.Errorf("%s of %s never runs: the Makefile lists %q", name[1], pkg, s.packages)
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("%d tests run without the race detector", found)
	}
}
