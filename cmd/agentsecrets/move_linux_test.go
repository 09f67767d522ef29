package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
	"github.com/agentsecrets/agentsecrets/resolve/keychain"
)

// A move is killed at a random moment, again and again, back and forth. Every value is there at all times, and once a
// move has come to its end it is in one store alone.
func TestA5KilledMove(t *testing.T) {
	s, err := secretservice.Start(secretservice.Unlocked)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Address)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	home := filepath.Join(t.TempDir(), "home")
	t.Setenv("AGENTSECRETS_HOME", home)
	t.Chdir(t.TempDir())
	pw := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(pw, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "init", "--store", "file", "--password-file", pw)
	want := map[string]string{}
	args := []string{"secrets", "set"}
	for i := range 4 {
		name := fmt.Sprint("KEY_", i)
		want[name] = fmt.Sprint("a-value-of-its-own-", i)
		args = append(args, name+"="+want[name])
	}
	command(t, args...)
	command(t, append(args, "--environment", "production")...)

	rounds := 6
	if os.Getenv("AGENTSECRETS_LONG") == "1" {
		rounds = 200
	}
	stores := []string{storeKeychain, storeFile}
	for round := range rounds {
		to := stores[rand.IntN(2)]
		if round%3 == 2 {
			to = stores[round/3%2]
		}
		move := exec.Command("agentsecrets", "secrets", "move", "--to", to, "--password-file", pw)
		if err := move.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(1500 * time.Millisecond))))
		_ = move.Process.Kill() // it may have ended
		_ = move.Wait()
		holds(t, home, want)
		if round%3 == 2 { // to its end
			command(t, "secrets", "move", "--to", to, "--password-file", pw)
			r, err := loadStoreRecord(storeRecordPath(home))
			if err != nil || r.Store != to || r.other() != "" {
				t.Fatalf("%+v, %v; want %s alone", r, err, to)
			}
			holds(t, home, want)
			heldBy(t, home, stores[1-indexOf(stores, to)], 0)
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func indexOf(list []string, want string) int {
	for i, s := range list {
		if s == want {
			return i
		}
	}
	return -1
}

func command(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("agentsecrets", args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args[:2], " "), err, out)
	}
}

func openTestStore(t *testing.T, home string) *homeStore {
	t.Helper()
	file, err := agefile.Open(home)
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHomeStore(keychain.Config{Dir: home, Patient: true}, &lazyStore{store: file})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// holds is that the store that counts has all values.
func holds(t *testing.T, home string, want map[string]string) {
	t.Helper()
	h := openTestStore(t, home)
	n := 0
	err := index(home).Hold(func(all []resolve.Ref, _ bool) error {
		n = len(all)
		for _, ref := range all {
			if v, err := h.Resolve(t.Context(), ref); err != nil || string(v.Reveal()) != want[ref.Name] {
				t.Errorf("%s: %d bytes, %v", ref, len(v.Reveal()), err)
			}
		}
		return nil
	})
	if err != nil || n != 2*len(want) {
		t.Errorf("%d names, %v", n, err)
	}
}

// heldBy is that a store has so many of the values.
func heldBy(t *testing.T, home, store string, want int) {
	t.Helper()
	s, err := openTestStore(t, home).at(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = index(home).Hold(func(all []resolve.Ref, _ bool) error {
		for _, ref := range all {
			if _, err := s.Resolve(t.Context(), ref); err == nil {
				n++
			}
		}
		return nil
	})
	if err != nil || n != want {
		t.Errorf("%s holds %d values, %v; want %d", store, n, err, want)
	}
}

// A move that fails takes its copies back, and not what stood there before: another home keeps it.
func TestA7FailedMoveLeavesWhatOthersKeep(t *testing.T) {
	s, err := secretservice.Start(secretservice.Unlocked)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	home, _ := newHome(t)
	theirs := filepath.Join(t.TempDir(), "theirs")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Address)
	command(t, "secrets", "set", "KEY=a-value-of-both-homes", "OWN_KEY=a-value-of-one-home")
	t.Setenv("AGENTSECRETS_HOME", theirs)
	command(t, "init", "--store", "keychain", "--no-input")
	command(t, "secrets", "set", "KEY=a-value-of-both-homes")

	m := mover{homeStore: openTestStore(t, home), to: storeKeychain}
	err = index(home).Hold(func(all []resolve.Ref, _ bool) error {
		from, err := m.at(t.Context(), storeFile)
		if err != nil {
			return err
		}
		r := storeRecord{Store: storeFile, MovingTo: storeKeychain}
		if r.Shared, err = untaken(t.Context(), from, m.keychain, all); err != nil {
			return err
		}
		if err := copyValues(t.Context(), from, m.keychain, all); err != nil {
			return err
		}
		if err := m.takeBack(t.Context(), r, all, os.ErrDeadlineExceeded); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		for _, ref := range all {
			_, err := m.keychain.Resolve(t.Context(), ref)
			if kept := err == nil; kept != (ref.Name == "KEY") {
				t.Errorf("%s is in the keychain: %v", ref.Name, kept)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := loadStoreRecord(storeRecordPath(home))
	if err != nil || r.Store != storeFile || r.other() != "" || len(r.Shared) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	command(t, "run", "--quiet", "--", "sh", "-c", "test $KEY = a-value-of-both-homes")
}
