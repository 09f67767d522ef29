package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * leftoverAge)
	for name, aged := range map[string]bool{".a.json.tmp-1": true, ".b.json.tmp-2": false, ".check-3": true, "a.json": true, ".hidden": true} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if aged {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	found, err := Leftovers(dir, ".check-")
	if err != nil || len(found) != 2 || filepath.Base(found[0]) != ".a.json.tmp-1" || filepath.Base(found[1]) != ".check-3" {
		t.Errorf("%q, %v", found, err)
	}
}
