package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestFirstWriteMakesTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC) }
	l := open(t, dir, now)
	if want := filepath.Join(dir, fmt.Sprintf("20260102T030405.000006Z-%d.jsonl", os.Getpid())); l.Path() != want {
		t.Errorf("path is %s, want %s", l.Path(), want)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Open made something: %v", err)
	}
	write(t, l, Event{ID: "1"})
	for path, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, l.Path(): 0o600} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	if got := content(t, l); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"2026-01-02T03:04:05.000006+00:00"`) {
		t.Errorf("an event without a time is written %q", got)
	}
}

func TestCloseEndsTheLog(t *testing.T) {
	l := open(t, t.TempDir(), nil)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if err := l.Write(Event{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if _, err := os.Lstat(l.Path()); err == nil {
		t.Error("a log without events left a file")
	}
}

func TestWritersShareALog(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	const writers, each = 16, 100
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d-%d", w, i)
				for _, kind := range []string{Decided, Done} {
					if err := l.Write(Event{ID: id, Event: kind, Domain: strings.Repeat("d", i)}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if n := strings.Count(content(t, l), "\n"); n != 2*writers*each {
		t.Errorf("%d lines", n)
	}
	events, err := Read(dir, Filter{})
	if err != nil || len(events) != writers*each {
		t.Fatalf("%d exchanges, %v", len(events), err)
	}
	for _, e := range events {
		if e.Event != Done {
			t.Fatalf("%s is not done", e.ID)
		}
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "audit")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir, nil)
	if err := l.Write(Event{ID: "1"}); err == nil {
		t.Fatal("wrote into a file as if it were a directory")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	write(t, l, Event{ID: "2"})
	checkIDs(t, dir, 1, "1")
}

func TestLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	theirs := filepath.Join(t.TempDir(), "theirs")
	if err := os.WriteFile(theirs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(theirs, l.Path()); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(Event{}); err == nil {
		t.Error("wrote through a link")
	}
	if b, err := os.ReadFile(theirs); err != nil || len(b) > 0 {
		t.Errorf("their file holds %q, %v", b, err)
	}
}

func TestRemovedFileIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, nil)
	write(t, l, Event{ID: "1"})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	write(t, l, Event{ID: "2"})
	checkIDs(t, dir, 1, "1")
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	l.file.limit = 16 << 10
	const count = 120
	for i := range count {
		write(t, l, Event{ID: fmt.Sprint(i), Domain: strings.Repeat("d", maxField), RunID: strings.Repeat("r", maxField)})
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(paths) != keepFiles+1 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o600 || info.Size() > l.file.limit {
			t.Errorf("%s: mode %v, %d bytes", path, info.Mode(), info.Size())
		}
		b, err := os.ReadFile(path)
		if err == nil && !bytes.HasSuffix(b, []byte("\n")) {
			t.Errorf("%s ends within a line", path)
		}
	}
	events, err := Read(dir, Filter{})
	if err != nil || len(events) < 20 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if want := fmt.Sprint(count - len(events) + i); e.ID != want {
			t.Fatalf("event %d of %d is %s, want %s", i, len(events), e.ID, want)
		}
	}
}

// A line longer than a file may be still is one line.
func TestLineOverTheLimit(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	l.file.limit = 10
	write(t, l, Event{ID: "1"})
	write(t, l, Event{ID: "2"})
	checkIDs(t, dir, 2, "")
}

func TestSyncWithinASecond(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir, nil)
		var syncs atomic.Int32
		l.file.sync = func(*os.File) error { syncs.Add(1); return nil }
		for range 3 {
			write(t, l, Event{ID: NewID()})
		}
		synctest.Wait()
		if n := syncs.Load(); n != 0 {
			t.Errorf("a write waited for %d syncs", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := syncs.Load(); n != 1 {
			t.Errorf("%d syncs after a second", n)
		}
		time.Sleep(time.Hour)
		if n := syncs.Load(); n != 1 {
			t.Errorf("%d syncs of nothing", n-1)
		}
		write(t, l, Event{ID: NewID()})
		if err := l.Close(); err != nil || syncs.Load() != 2 {
			t.Errorf("%d syncs at the end, %v", syncs.Load(), err)
		}
	})
}

func TestFailedSyncFailsWrites(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir, nil)
		broken := true
		l.file.sync = func(*os.File) error {
			if broken {
				return syscall.EIO
			}
			return nil
		}
		write(t, l, Event{ID: "1"})
		time.Sleep(2 * time.Second)
		for range 3 {
			if err := l.Write(Event{ID: "lost"}); !errors.Is(err, syscall.EIO) {
				t.Fatalf("write to a disk that does not keep it: %v", err)
			}
		}
		broken = false
		write(t, l, Event{ID: "2"})
		broken = true
		write(t, l, Event{ID: "3"}) // the one before was synced: no cause for doubt
		if err := l.Close(); !errors.Is(err, syscall.EIO) {
			t.Errorf("close: %v", err)
		}
	})
	checkIDs(t, dir, 3, "lost")
}

// What could not be taken back is ended, so that it spoils no other line.
func TestTornLineIsEnded(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	write(t, l, Event{ID: "1"})
	if _, err := l.file.h.WriteString(`{"id":"torn`); err != nil {
		t.Fatal(err)
	}
	l.file.torn = true
	write(t, l, Event{ID: "2"})
	write(t, l, Event{ID: "3"})
	events, err := Read(dir, Filter{})
	var bad *BadLinesError
	if !errors.As(err, &bad) || bad.Lines != 1 || len(events) != 3 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func open(t *testing.T, dir string, now func() time.Time) *Log {
	t.Helper()
	l, err := Open(config(dir, now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func config(dir string, now func() time.Time) Config {
	return Config{Dir: dir, Key: func() ([]byte, error) { return testKey, nil }, Now: now}
}

var testKey = []byte("a key of the tests, 32 bytes long")

func write(t *testing.T, l *Log, e Event) {
	t.Helper()
	if err := l.Write(e); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, l *Log) string {
	t.Helper()
	b, err := os.ReadFile(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkIDs fails unless dir holds want exchanges, none of them not, and not one bad line.
func checkIDs(t *testing.T, dir string, want int, not string) {
	t.Helper()
	events, err := Read(dir, Filter{})
	if err != nil || len(events) != want {
		t.Errorf("%d events, %v; want %d", len(events), err, want)
	}
	for _, e := range events {
		if not != "" && e.ID == not {
			t.Errorf("event %s is there", not)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	l, err := Open(config(b.TempDir(), nil))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	e := Event{
		ID: NewID(), Event: Decided, SecretKeys: []string{"STRIPE_KEY"}, Places: []string{"header:authorization"},
		Method: "POST", TargetURL: "https://api.stripe.com/v1/balance", Domain: "api.stripe.com", Status: OK,
	}
	for b.Loop() {
		if err := l.Write(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	e := Event{ID: NewID(), Timestamp: time.Now(), Event: Decided, SecretKeys: []string{"STRIPE_KEY"}, Domain: "api.stripe.com"}
	for b.Loop() {
		if _, err := json.Marshal(e); err != nil {
			b.Fatal(err)
		}
	}
}
