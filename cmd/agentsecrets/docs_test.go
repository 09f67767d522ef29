package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a person looks an error up in: every slug and every error that Go
// programs can tell apart stands there, and nothing that does not exist.
const errorsPage = "../../docs/errors.md"

// slugs are the short names of errors that our code can give, by three ways of
// writing them: the field of a problem, the reasons of a denial, and the word
// that a message begins with.
func slugs(t *testing.T) map[string]bool {
	t.Helper()
	ways := []*regexp.Regexp{
		regexp.MustCompile(`Slug(?:: *|, \w+(?:\.\w+)? = (?:http\.\w+, )?)"([a-z_]+)"`),
		regexp.MustCompile(`Status, p\.Slug, p\.Message = [\w.]+, "([a-z_]+)"`),
		regexp.MustCompile(`reason[A-Z]\w+ *= "([a-z_]+)"`),
		regexp.MustCompile(`(?:errors\.New|fmt\.Errorf)\("([a-z]+_[a-z_]+): `),
	}
	found := map[string]bool{}
	for pkg := range importGraph(t) {
		if strings.HasPrefix(pkg, "internal/") {
			continue
		}
		for _, path := range sources(t, pkg) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range ways {
				for _, m := range way.FindAllStringSubmatch(string(text), -1) {
					found[m[1]] = true
				}
			}
		}
	}
	found["workspace_not_found"], found["project_not_found"] = true, true // (*env.UnknownError).Slug builds them
	return found
}

// sources are the files of a package without its tests.
func sources(t *testing.T, pkg string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("../..", pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
}

// rows are the cells of every table of a page.
func rows(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

func TestEverySlugIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, row := range rows(t, errorsPage) {
		if len(row) == 4 && strings.HasPrefix(row[1], "`") {
			documented[strings.Trim(row[1], "`")] = true
			if row[2] == "" || row[3] == "" {
				t.Errorf("%s: cause or fix is missing", row[1])
			}
		}
	}
	same(t, "slugs", documented, slugs(t))
}

// goErrors are the error types and values that our public packages export.
func goErrors(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for pkg := range importGraph(t) {
		if strings.HasPrefix(pkg, "internal/") || strings.HasPrefix(pkg, "cmd/") {
			continue
		}
		for _, path := range sources(t, pkg) {
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for name := range exportedErrors(f) {
				found[f.Name.Name+"."+name] = true
			}
		}
	}
	return found
}

func exportedErrors(f *ast.File) map[string]bool {
	found := map[string]bool{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && strings.HasSuffix(s.Name.Name, "Error") {
					found[s.Name.Name] = true
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if g.Tok == token.VAR && strings.HasPrefix(n.Name, "Err") {
						found[n.Name] = true
					}
				}
			}
		}
	}
	return found
}

func TestEveryGoErrorIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, row := range rows(t, errorsPage) {
		if len(row) != 5 || !strings.HasPrefix(row[0], "`") {
			continue
		}
		documented[strings.Trim(row[0], "`")] = true
		if slices.Contains(row, "") {
			t.Errorf("%s: a cell is empty", row[0])
		}
	}
	same(t, "errors", documented, goErrors(t))
}

func same(t *testing.T, what string, documented, exist map[string]bool) {
	t.Helper()
	if len(exist) < 10 {
		t.Fatalf("only %d %s were found in the code", len(exist), what)
	}
	for _, name := range slices.Sorted(maps.Keys(exist)) {
		if !documented[name] {
			t.Errorf("%s is not in docs/errors.md", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if !exist[name] {
			t.Errorf("docs/errors.md has %s, which does not exist", name)
		}
	}
}

// docPages are those of docs, and its recipes.
func docPages() ([]string, error) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		return nil, err
	}
	recipes, err := filepath.Glob("../../docs/recipes/*.md")
	return append(pages, recipes...), err
}

// A link of a page leads to a file and, within ours, to a heading.
func TestLinksLeadSomewhere(t *testing.T) {
	pages, err := docPages()
	if err != nil || len(pages) < 5 {
		t.Fatal(pages, err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range append(pages, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			file, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, ":") { // the web's, which tests do not ask
				if u, err := url.Parse(m[1]); err != nil || u.Scheme != "https" || !strings.Contains(u.Host, ".") {
					t.Errorf("%s: %s is no address of the web", page, m[1])
				}
				continue
			}
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			body, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", page, err)
			} else if heading != "" && !slices.Contains(headings(string(body)), heading) {
				t.Errorf("%s: there is no heading %q in %s", page, heading, target)
			}
		}
	}
}

// headings are the anchors that a page's headings get.
func headings(page string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(anchor, " ", "-"))
	}
	return all
}
