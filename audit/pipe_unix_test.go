//go:build unix

package audit

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe would let whoever opens it wait for ever.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	if err := syscall.Mkfifo(l.Path(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(Event{}); err == nil {
		t.Error("wrote into a pipe")
	}
	put(t, dir, "1.jsonl", "1:a:done:OK:A:dev", "")
	if filepath.Ext(l.Path()) != ".jsonl" {
		t.Fatal("the pipe is not where Read looks")
	}
	checkIDs(t, dir, 1, "")
}
