//go:build unix

package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExposed(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"fine": 0o600, "read": 0o640, "written": 0o602, "public.pem": 0o644, "public2.pem": 0o664} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("fine", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	public := func(path string) bool { return filepath.Ext(path) == ".pem" }
	want := map[string][2]bool{ // changeable, tightens
		dir: {false, true}, filepath.Join(dir, "read"): {false, true}, filepath.Join(dir, "written"): {true, true},
		filepath.Join(dir, "public2.pem"): {true, true}, filepath.Join(dir, "link"): {true, false},
	}
	found, looked, err := Exposed(dir, public)
	if err != nil || looked != 7 || len(found) != len(want) {
		t.Fatalf("%v of %d, %v", found, looked, err)
	}
	for _, x := range found {
		if w, ok := want[x.Path]; !ok || x.Changeable != w[0] || x.Tightens != w[1] {
			t.Errorf("%+v", x)
		}
		if x.Tightens {
			if err := Tighten(x.Path, public(x.Path)); err != nil {
				t.Error(err)
			}
		} else if Tighten(x.Path, false) == nil {
			t.Errorf("%s was tightened", x.Path)
		}
	}
	if found, _, err = Exposed(dir, public); err != nil || len(found) != 1 {
		t.Errorf("afterwards %v, %v", found, err)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "read": 0o600, "written": 0o600, "public.pem": 0o644, "public2.pem": 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has %v, %v", name, info.Mode(), err)
		}
	}
}
