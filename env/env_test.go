package env

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// project makes a directory with a project file.
func project(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".agentsecrets"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".agentsecrets", "project.json"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoad(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	r := OpenRegistry(home)
	acme, other := ensureWorkspace(t, r, "acme"), ensureWorkspace(t, r, "other")
	pay, ship := ensureProject(t, r, acme, "pay"), ensureProject(t, r, acme, "ship")
	theirs, pay2 := ensureProject(t, r, other, "theirs"), ensureProject(t, r, other, "pay")
	dir := project(t, `{"project_id":"prj_file","project_name":"file","environment":"staging","workspace_id":"`+acme.ID+`","workspace_name":"acme"}`)
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	bare := t.TempDir()
	file := filepath.Join(dir, ".agentsecrets", "project.json")
	here := Context{acme.ID, "acme", "prj_file", "file", "staging", file}
	of := func(w Workspace, p Project, environment string) Context {
		return Context{w.ID, w.Name, p.ID, p.Name, environment, ""}
	}
	with := func(c Context, environment string) Context {
		c.Environment = environment
		return c
	}
	for _, test := range []struct {
		name string
		q    Query
		want Context
		err  string
	}{
		{"file", Query{Dir: dir}, here, ""},
		{"above", Query{Dir: deep}, here, ""},
		{"environment", Query{Dir: dir, Environment: "production"}, with(here, "production"), ""},
		{"bad environment", Query{Dir: dir, Environment: "Prod!"}, Context{}, `"Prod!" is no name`},
		{"the file's own names", Query{Dir: dir, Workspace: "acme", Project: "file"}, here, ""},
		{"the file's own IDs", Query{Dir: dir, Workspace: acme.ID, Project: "prj_file"}, here, ""},
		{"another project", Query{Dir: dir, Project: "ship"}, of(acme, ship, "development"), ""},
		{"another project by ID", Query{Dir: dir, Project: pay.ID, Environment: "staging"}, of(acme, pay, "staging"), ""},
		{"of another workspace by ID", Query{Dir: dir, Project: theirs.ID}, of(other, theirs, "development"), ""},
		{"of another workspace by name", Query{Dir: dir, Project: "theirs"}, Context{}, `project_not_found: there is no project "theirs"`},
		{"in another workspace", Query{Dir: dir, Workspace: "other", Project: "pay"}, of(other, pay2, "development"), ""},
		{"not in the workspace asked for", Query{Dir: dir, Workspace: "other", Project: pay.ID}, Context{}, "project_not_found"},
		{"another workspace alone", Query{Dir: dir, Workspace: "other"}, of(other, Project{}, "development"), ErrNoProject.Error()},
		{"unknown workspace", Query{Dir: dir, Workspace: "nowhere"}, Context{}, `workspace_not_found: there is no workspace "nowhere"`},
		{"no file", Query{Dir: bare}, of(acme, Project{}, "development"), ErrNoProject.Error()},
		{"no file, a project", Query{Dir: bare, Project: "pay"}, of(acme, pay, "development"), ""},
		{"no file, not in the current workspace", Query{Dir: bare, Project: "theirs"}, Context{}, "project_not_found"},
	} {
		test.q.Home = home
		got, err := Load(test.q)
		if got != test.want {
			t.Errorf("%s: %+v\nwant %+v", test.name, got, test.want)
		}
		if said := errText(err); test.err == "" && err != nil || !strings.Contains(said, test.err) {
			t.Errorf("%s: error %q, want %q", test.name, said, test.err)
		}
	}
}

func TestLoadNextToNothing(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	got, err := Load(Query{Dir: t.TempDir(), Home: home})
	if !errors.Is(err, ErrNoProject) || got != (Context{Environment: "development"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if hint := ErrNoProject.(interface{ Hint() string }).Hint(); hint != "agentsecrets init" {
		t.Errorf("hint %q", hint)
	}
	if _, err := os.Lstat(home); err == nil {
		t.Error("looking made something")
	}
	if _, err := Load(Query{Dir: t.TempDir(), Home: home, Project: "x"}); errText(err) != `project_not_found: there is no project "x"` {
		t.Errorf("error %v", err)
	}
}

// The next file counts, even when it is of no use.
func TestLoadCorruptFile(t *testing.T) {
	outer := project(t, `{"project_id":"prj_outer"}`)
	inner := filepath.Join(outer, "inner")
	if err := os.MkdirAll(filepath.Join(inner, ".agentsecrets"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(inner, ".agentsecrets", "project.json")
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Query{Dir: inner, Home: t.TempDir()})
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Path != path || corrupt.Hint() == "" {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(Query{Dir: inner, Home: t.TempDir()}); err != nil || c.ProjectID != "prj_outer" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(inner, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(Query{Dir: filepath.Join(inner, "file", "no"), Home: t.TempDir()}); err != nil || c.ProjectID != "prj_outer" {
		t.Errorf("below a file: %+v, %v", c, err)
	}
}

func TestHome(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("AGENTSECRETS_HOME", "")
	if got, err := Home(); got != "/home/me/.agentsecrets" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	t.Setenv("AGENTSECRETS_HOME", "/elsewhere/")
	if got, err := Home(); got != "/elsewhere" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("AGENTSECRETS_HOME", "here")
	if got, err := Home(); !filepath.IsAbs(got) || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestEnvironments(t *testing.T) {
	if got := strings.Join(Environments(), " "); got != "development staging production" {
		t.Error(got)
	}
	for _, name := range append(Environments(), "a", "qa-2", strings.Repeat("x", 32)) {
		if err := ValidEnvironment(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "A", "Production", "1a", "-a", "a_b", "a b", "a:b", "../a", "é", strings.Repeat("x", 33)} {
		if ValidEnvironment(name) == nil {
			t.Errorf("%q is allowed", name)
		}
	}
}

func TestUnknownErrorHints(t *testing.T) {
	for e, want := range map[UnknownError]string{
		{"project", "pay", ""}:          "agentsecrets project create pay",
		{"workspace", "acme.inc", ""}:   "agentsecrets workspace list",
		{"project", "a; rm -rf ~", ""}:  "agentsecrets project list",
		{"workspace", "--password", ""}: "agentsecrets workspace list",
		{"project", "", ""}:             "agentsecrets project list",
		{"project", "pya", "pay"}:       "agentsecrets project list",
	} {
		if got := e.Hint(); got != want {
			t.Errorf("%q: %q, want %q", e.Name, got, want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
