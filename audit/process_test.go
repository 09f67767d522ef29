package audit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

const callsEnv = "AUDIT_TEST_CALLS"

// calls is a process that makes fifty calls, each with a log and a key of its own.
func calls(t *testing.T, dir string) {
	for i := range 50 {
		l, err := OpenShared(Config{Dir: filepath.Join(dir, "audit"), Key: KeyFile(filepath.Join(dir, "audit.key")).Make})
		if err != nil {
			t.Fatal(err)
		}
		l.file.limit = 200 << 10 // set aside several times
		write(t, l, Event{ID: fmt.Sprintf("%d-%d", os.Getpid(), i), Event: Done, Status: OK})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// 32 processes at once share one log: one key, one chain, no event lost.
func TestA2ManyProcessesOneChain(t *testing.T) {
	if dir := os.Getenv(callsEnv); dir != "" {
		calls(t, dir)
		return
	}
	const processes = 32
	dir := t.TempDir()
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestA2ManyProcessesOneChain$", "-test.count=1")
			cmd.Env = append(os.Environ(), callsEnv+"="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Wait()
	key, err := KeyFile(filepath.Join(dir, "audit.key")).Read()
	if err != nil || len(key) != keySize {
		t.Fatalf("key of %d bytes, %v", len(key), err)
	}
	list, err := Verify(filepath.Join(dir, "audit"), key)
	if err != nil || len(list) < 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	lines := 0
	for _, c := range list {
		if lines += c.Lines; c.State != Whole {
			t.Errorf("%+v", c)
		}
	}
	if lines != processes*50 {
		t.Errorf("%d lines of %d", lines, processes*50)
	}
}

func TestKeyIsMadeOnce(t *testing.T) {
	k := KeyFile(filepath.Join(t.TempDir(), "home", "audit.key"))
	if key, err := k.Read(); key != nil || err != nil {
		t.Fatalf("read %x, %v before there is one", key, err)
	}
	var all sync.WaitGroup
	made := make([][]byte, 8)
	for i := range made {
		all.Go(func() {
			var err error
			if made[i], err = k.Make(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range made {
		if len(key) != keySize || !bytes.Equal(key, made[0]) {
			t.Errorf("%x and %x", key, made[0])
		}
	}
	if info, err := os.Stat(string(k)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A key that is damaged, or that others may read, is no key, and stays as it is.
func TestBadKeyIsLeft(t *testing.T) {
	k := KeyFile(filepath.Join(t.TempDir(), "audit.key"))
	for text, mode := range map[string]os.FileMode{"": 0o600, "00ff\n": 0o600, "no key": 0o600, string(bytes.Repeat([]byte("ab"), keySize)): 0o644} {
		if err := os.WriteFile(string(k), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(string(k), mode); err != nil {
			t.Fatal(err)
		}
		if key, err := k.Make(); err == nil {
			t.Errorf("%q (%v) was taken for %x", text, mode, key)
		} else if h, ok := err.(interface{ Hint() string }); !ok || h.Hint() == "" {
			t.Errorf("%v names no command", err)
		}
		if b, err := os.ReadFile(string(k)); err != nil || string(b) != text {
			t.Errorf("%q became %q, %v", text, b, err)
		}
	}
}
