package agefile

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// passphraseOf is that of the nth rewrap; each third one is none.
func passphraseOf(n int) []byte {
	if n%3 == 0 {
		return nil
	}
	return fmt.Append(nil, "passphrase ", n)
}

// rewrapUp gives the store one passphrase after the other, and changes a value in between. It says each when it is done.
func rewrapUp(dir string, from, count int) error {
	for n := from; n < from+count; n++ {
		s, err := openWith(dir, passphraseOf(n))
		if err != nil {
			return err
		}
		if err := s.Rewrap(passphraseOf(n + 1)); err != nil {
			return err
		}
		fmt.Println(n + 1)
		if err := s.Set(context.Background(), ref("COUNT"), resolve.New([]byte(strconv.Itoa(n)))); err != nil {
			return err
		}
	}
	return nil
}

func openWith(dir string, passphrase []byte) (*Store, error) {
	s, err := Config{Dir: dir, workFactor: easy}.Open()
	if s == nil {
		return nil, err
	}
	if passphrase != nil {
		err = s.Unlock(passphrase)
	}
	return s, err
}

// Killed at any moment of a rewrap, the store opens with the passphrase of before or the new one, and holds everything.
func TestA5KilledRewraps(t *testing.T) {
	rounds := 30
	if long() {
		rounds = 2000
	}
	dir := filepath.Join(t.TempDir(), "home")
	s, err := Config{Dir: dir}.Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "KEY", "value")
	at, inTheMiddle := 0, 0
	life := 60 * time.Millisecond // at most; it follows how fast this machine is now, so that many die in the middle
	for range rounds {
		before := at
		cmd, out := startChild(t, "rewrap", at, 1_000_000, dir)
		if line, err := out.ReadString('\n'); line != "begin\n" {
			t.Fatalf("the child said %q, %v", line, err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(life))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		acknowledged := lastNumber(t, out, at)
		_ = cmd.Wait()
		s, err := openWith(dir, passphraseOf(acknowledged))
		if at = acknowledged; err != nil {
			inTheMiddle, at = inTheMiddle+1, acknowledged+1
			if s, err = openWith(dir, passphraseOf(at)); err != nil {
				t.Fatalf("after %d neither its passphrase nor the next opens the store: %v", acknowledged, err)
			}
		}
		if life = life * 9 / 10; at == before {
			life = life * 7 / 5
		}
		expect(t, s, "KEY", "value")
		checkBackup(t, s)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rewraps in %d lives; %d were done and not yet acknowledged", at, rounds, inTheMiddle)
	if at < rounds/4 {
		t.Errorf("only %d rewraps in %d lives: the children die too young to show anything", at, rounds)
	}
}

func lastNumber(t *testing.T, out *bufio.Reader, none int) int {
	t.Helper()
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(said), "\n") // the last one is empty or cut
	if len(lines) < 2 {
		return none
	}
	last, err := strconv.Atoi(lines[len(lines)-2])
	if err != nil {
		t.Fatalf("the child said %q: %v", said, err)
	}
	return last
}

// Stopped after each of its steps, as by a crash: what a kill at random finds only by luck.
func TestA5RewrapCutAfterEachStep(t *testing.T) {
	type files map[string]string
	snapshot := func(s *Store) files {
		all := files{}
		for _, name := range []string{vaultName, backupName, identityName} {
			all[name] = read(t, s.path(name))
		}
		return all
	}
	s, c := withPassphrase(t, "old")
	set(t, s, "KEY", "one")
	set(t, s, "KEY", "two")
	before := snapshot(s)
	all, old, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	fresh, file, err := s.newIdentity([]byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sealBoth(all, old.Recipient(), fresh.Recipient()); err != nil {
		t.Fatal(err)
	}
	both := snapshot(s)
	if err := s.sealBoth(all, fresh.Recipient()); err != nil {
		t.Fatal(err)
	}
	after := snapshot(s)
	after[identityName] = string(file)
	for what, step := range map[string]struct {
		files      files
		passphrase string
	}{
		"nothing":          {before, "old"},
		"vault for both":   {files{vaultName: both[vaultName], backupName: before[backupName], identityName: before[identityName]}, "old"},
		"backup for both":  {both, "old"},
		"identity":         {files{vaultName: both[vaultName], backupName: both[backupName], identityName: string(file)}, "new"},
		"vault for one":    {files{vaultName: after[vaultName], backupName: both[backupName], identityName: string(file)}, "new"},
		"all of its steps": {after, "new"},
	} {
		for name, text := range step.files {
			if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cut, err := openWith(c.Dir, []byte(step.passphrase))
		if err != nil {
			t.Errorf("after %s: %v", what, err)
			continue
		}
		expect(t, cut, "KEY", "two")
		checkBackup(t, cut)
	}
}
