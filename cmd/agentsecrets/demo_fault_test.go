package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A demo that could not fail would show nothing. This one runs a binary in which
// one line is patched: the redactor searches for nothing, or a value is not put in.
func TestDemoNotices(t *testing.T) {
	for _, fault := range []struct{ name, file, old, new string }{
		{"a proxy that has nothing looked for", "mitm/kept.go", "	if err := k.set.Add(fresh...); err != nil {", "	if err := k.set.Add(); err != nil {"},
		{"a proxy that expands nothing", "mitm/find.go", "	b := v.Reveal()\n", "	_ = v\n	b := []byte(placeholder.For(u.Name))\n"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			exe := patched(t, fault.file, fault.old, fault.new)
			cmd := exec.Command(exe, "demo")
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("the demo went well:\n%s", out)
			}
			if !bytes.Contains(out, []byte("FAILED")) {
				t.Errorf("the demo does not say what failed: %v\n%s", err, out)
			}
		})
	}
}

// patched builds the binary with one text of one file replaced; the tree stays
// as it is.
func patched(t *testing.T, file, old, new string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), old) != 1 {
		t.Fatalf("%s does not hold the text to patch once", file)
	}
	dir := t.TempDir()
	replaced := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(replaced, []byte(strings.Replace(string(text), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "agentsecrets")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return exe
}
