package audit

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, nil)
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err == nil {
		t.Error("it is content with a file in place of the directory")
	}
}

// On a full disk files can be made, and not written. A file size limit does the
// same, for a whole process, so the test runs itself in one.
func TestA3CheckOnAFullDisk(t *testing.T) {
	const in = "AUDIT_TEST_CHECK"
	dir := os.Getenv(in)
	if dir == "" {
		dir = t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestA3CheckOnAFullDisk$", "-test.count=1")
		cmd.Env = append(os.Environ(), in+"="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("it left %v, %v", left, err)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100, Max: 100}); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, nil).Check(); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("%v", err)
	}
}
