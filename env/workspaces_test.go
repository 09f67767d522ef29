package env

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestRenameAndRemoveWorkspace(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	r := OpenRegistry(home)
	acme, other := ensureWorkspace(t, r, "acme"), ensureWorkspace(t, r, "other")
	pay := ensureProject(t, r, acme, "pay")
	before := read(t, filepath.Join(home, "state.json"))
	for _, name := range []string{"other", other.ID, "", "a\nb", " acme"} {
		if _, err := r.RenameWorkspace(acme.ID, name); err == nil {
			t.Errorf("it may be named %q", name)
		}
	}
	var unknown *UnknownError
	if _, err := r.RenameWorkspace("acme", "new"); !errors.As(err, &unknown) {
		t.Errorf("renamed by its name: %v", err)
	}
	if err := r.RemoveWorkspace("wsp_none"); !errors.As(err, &unknown) {
		t.Errorf("removal of none: %v", err)
	}
	if err := r.RemoveWorkspace(acme.ID); err == nil {
		t.Error("a workspace goes, and its project stays")
	}
	if read(t, filepath.Join(home, "state.json")) != before {
		t.Error("what was refused changed the file")
	}

	got, err := r.RenameWorkspace(acme.ID, "beta")
	if err != nil || got.ID != acme.ID || got.Name != "beta" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := r.RemoveProject(pay.ID); err != nil {
		t.Fatal(err)
	}
	if err := r.RemoveWorkspace(acme.ID); err != nil {
		t.Fatal(err)
	}
	if now, err := r.Current(); err != nil || now != other {
		t.Errorf("the current one is %+v, %v", now, err)
	}
	if err := r.RemoveWorkspace(other.ID); err != nil {
		t.Fatal(err)
	}
	if now, err := r.Current(); err != nil || now.ID != "" {
		t.Errorf("the current one is %+v, %v", now, err)
	}
	if w := ensureWorkspace(t, r, "third"); w.Name != "third" {
		t.Errorf("%+v", w)
	} else if now, err := r.Current(); err != nil || now != w {
		t.Errorf("the current one is %+v, %v", now, err)
	}
}
