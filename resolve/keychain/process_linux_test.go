package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// tokenOf is a word for the command lines of a test's helpers, and of no others. Each writes its PID beside the path
// that it is: to look through all of /proc takes longer on a busy machine than some helpers live.
func tokenOf(s *secretservice.Session, name string) string { return filepath.Join(s.Dir, name) }

func sayPID(token string) error {
	return os.WriteFile(fmt.Sprint(token, ".pid-", os.Getpid()), nil, 0o600)
}

func running(t testing.TB, token string) bool { return count(t, token) > 0 }

// count is how many of the processes with token are there.
func count(t testing.TB, token string) (n int) {
	t.Helper()
	files, err := filepath.Glob(token + ".pid-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_, pid, _ := strings.Cut(filepath.Base(file), ".pid-")
		words, _ := os.ReadFile("/proc/" + pid + "/cmdline") // of one that has ended there is nothing
		if slices.ContainsFunc(bytes.Split(words, []byte{0}), func(w []byte) bool { return string(w) == token }) {
			n++
		}
	}
	return n
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Errorf("not within a minute: %s", what)
}

// The keyring is locked, and its prompt gets no answer.
func TestA7Timeout(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Waits)
	token := tokenOf(session, "helper")
	dir := t.TempDir()
	var told atomic.Int64
	s := open(t, Config{Helper: helper(session, "helper", token), Dir: dir, Waiting: func() {
		told.Add(1)
	}})
	s.limit = limit
	begin := time.Now()
	_, err := s.Resolve(t.Context(), ref("KEY"))
	took := time.Since(begin)
	if running(t, token) {
		t.Error("the helper is still there")
	}
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, resolve.ErrLocked) || errors.Is(err, ErrUnavailable) || hintOf(err) != unlockIt {
		t.Errorf("%v, hint %q", err, hintOf(err))
	}
	if took < limit { // how much longer is the machine's affair: nothing else ends a prompt that waits
		t.Errorf("took %v", took)
	}
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}

	s.limit = 300 * time.Millisecond
	before := s.Generation()
	if err := s.Set(t.Context(), ref("KEY"), resolve.New([]byte("v"))); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if s.Generation() == before {
		t.Error("the stamp is as before, though nobody knows what the keychain did")
	}
	if err := s.Available(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
	if running(t, token) {
		t.Error("a helper is still there")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for patient, want := range map[bool]time.Duration{false: 5 * time.Second, true: 60 * time.Second} {
		s, err := Open(Config{Helper: []string{"/x"}, Dir: t.TempDir(), Patient: patient})
		if err != nil || s.limit != want {
			t.Errorf("patient %v: %v, %v", patient, s.limit, err)
		}
	}
}

// A person comes to answer the prompt after a while.
func TestPromptThatIsAnswered(t *testing.T) {
	t.Parallel()
	told := make(chan struct{})
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Answered), "helper"), Patient: true, Waiting: func() { close(told) }})
	set(t, s, ref("KEY"), "value")
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Error("nobody was told")
	}
	expect(t, s, ref("KEY"), "value")
}

func TestA7PromptThatNobodySees(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Dismissed), "helper"), Patient: true})
	_, resolveErr := s.Resolve(t.Context(), ref("KEY"))
	for what, err := range map[string]error{
		"resolve":   resolveErr,
		"set":       s.Set(t.Context(), ref("KEY"), resolve.New([]byte("v"))),
		"available": s.Available(t.Context()),
	} {
		if !errors.Is(err, resolve.ErrLocked) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnavailable) || hintOf(err) != unlockIt {
			t.Errorf("%s: %v, hint %q", what, err, hintOf(err))
		}
	}
}

func TestA7Unavailable(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Bare)
	nowhere := []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + session.Dir + "/none"}
	for name, helper := range map[string][]string{
		"no bus":        helperWith(session, nowhere, "helper"),
		"no service":    helper(session, "helper"),
		"no collection": helper(newSession(t, secretservice.Fresh), "helper"),
		"no helper":     {"/nonexistent/agentsecrets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, Config{Helper: helper})
			_, resolveErr := s.Resolve(t.Context(), ref("KEY"))
			for what, err := range map[string]error{
				"resolve":   resolveErr,
				"set":       s.Set(t.Context(), ref("KEY"), resolve.New([]byte("value-that-nobody-keeps"))),
				"delete":    s.Delete(t.Context(), ref("KEY")),
				"available": s.Available(t.Context()),
			} {
				if !errors.Is(err, ErrUnavailable) || errors.Is(err, resolve.ErrLocked) || hintOf(err) != "agentsecrets init --store file" {
					t.Errorf("%s: %v, hint %q", what, err, hintOf(err))
				}
			}
			onlyStamp(t, filepath.Dir(s.stamp))
		})
	}
}

// onlyStamp is that nothing took the keychain's place.
func onlyStamp(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != stampName && e.Name() != busyName {
			t.Errorf("%s was written", e.Name())
		}
	}
}

// go-keyring alone would have dbus-launch start a bus of its own, with an empty keyring on it.
func TestStartsNoBus(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Bare)
	launched := filepath.Join(session.Dir, "launched")
	launcher := "#!/bin/sh\n: >'" + launched + "'\n"
	if err := os.WriteFile(filepath.Join(session.Dir, "dbus-launch"), []byte(launcher), 0o755); err != nil {
		t.Fatal(err)
	}
	// On a desktop this leads to the real session, which is asked for an entry that it does not have.
	lost := []string{"PATH=" + session.Dir, "DBUS_SESSION_BUS_ADDRESS="}
	s := open(t, Config{Helper: helperWith(session, lost, "helper")})
	if _, err := s.Resolve(t.Context(), ref("NEVER_SET")); err == nil {
		t.Error("found")
	}
	if _, err := os.Stat(launched); err == nil {
		t.Error("dbus-launch was started")
	}
}

