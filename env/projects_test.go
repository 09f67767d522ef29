package env

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUpdateAndRemoveProject(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	r := OpenRegistry(home)
	acme, other := ensureWorkspace(t, r, "acme"), ensureWorkspace(t, r, "other")
	pay, shop := ensureProject(t, r, acme, "pay"), ensureProject(t, r, acme, "shop")
	ensureProject(t, r, other, "till")
	path := filepath.Join(home, "state.json")
	later := strings.Replace(read(t, path), `"id": "`+pay.ID+`"`, `"color": "<red>", "id": "`+pay.ID+`"`, 1)
	if err := os.WriteFile(path, []byte(later), 0o600); err != nil {
		t.Fatal(err)
	}

	got, err := r.UpdateProject(pay.ID, "till", "what we take") // which only another workspace has
	if want := (Project{ID: pay.ID, Name: "till", Description: "what we take", WorkspaceID: acme.ID}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if p, err := r.Project(pay.ID); err != nil || p != got {
		t.Errorf("%+v, %v", p, err)
	}
	if !strings.Contains(read(t, path), `"color": "<red>"`) {
		t.Errorf("what a later version wrote is gone:\n%s", read(t, path))
	}
	before := read(t, path)
	for _, name := range []string{"shop", "", "a\nb"} {
		if _, err := r.UpdateProject(pay.ID, name, ""); err == nil {
			t.Errorf("it may be named %q", name)
		}
	}
	var unknown *UnknownError
	if _, err := r.UpdateProject("prj_none", "x", ""); !errors.As(err, &unknown) {
		t.Errorf("update of none: %v", err)
	}
	if err := r.RemoveProject("prj_none"); !errors.As(err, &unknown) {
		t.Errorf("removal of none: %v", err)
	}
	if read(t, path) != before {
		t.Error("what was refused changed the file")
	}

	if err := r.RemoveProject(shop.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := r.Projects(acme.ID); err != nil || len(list) != 1 || list[0] != got {
		t.Errorf("%+v, %v", list, err)
	}
}
