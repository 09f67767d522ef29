package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWriteMakesAndReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "", strings.Repeat("long ", 100_000), "two"} {
		if err := Write(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != content {
			t.Fatalf("read back %d bytes, want %d", len(got), len(content))
		}
	}
	if names := list(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("left behind: %q", names)
	}
}

// The kernel's own stamps may be some milliseconds old.
func TestWriteSetsTheExactTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for range 5 {
		before := time.Now()
		if err := Write(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.ModTime().Before(before) || info.ModTime().After(time.Now()) {
			t.Errorf("stamped %v, %v; begun at %v", info.ModTime(), err, before)
		}
	}
}

func TestL10WriteRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	mustWrite(t, elsewhere, "theirs", 0o600)
	link := filepath.Join(dir, "link")
	mustLink(t, elsewhere, link)
	dangling := filepath.Join(dir, "dangling")
	mustLink(t, filepath.Join(dir, "nothing"), dangling)
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, dangling, sub} {
		var insecure *InsecureError
		if err := Write(path, []byte("ours"), 0o600); !errors.As(err, &insecure) || insecure.Path != path {
			t.Errorf("Write(%s) = %v, want an InsecureError", filepath.Base(path), err)
		}
	}
	if got := read(t, elsewhere); got != "theirs" {
		t.Errorf("wrote through the link: %q", got)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info, err)
	}
}

// The temporary file's name is longer than the target's: for this one it is too long for the file system.
func TestFailedWriteLeavesTheOldContent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("n", 250))
	mustWrite(t, path, "old", 0o600)
	if err := Write(path, []byte("new"), 0o600); err == nil {
		t.Fatal("wrote where no temporary file can be")
	}
	if got := read(t, path); got != "old" {
		t.Errorf("content is %q", got)
	}
	if names := list(t, dir); len(names) != 1 {
		t.Errorf("left behind: %q", names)
	}
	if err := Write(filepath.Join(dir, "missing", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write in a missing directory: %v", err)
	}
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	path, kept := filepath.Join(dir, "f"), filepath.Join(dir, "f.bak")
	if err := Keep(path, kept); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("kept what is not there: %v", err)
	}
	before := ""
	for _, content := range []string{"one", "two", "three"} {
		if err := Write(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if before != "" && read(t, kept) != before {
			t.Errorf("kept %q, want %q", read(t, kept), before)
		}
		for range 2 { // the second finds that both are one file
			if err := Keep(path, kept); err != nil {
				t.Fatal(err)
			}
			if read(t, kept) != content || read(t, path) != content {
				t.Errorf("kept %q of %q", read(t, kept), read(t, path))
			}
		}
		before = content
	}
	if got := strings.Join(list(t, dir), " "); got != "f f.bak" {
		t.Errorf("directory holds %q", got)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere") // perhaps on another file system, so without a link
	if err := copyTo(path, elsewhere); err != nil || read(t, elsewhere) != before {
		t.Errorf("copied %v", err)
	}
	link := filepath.Join(dir, "link")
	mustLink(t, elsewhere, link)
	var insecure *InsecureError
	if err := Keep(path, link); !errors.As(err, &insecure) {
		t.Errorf("kept in place of a link: %v", err)
	}
}

func TestWriteSweepsOldLeftoversOnly(t *testing.T) {
	dir := t.TempDir()
	old, young, other := filepath.Join(dir, ".f.tmp-1"), filepath.Join(dir, ".f.tmp-2"), filepath.Join(dir, ".ff.tmp-3")
	for _, path := range []string{old, young, other} {
		mustWrite(t, path, "x", 0o600)
	}
	before := time.Now().Add(-2 * leftoverAge)
	for _, path := range []string{old, other} {
		if err := os.Chtimes(path, before, before); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(list(t, dir), " "), ".f.tmp-2 .ff.tmp-3 f"; got != want {
		t.Errorf("directory holds %q, want %q", got, want)
	}
}

func TestReadersSeeWholeContents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	contents := [][]byte{bytes.Repeat([]byte("a"), 64<<10), bytes.Repeat([]byte("b"), 1<<10)}
	if err := Write(path, contents[0], 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := ReadPrivate(path)
				if err != nil || !bytes.Equal(got, contents[0]) && !bytes.Equal(got, contents[1]) {
					t.Errorf("read %d bytes, %v", len(got), err)
					return
				}
			}
		})
	}
	for i := range 50 {
		if err := Write(path, contents[i%2], 0o600); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustWrite(t *testing.T, path, content string, perm fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, perm); err != nil {
		t.Fatal(err)
	}
}

func mustLink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