func TestA7FaultyHelpers(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Bare)
	for role, want := range map[string]error{
		"crash": ErrUnavailable, "exit": ErrUnavailable, "garbage": ErrUnavailable, "endless": ErrUnavailable,
		"clingy": ErrTimeout, "deaf": ErrTimeout, "slow helper": ErrTimeout,
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			token := tokenOf(session, strings.ReplaceAll(role, " ", "-"))
			s := open(t, Config{Helper: helper(session, role, token)})
			if want == ErrTimeout {
				s.limit = time.Second
			}
			err := s.Set(t.Context(), ref("KEY"), resolve.New(bytes.Repeat([]byte("secret"), 10000)))
			if !errors.Is(err, want) || strings.Contains(err.Error(), "secret") {
				t.Error(err)
			}
			if role == "clingy" { // its child has been killed, and is not ours to wait for
				eventually(t, "the helper's child ends", func() bool { return !running(t, token) })
			}
			if running(t, token) {
				t.Error("the helper is still there")
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Waits)
	token := tokenOf(session, "helper")
	s := open(t, Config{Helper: helper(session, "helper", token)})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, err := s.Resolve(ctx, ref("KEY")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if running(t, token) {
		t.Error("the helper is still there")
	}
	if _, err := s.Resolve(ctx, ref("KEY")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// However many ask a keychain that hangs, few processes wait for it.
func TestFewHelpersAtATime(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Bare)
	token := tokenOf(session, "helper")
	s := open(t, Config{Helper: helper(session, "deaf", token)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	results := make(chan error)
	for range 5 * processes {
		go func() {
			_, err := s.Resolve(ctx, ref("KEY"))
			results <- err
		}()
	}
	most := 0
	eventually(t, "all helpers run that may", func() bool {
		most = max(most, count(t, token))
		return most >= processes
	})
	for range 20 { // more would have come by now
		most = max(most, count(t, token))
		time.Sleep(10 * time.Millisecond)
	}
	if most != processes {
		t.Errorf("%d helpers at a time", most)
	}
	cancel()
	for range 5 * processes {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// Whoever waits for its turn is answered in time too.
func TestTurnThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: []string{"/nonexistent/agentsecrets"}})
	s.limit = 50 * time.Millisecond
	for range processes {
		s.turns <- struct{}{}
	}
	if _, err := s.Resolve(t.Context(), ref("KEY")); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
}

// A change waits for that of a helper whose parent is gone, and readers do not; Settled waits too.
func TestChangesTakeTurns(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper")})
	set(t, s, ref("KEY"), "one")
	lock, err := claim(t.Context(), s.busy)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, s, ref("KEY"), "one")
	s.limit = 50 * time.Millisecond
	for what, err := range map[string]error{
		"set":     s.Set(t.Context(), ref("KEY"), resolve.New([]byte("two"))),
		"delete":  s.Delete(t.Context(), ref("KEY")),
		"settled": s.Settled(t.Context()),
	} {
		if !errors.Is(err, ErrTimeout) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.limit = time.Minute
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Settled(t.Context()); err != nil {
		t.Error(err)
	}
	set(t, s, ref("KEY"), "three")
	expect(t, s, ref("KEY"), "three")
}

// The lock outlives a process that is killed for as long as its helper is at work.
func TestHelperHoldsTheLock(t *testing.T) {
	t.Parallel()
	session, dir := newSession(t, secretservice.Bare), t.TempDir()
	token := tokenOf(session, "helper")
	line := helper(session, "stays", token)
	setter := startSelf(t, "setter", append([]string{dir, "neither"}, line...)...)
	eventually(t, "a helper runs", func() bool { return running(t, token) })
	if err := setter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = setter.Wait()
	s := open(t, Config{Helper: line, Dir: dir})
	s.limit = 200 * time.Millisecond
	if err := s.Settled(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Errorf("while a helper is at work: %v", err)
	}
	if err := os.WriteFile(token+".end", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.limit = time.Minute
	if err := s.Settled(t.Context()); err != nil {
		t.Error(err)
	}
	if running(t, token) {
		t.Error("the helper is still at work")
	}
}

// A helper ends with whoever started it, also when that is killed.
func TestHelperOfAKilledProcess(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Waits)
	token := tokenOf(session, "helper")
	asker := startSelf(t, "asker", append([]string{t.TempDir()}, helper(session, "helper", token)...)...)
	defer func() { _ = asker.Wait() }()
	eventually(t, "a helper runs", func() bool { return running(t, token) })
	time.Sleep(300 * time.Millisecond) // so that it waits for the keyring
	if err := asker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = asker.Wait()
	eventually(t, "the helper ends", func() bool { return !running(t, token) })
}

// A run takes the exit status of all its children, of helpers too (internal/child).
func TestInAReaper(t *testing.T) {
	t.Parallel()
	dir, helper := t.TempDir(), helper(newSession(t, secretservice.Unlocked), "helper")
	set(t, open(t, Config{Helper: helper, Dir: dir}), ref("KEY"), "value ")
	reaper := selfCommand("reaper", append([]string{dir}, helper...)...)
	out, err := reaper.CombinedOutput()
	if err != nil || string(out) != strings.Repeat("value ", 10) {
		t.Errorf("%q, %v", out, err)
	}
}

func startSelf(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := selfCommand(role, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
