package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMisplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home.lock")
	for _, path := range []string{"a.lock/b.lock", "a.lock.damaged/c.lock", "d.lock.damaged-2/e.lock", "policy/f.lock.queue", "audit"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "g.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := Misplaced(dir, ".lock", ".queue")
	var names []string
	for _, e := range found {
		names = append(names, filepath.Base(e.Path))
	}
	if got := strings.Join(names, " "); err != nil || got != "a.lock f.lock.queue" {
		t.Errorf("%q, %v", got, err)
	}
}
