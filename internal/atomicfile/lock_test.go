package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// holdEnv makes the test binary a process that takes a lock and keeps it until its input ends.
const holdEnv = "ATOMICFILE_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		hold(path)
		return
	}
	goleak.VerifyTestMain(m)
}

func hold(path string) {
	unlock, err := Lock(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer unlock()
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestLockExcludesCallersInOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	var inside, total atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				unlock, err := Lock(path)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two inside")
				}
				total.Add(1)
				inside.Add(-1)
				unlock()
			}
		})
	}
	all.Wait()
	if n := total.Load(); n != 16*20 {
		t.Errorf("%d turns, want %d", n, 16*20)
	}
}

func TestLockNamesTheProcessThatHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	holder := startHolder(t, path)
	_, err := lock(path, 50*time.Millisecond)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != holder.Process.Pid {
		t.Fatalf("error %v, want a LockedError with PID %d", err, holder.Process.Pid)
	}
	for _, text := range []string{err.Error(), locked.Hint()} {
		if !strings.Contains(text, fmt.Sprint("process ", holder.Process.Pid)) {
			t.Errorf("%q does not name the holder", text)
		}
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	unlock, err := lock(path, time.Second)
	if err != nil {
		t.Fatalf("the lock outlived its holder: %v", err)
	}
	unlock()
	if got := read(t, path); got != "" {
		t.Errorf("a free lock still names %q", got)
	}
}

// All of them want the lock again as soon as they have freed it.
func TestLockIsFair(t *testing.T) {
	const greedy = 8
	path := filepath.Join(t.TempDir(), "l")
	var turns atomic.Int64
	var all sync.WaitGroup
	for range greedy {
		all.Go(func() {
			for range 100 {
				before := turns.Load()
				unlock, err := Lock(path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := turns.Add(1) - before; n > 10*greedy { // an unfair one lets others have hundreds; on a busy machine a goroutine is late for the queue
					t.Errorf("waited for %d turns of %d others", n, greedy-1)
				}
				time.Sleep(time.Millisecond)
				unlock()
			}
		})
	}
	all.Wait()
}

func TestWaiterThatGaveUpLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	unlock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := lock(path, 10*time.Millisecond); err == nil {
			t.Fatal("got a lock that is held")
		}
	}
	unlock()
	unlock, err = lock(path, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestLockSurvivesItsFilesRemoval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l")
	first, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan func())
	go func() {
		unlock, err := Lock(path)
		if err != nil {
			t.Error(err)
			unlock = func() {}
		}
		got <- unlock
	}()
	time.Sleep(50 * time.Millisecond) // so that it waits for the old file; passes without, proving less
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	first()
	unlock := <-got
	if _, err := lock(path, 10*time.Millisecond); err == nil {
		t.Error("two holders: one of the removed file, one of the new")
	}
	unlock()
}

func TestL10LockRefusesALink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	mustWrite(t, file, "theirs", 0o600)
	mustLink(t, file, link)
	var insecure *InsecureError
	if _, err := Lock(link); !errors.As(err, &insecure) {
		t.Errorf("error %v, want an InsecureError", err)
	}
	if got := read(t, file); got != "theirs" {
		t.Errorf("wrote %q through the link", got)
	}
	if _, err := Lock(filepath.Join(dir, "missing", "l")); err == nil {
		t.Error("locked in a missing directory")
	}
}

func startHolder(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("holder said %q, %v", line, err)
	}
	return cmd
}
