package env

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func ensureWorkspace(t *testing.T, r *Registry, name string) Workspace {
	t.Helper()
	w, err := r.EnsureWorkspace(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func ensureProject(t *testing.T, r *Registry, w Workspace, name string) Project {
	t.Helper()
	p, err := r.EnsureProject(w.ID, name, "about "+name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRegistry(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	r := OpenRegistry(home)
	if w, err := r.Current(); w != (Workspace{}) || err != nil {
		t.Errorf("current of nothing: %+v, %v", w, err)
	}
	acme, other := ensureWorkspace(t, r, "acme"), ensureWorkspace(t, r, "other")
	pay := ensureProject(t, r, acme, "pay")
	for _, path := range []string{home, filepath.Join(home, "state.json")} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	r = OpenRegistry(home)
	if list, err := r.Workspaces(); err != nil || len(list) != 2 || list[0] != acme || list[1] != other {
		t.Errorf("workspaces %+v, %v", list, err)
	}
	for _, key := range []string{acme.ID, "acme"} {
		if w, err := r.Workspace(key); w != acme || err != nil {
			t.Errorf("%s is %+v, %v", key, w, err)
		}
		if w := ensureWorkspace(t, r, key); w != acme {
			t.Errorf("%s made %+v", key, w)
		}
	}
	for _, key := range []string{pay.ID, "pay"} {
		if p := ensureProject(t, r, acme, key); p != pay {
			t.Errorf("%s made %+v", key, p)
		}
	}
	pay2 := ensureProject(t, r, other, "pay")
	if list, err := r.Projects(acme.ID); err != nil || len(list) != 1 || list[0] != pay || pay2.ID == pay.ID {
		t.Errorf("projects %+v, %v", list, err)
	}
	if pay.WorkspaceID != acme.ID || pay.Description != "about pay" || acme.Type != "local" {
		t.Errorf("%+v %+v", pay, acme)
	}
	for id, prefix := range map[string]string{acme.ID: "wsp_", pay.ID: "prj_"} {
		rest, ok := strings.CutPrefix(id, prefix)
		if !ok || len(rest) != 20 || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("ID %s", id)
		}
	}
}

func TestFindingProjects(t *testing.T) {
	r := OpenRegistry(t.TempDir())
	a, b := ensureWorkspace(t, r, "a"), ensureWorkspace(t, r, "b")
	pa, pb, only := ensureProject(t, r, a, "pay"), ensureProject(t, r, b, "pay"), ensureProject(t, r, b, "only")
	ensureProject(t, r, b, "twice")
	check := func(key string, want Project) {
		t.Helper()
		got, err := r.Project(key)
		if got != want || (err != nil) != (want == Project{}) {
			t.Errorf("%s is %+v, %v; want %+v", key, got, err, want)
		}
		var unknown *UnknownError
		if err != nil && !errors.As(err, &unknown) {
			t.Errorf("error %v", err)
		}
	}
	check("pay", pa)
	check("only", only)
	check(pb.ID, pb)
	check("none", Project{})
	c := ensureWorkspace(t, r, "c")
	ensureProject(t, r, c, "twice")
	check("twice", Project{})
	if err := r.UseWorkspace("b"); err != nil {
		t.Fatal(err)
	}
	check("pay", pb)
	if w, err := r.Current(); w != b || err != nil {
		t.Errorf("current is %+v, %v", w, err)
	}
	var unknown *UnknownError
	if err := r.UseWorkspace("none"); !errors.As(err, &unknown) {
		t.Errorf("error %v", err)
	}
	if _, err := r.EnsureProject("wsp_none", "x", ""); !errors.As(err, &unknown) || unknown.Kind != "workspace" {
		t.Errorf("error %v", err)
	}
}

func TestBadNames(t *testing.T) {
	r := OpenRegistry(t.TempDir())
	w := ensureWorkspace(t, r, "Ümläut GmbH & Co")
	for _, name := range []string{"", "--help", " a", "a\n", "a\x1b[2J", "a\u202eb", "\xff", strings.Repeat("x", 129)} {
		if _, err := r.EnsureWorkspace(name); err == nil {
			t.Errorf("workspace %q", name)
		}
		if _, err := r.EnsureProject(w.ID, name, ""); err == nil {
			t.Errorf("project %q", name)
		}
	}
}

func TestOneOfAName(t *testing.T) {
	home := t.TempDir()
	ids := make([]string, 16)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			r := OpenRegistry(home)
			w, err := r.EnsureWorkspace("acme")
			if err != nil {
				t.Error(err)
				return
			}
			p, err := r.EnsureProject(w.ID, "pay", "")
			if err != nil {
				t.Error(err)
			}
			ids[i] = w.ID + p.ID
			if _, err := r.EnsureProject(w.ID, fmt.Sprint(i), ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("made %q", ids)
		}
	}
	r := OpenRegistry(home)
	w, err := r.Current()
	if list, err2 := r.Projects(w.ID); len(list) != 1+len(ids) || err != nil || err2 != nil {
		t.Errorf("%d projects of %d", len(list), 1+len(ids))
	}
}

func TestRegistriesThatCannotBeUsed(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "cut": `{"version":1,`, "no version": `{"workspaces":[]}`, "version zero": `{"version":0}`, "newer": `{"version":2,"workspaces":{}}`,
		"wrong type": `{"version":1,"projects":{}}`, "bad ID": `{"version":1,"workspaces":[{"id":"../x","name":"x"}]}`,
		"bad name": `{"version":1,"projects":[{"id":"x","workspace_id":"y","name":"\u001b"}]}`, "text version": `{"version":"1"}`,
	} {
		home := t.TempDir()
		path := filepath.Join(home, "state.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		r := OpenRegistry(home)
		_, ensured := r.EnsureWorkspace("acme")
		_, listed := r.Workspaces()
		_, loaded := Load(Query{Dir: t.TempDir(), Home: home})
		for _, err := range []error{ensured, listed, loaded} {
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || corrupt.Path != path || corrupt.Hint() == "" {
				t.Errorf("%s: %v", name, err)
			} else if (corrupt.Hint() == "update agentsecrets") != (name == "newer") {
				t.Errorf("%s: hint %q", name, corrupt.Hint())
			}
		}
		if read(t, path) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestRegistryKeepsWhatItDoesNotKnow(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "state.json")
	content := `{"theme":"dark","version":1,"workspaces":[{"id":"wsp_a","name":"a","type":"shared","since":7}],"current_workspace":"wsp_a"}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	r := OpenRegistry(home)
	ensureWorkspace(t, r, "a")
	if read(t, path) != content {
		t.Error("nothing new was written anyway")
	}
	ensureWorkspace(t, r, "b")
	got := strings.Join(strings.Fields(read(t, path)), "")
	if want := `{"theme":"dark","version":1,"workspaces":[{"id":"wsp_a","name":"a","type":"shared","since":7},{"id":"wsp_`; !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant %s…", got, want)
	}
	if !strings.HasSuffix(got, `"name":"b","type":"local"}],"current_workspace":"wsp_a"}`) {
		t.Errorf("%s", got)
	}
}

func TestRegistryOfOthersIsRefused(t *testing.T) {
	home := t.TempDir()
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRegistry(home).EnsureWorkspace("a"); err == nil {
		t.Error("wrote where everybody can")
	}
}

// A project file that came with a checkout is made known under its own IDs, once.
func TestAdopt(t *testing.T) {
	reg := OpenRegistry(t.TempDir())
	w := Workspace{ID: "wsp_aaaaaaaaaaaaaaaaaaaa", Name: "acme"}
	p := Project{ID: "prj_aaaaaaaaaaaaaaaaaaaa", Name: "pay", Description: "payments"}
	for range 2 {
		if err := reg.Adopt(w, p); err != nil {
			t.Fatal(err)
		}
	}
	projects, err := reg.Projects(w.ID)
	if err != nil || len(projects) != 1 || projects[0].Description != "payments" {
		t.Errorf("projects: %+v, %v", projects, err)
	}
	if c, err := reg.Current(); err != nil || c.ID != w.ID || c.Type != "local" {
		t.Errorf("current: %+v, %v", c, err)
	}
	if err := reg.Adopt(Workspace{ID: "wsp_bbbbbbbbbbbbbbbbbbbb", Name: "evil"}, p); err == nil {
		t.Error("a project was taken into another workspace")
	}
	if list, err := reg.Workspaces(); err != nil || len(list) != 1 {
		t.Errorf("workspaces: %+v, %v", list, err)
	}
	if err := reg.Adopt(Workspace{ID: "wsp_cccccccccccccccccccc"}, Project{ID: "prj_cccccccccccccccccccc"}); err != nil {
		t.Error(err)
	}
	if _, err := reg.Workspaces(); err != nil {
		t.Errorf("a file without names spoiled the registry: %v", err)
	}
}
