package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A fault whose text has moved away would prove nothing, and only a long run would tell.
func TestFaultsApply(t *testing.T) {
	if len(faults) < 100 {
		t.Fatalf("there are %d faults only", len(faults))
	}
	names := map[string]bool{}
	for _, f := range faults {
		if names[f.name] {
			t.Errorf("two faults are named %q", f.name)
		}
		names[f.name] = true
		text, err := os.ReadFile(filepath.Join("..", "..", f.file))
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
		} else if n := strings.Count(string(text), f.old); n != 1 {
			t.Errorf("%s: its text stands %d times in %s", f.name, n, f.file)
		}
		if f.old == f.new {
			t.Errorf("%s changes nothing", f.name)
		}
	}
}
