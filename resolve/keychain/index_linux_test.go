package keychain

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// names lists the index as "A B* …"; the star is for pending.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := indexIn(dir).Names("p1", "production")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if e.Pending {
			e.Name += "*"
		}
		list = append(list, e.Name)
	}
	return strings.Join(list, " ")
}

// A process is killed between index and keychain, on either side of the keychain's part. The index is settled by what
// the keychain holds.
func TestA7ReconcileAfterACrash(t *testing.T) {
	t.Parallel()
	helper := helper(newSession(t, secretservice.Unlocked), "helper")
	for _, c := range []struct{ name, old, where, settled, value string }{
		{"set, not stored", "", "before", "", ""},
		{"set again, not stored", "old", "before", "KEY", "old"},
		{"set again, stored", "old", "after", "KEY", "new"},
		{"set, stored", "", "after", "KEY", "new"},
	} {
		dir := t.TempDir()
		s := open(t, Config{Helper: helper, Dir: dir})
		if c.old != "" {
			if err := indexIn(dir).Set(t.Context(), s, ref("KEY"), resolve.New([]byte(c.old))); err != nil {
				t.Fatal(err)
			}
		}
		if err := selfCommand("setter", append([]string{dir, c.where}, helper...)...).Run(); err == nil {
			t.Fatalf("%s: there was no crash", c.name)
		}
		if got := names(t, dir); got != "KEY*" {
			t.Errorf("%s: lists %q after the crash", c.name, got)
		}
		if err := indexIn(dir).Reconcile(t.Context(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := names(t, dir); got != c.settled {
			t.Errorf("%s: lists %q, want %q", c.name, got, c.settled)
		}
		expect(t, s, ref("KEY"), c.value)
		if c.value != "" {
			if err := indexIn(dir).Delete(t.Context(), s, ref("KEY")); err != nil || names(t, dir) != "" {
				t.Errorf("%s: delete: %v, lists %q", c.name, err, names(t, dir))
			}
		}
		expect(t, s, ref("KEY"), "")
	}
}

// The helper of a process that was killed is still at work: what it does must not come after the look that settles.
func TestA7ReconcileWaitsForHelpers(t *testing.T) {
	t.Parallel()
	session, dir := newSession(t, secretservice.Unlocked), t.TempDir()
	token := tokenOf(session, "helper")
	setter := startSelf(t, "setter", append([]string{dir, "neither"}, helper(session, "stays", token)...)...)
	eventually(t, "a helper runs", func() bool { return running(t, token) })
	if err := setter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = setter.Wait()
	s := open(t, Config{Helper: helper(session, "helper"), Dir: dir})
	s.limit = 200 * time.Millisecond
	if err := indexIn(dir).Reconcile(t.Context(), s); !errors.Is(err, ErrTimeout) || names(t, dir) != "KEY*" {
		t.Errorf("while a helper is at work: %v, lists %q", err, names(t, dir))
	}
	if err := os.WriteFile(token+".end", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.limit = time.Minute
	if err := indexIn(dir).Reconcile(t.Context(), s); err != nil || names(t, dir) != "" {
		t.Errorf("afterwards: %v, lists %q", err, names(t, dir))
	}
}

func TestA7IndexOfALockedKeychain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Dismissed), "helper"), Dir: dir})
	if err := indexIn(dir).Set(t.Context(), s, ref("KEY"), resolve.New([]byte("v"))); !errors.Is(err, resolve.ErrLocked) {
		t.Error(err)
	}
	if err := indexIn(dir).Reconcile(t.Context(), s); !errors.Is(err, resolve.ErrLocked) {
		t.Error(err)
	}
	if got := names(t, dir); got != "KEY*" {
		t.Errorf("lists %q: nobody knows yet", got)
	}
}

func TestGeneration(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: []string{"/nonexistent"}, Dir: filepath.Join(t.TempDir(), "home")})
	seen := map[string]bool{}
	next := func(what string) {
		t.Helper()
		g := s.Generation()
		if seen[g] || g == "" {
			t.Errorf("%s: generation %q again", what, g)
		}
		seen[g] = true
	}
	next("new")
	for range 3 {
		if err := s.renew(); err != nil {
			t.Fatal(err)
		}
		next("renewed")
	}
	if first, again := s.Generation(), s.Generation(); first != again {
		t.Error("changes by itself")
	}
	if err := os.Chmod(s.stamp, 0o644); err != nil {
		t.Fatal(err)
	}
	next("not private any more")
	next("not private any more") // whether it changes cannot be told, so it does
}
