package ca_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

// Inspect says at each time what Open would, and changes nothing.
func TestInspect(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now()}
	if _, err := ca.Inspect(dir, ca.Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	end := root(t, c.open(t, dir)).NotAfter
	for _, step := range []struct {
		left  int // days
		roots int
		ok    bool
		near  bool
	}{{400, 1, true, false}, {59, 1, true, true}, {1, 1, true, true}, {-1, 0, false, false}} {
		c.now = end.AddDate(0, 0, -step.left)
		before := files(t, dir)
		roots, err := ca.Inspect(dir, c.config())
		if len(roots) != step.roots || (err == nil) != step.ok || ca.Near(roots, c.now) != step.near || files(t, dir) != before {
			t.Errorf("%d days before the end: %d roots, %v", step.left, len(roots), err)
		}
	}
	c.now = end.AddDate(0, 0, -59)
	c.open(t, dir)
	for _, left := range []int{59, 1, -1} {
		c.now = end.AddDate(0, 0, -left)
		if roots, err := ca.Inspect(dir, c.config()); len(roots) != 2 || err != nil || ca.Near(roots, c.now) {
			t.Errorf("%d days before the end, with a next one: %d roots, %v", left, len(roots), err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ca-next-key.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	var corrupt *ca.CorruptError
	if _, err := ca.Inspect(dir, c.config()); !errors.As(err, &corrupt) || corrupt.Command() == "" || files(t, dir) != before {
		t.Errorf("of a key that is gone: %v", err)
	}
}
