package audit

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

const limitEnv = "AUDIT_TEST_LIMITED"

// Every write to /dev/full fails as on a full disk.
func TestA3FullDisk(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	write(t, l, Event{ID: "before"})
	openHere := l.file.open
	for range 2 {
		l.file.giveUp(0)
		l.file.open = func(string) (*os.File, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) }
		for range 3 {
			if err := l.Write(Event{ID: "lost"}); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("write to a full disk: %v", err)
			}
		}
		l.file.open = openHere
		write(t, l, Event{ID: NewID()})
	}
	checkIDs(t, dir, 3, "lost")
}

// A file size limit cuts a line in the middle, as a disk that fills up does. It
// holds for a whole process, so the test runs itself in one.
func TestA3LineCutByTheSystem(t *testing.T) {
	if os.Getenv(limitEnv) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestA3LineCutByTheSystem$", "-test.count=1")
		cmd.Env = append(os.Environ(), limitEnv+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	dir := t.TempDir()
	l := open(t, dir, nil)
	write(t, l, Event{ID: "1"})
	size := len(content(t, l))
	limit(t, uint64(size+100))
	for range 3 {
		if err := l.Write(Event{ID: "lost"}); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("write over the limit: %v", err)
		}
		if n := len(content(t, l)); n != size {
			t.Errorf("%d bytes of a cut line stayed", n-size)
		}
	}
	limit(t, 1<<20)
	write(t, l, Event{ID: "2"})
	if !strings.HasSuffix(content(t, l), "\n") {
		t.Error("the last line has no end")
	}
	checkIDs(t, dir, 2, "lost")
}

func limit(t *testing.T, bytes uint64) {
	t.Helper()
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		t.Fatal(err)
	}
	r.Cur = bytes
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		t.Fatal(err)
	}
}
