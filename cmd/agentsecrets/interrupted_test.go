package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who breaks a check off is not told that it failed: doctor would advise against a
// program that it did not look at.
func TestInterruptedChecks(t *testing.T) {
	for _, command := range []string{"doctor", "doctor --clients=curl", "demo"} {
		t.Run(command, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			dir := t.TempDir()
			stream := func(name string) *os.File {
				f, err := os.Create(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { f.Close() })
				return f
			}
			a := &app{stdin: os.Stdin, stdout: stream("stdout"), stderr: stream("stderr"), environ: []string{"AGENTSECRETS_HOME=" + dir}}
			if code := a.run(ctx, append(strings.Fields(command), "--output", "json")); code != exitInterrupted {
				t.Errorf("exit code %d", code)
			}
			for name, want := range map[string]string{
				"stderr": "agentsecrets: interrupted; not everything was checked",
				"stdout": `{"error":"interrupted",`,
			} {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(got), want) {
					t.Errorf("on %s: %s, %v", name, got, err)
				}
			}
		})
	}
}
