package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/threats"
)

// A fault whose text has moved away would prove nothing, and only a long run would tell.
func TestFaultsApply(t *testing.T) {
	if n := len(all()); n < 100 {
		t.Fatalf("there are %d faults only", n)
	}
	names := map[string]bool{}
	for _, f := range all() {
		if names[f.name] {
			t.Errorf("two faults are named %q", f.name)
		}
		names[f.name] = true
		if strings.Contains(f.name, "  ") || strings.TrimSpace(f.name) != f.name {
			t.Errorf("%q is no name that -done could read", f.name)
		}
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
	for name := range hangs {
		if !names[name] {
			t.Errorf("no fault is named %q", name)
		}
	}
}

// A row that no fault is seeded for might have tests that notice nothing.
func TestRowsHaveFaults(t *testing.T) {
	rows, err := threats.Read("../../docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	seeded := map[string]bool{}
	for _, faults := range [][]rowFault{dFaults, lFaults, aFaults, sFaults, eFaults, vFaults, agentRowFaults} {
		for _, f := range faults {
			seeded[f.row] = true
		}
	}
	for _, r := range rows {
		if r.Later == "" && !seeded[r.ID] {
			t.Errorf("no fault is seeded for row %s (%s)", r.ID, r.Attack)
		}
	}
}
