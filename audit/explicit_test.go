package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mine.log")
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			l, err := OpenFile(path, config("", nil))
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 10 {
				if err := l.Write(Event{ID: fmt.Sprint(w, i)}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if c, err := VerifyFile(path, testKey); err != nil || c.State != Whole || c.Lines != 40 {
		t.Errorf("%+v, %v", c, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestL10OpenFileRefuses(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]os.FileMode{"private": 0o600, "readable": 0o640, "writable": 0o602} {
		if os.WriteFile(path(name), nil, 0o600) != nil || os.Chmod(path(name), mode) != nil {
			t.Fatal(name)
		}
	}
	open := path("open")
	if os.Symlink(path("private"), path("link")) != nil || os.Mkdir(open, 0o700) != nil || os.Chmod(open, 0o777) != nil {
		t.Fatal("links and directories")
	}
	for _, bad := range []string{path("readable"), path("writable"), path("link"), dir, filepath.Join(open, "log"), path("none/log"), os.DevNull} {
		if _, err := OpenFile(bad, config("", nil)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	l, err := OpenFile(path("private"), config("", nil))
	if err != nil {
		t.Fatal(err)
	}
	write(t, l, Event{ID: "1"})
	// What was fine when it was opened is looked at again.
	if os.Rename(path("private"), path("theirs")) != nil || os.Symlink(path("theirs"), path("private")) != nil {
		t.Fatal("swap")
	}
	if err := l.Write(Event{ID: "2"}); err == nil {
		t.Error("wrote through a link that was put in place later")
	}
	if os.Getuid() == 0 {
		if os.WriteFile(path("foreign"), nil, 0o600) != nil || os.Chown(path("foreign"), 12345, -1) != nil {
			t.Fatal("chown")
		}
		if _, err := OpenFile(path("foreign"), config("", nil)); err == nil {
			t.Error("another user's file is taken")
		}
	}
}

func TestSyncWaitsForEachEvent(t *testing.T) {
	c := config(t.TempDir(), nil)
	c.Sync = true
	l, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var syncs atomic.Int32
	l.file.sync = func(f *os.File) error { syncs.Add(1); return syncFile(f) }
	for i := range int32(3) {
		write(t, l, Event{ID: fmt.Sprint(i)})
		if n := syncs.Load(); n != i+1 {
			t.Errorf("%d syncs after %d events", n, i+1)
		}
		h, err := l.file.keys.readHead(l.Path())
		if err != nil || h.Last != mustLink(t, l.Path()) {
			t.Errorf("the head does not know event %d, %v", i, err)
		}
	}
}
