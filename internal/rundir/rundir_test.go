package rundir

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestMain is a run that does not end by itself when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("RUNDIR_TEST") == "" {
		os.Exit(m.Run())
	}
	d, err := New()
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(d.Path() + "\n")
	select {}
}

// aged is path as if nothing had been written there for a while.
func aged(t *testing.T, path string) {
	t.Helper()
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, before, before); err != nil {
		t.Fatal(err)
	}
}

func left(t *testing.T) []string {
	t.Helper()
	list, err := Left()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func isGone(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

func TestDirIsOursAndGoes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(d.Path()); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o700|fs.ModeDir {
		t.Errorf("%v, %v", info, err)
	}
	if !filepath.IsAbs(d.Path()) {
		t.Errorf("%s is not absolute", d.Path())
	}
	aged(t, d.Path())
	if list := left(t); len(list) > 0 {
		t.Errorf("a run that lives has left %q", list)
	}
	if err := RemoveLeft(d.Path()); err == nil || isGone(d.Path()) {
		t.Errorf("the directory of a run that lives was removed: %v", err)
	}
	if err := d.Remove(); err != nil || !isGone(d.Path()) {
		t.Errorf("it is still there: %v", err)
	}
	if err := RemoveLeft(d.Path()); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
}

// Where there is no directory for temporary files, no run has left anything.
func TestNowhereNothingIsLeft(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nowhere"))
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	if list := left(t); len(list) > 0 {
		t.Errorf("%q", list)
	}
}

// A run that is killed leaves its directory. It is not taken for one that lives.
func TestKilledRunIsTold(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RUNDIR_TEST=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	path := string(line[:n-1])
	aged(t, path)
	if list := left(t); len(list) > 0 {
		t.Errorf("it lives, and has left %q", list)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if list := left(t); !slices.Equal(list, []string{path}) {
		t.Errorf("left is %q, want %s", list, path)
	}
	if err := RemoveLeft(path); err != nil || !isGone(path) {
		t.Errorf("not removed: %v", err)
	}
}

// A directory that a program goes on writing into may not go. Then it is found as left.
func TestWhatIsWrittenMeanwhileIsLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for stayed := false; !stayed; {
		d, err := New()
		if err != nil {
			t.Fatal(err)
		}
		stop := writing(d.Path())
		err = d.Remove()
		stop()
		if err == nil {
			if !isGone(d.Path()) {
				t.Fatal("it is still there, and nobody says so")
			}
			continue
		}
		stayed = true
		aged(t, d.Path())
		if list := left(t); !slices.Equal(list, []string{d.Path()}) {
			t.Fatalf("after %v left is %q", err, list)
		}
		if err := RemoveLeft(d.Path()); err != nil || !isGone(d.Path()) {
			t.Fatalf("not removed when all is quiet: %v", err)
		}
	}
}

// writing makes files in dir until stop.
func writing(dir string) (stop func()) {
	done := make(chan bool)
	var all, begun sync.WaitGroup
	begun.Add(2)
	for i := range 2 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					_ = os.WriteFile(filepath.Join(dir, fmt.Sprint(i, "-", n%20)), nil, 0o600) // it may be gone
					if n == 0 {
						begun.Done()
					}
				}
			}
		})
	}
	begun.Wait()
	return func() {
		close(done)
		all.Wait()
	}
}

// Nothing else is taken for what a run has left.
func TestOthersAreLeftAlone(t *testing.T) {
	tmp, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	mine := filepath.Join(elsewhere, "mine")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, link, new, other := filepath.Join(tmp, prefix+"file"), filepath.Join(tmp, prefix+"link"), filepath.Join(tmp, prefix+"new"), filepath.Join(tmp, "other")
	for _, err := range []error{os.WriteFile(file, nil, 0o600), os.Symlink(elsewhere, link), os.Mkdir(new, 0o700), os.Mkdir(other, 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(new, lock), nil, 0o600); err != nil { // its run is about to hold it
		t.Fatal(err)
	}
	unlocked := filepath.Join(tmp, prefix+"unlocked")
	if err := os.Mkdir(unlocked, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, other, unlocked} {
		aged(t, path)
	}
	if list := left(t); len(list) > 0 {
		t.Errorf("left is %q", list)
	}
	for _, path := range []string{file, link, new, other, unlocked} {
		if err := RemoveLeft(path); err == nil || isGone(path) {
			t.Errorf("%s: removed, %v", path, err)
		}
	}
	planted := filepath.Join(tmp, prefix+"planted")
	if err := os.Mkdir(planted, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, filepath.Join(planted, lock)); err != nil {
		t.Fatal(err)
	}
	aged(t, planted)
	if list := left(t); len(list) > 0 {
		t.Errorf("a link was followed: %q", list)
	}
	if content, err := os.ReadFile(mine); err != nil || string(content) != "mine" {
		t.Errorf("%q, %v", content, err)
	}
}
