package agefile

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

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// held is Keys in the memory of this process. A real one is tested with the command, across processes.
type held struct {
	mu   sync.Mutex
	keys map[string][]byte
	n    string
}

func (h *held) Held(id string) ([]byte, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[id], time.Time{}
}

func (h *held) Keep(id string, identity []byte, _ time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys[id], h.n = identity, h.n+"+"
	return nil
}

func (h *held) Forget(id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.keys, id)
	h.n += "-"
	return nil
}

func (h *held) Generation(string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

const easy = 4 // work factor of tests

func withPassphrase(t *testing.T, passphrase string) (*Store, Config) {
	t.Helper()
	c := Config{Dir: filepath.Join(t.TempDir(), "home"), Keys: &held{keys: map[string][]byte{}}, workFactor: easy}
	s, err := c.Create([]byte(passphrase))
	if !isLocked(err) || s == nil {
		t.Fatalf("%v, %v", s, err)
	}
	if err := s.Unlock([]byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func isLocked(err error) bool {
	var locked *LockedError
	return errors.As(err, &locked) && errors.Is(err, resolve.ErrLocked) && hintOf(err) == "agentsecrets unlock"
}

func TestPassphraseKeepsTheKeyOutOfFiles(t *testing.T) {
	s, c := withPassphrase(t, "correct horse")
	set(t, s, "KEY", "value-of-some-length")
	expect(t, s, "KEY", "value-of-some-length")
	key := s.opened.Load().identity.String()
	if err := s.Rewrap([]byte("battery staple")); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key, s.opened.Load().identity.String(), "AGE-SECRET-KEY-", "correct horse", "battery staple", "value-of-some-length"} {
		err := filepath.WalkDir(c.Dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.Contains(read(t, path), secret) {
				t.Errorf("%s holds %.15q", path, secret)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockedStore(t *testing.T) {
	s, c := withPassphrase(t, "correct horse")
	set(t, s, "KEY", "value")
	other, err := c.Open()
	if !isLocked(err) || other == nil {
		t.Fatal(err)
	}
	if _, err := Open(c.Dir); !isLocked(err) {
		t.Errorf("%v", err)
	}
	if _, err := other.Resolve(t.Context(), ref("KEY")); !isLocked(err) {
		t.Errorf("resolve: %v", err)
	}
	vault := read(t, s.path(vaultName))
	for _, err := range []error{
		other.Set(t.Context(), ref("KEY"), resolve.New([]byte("x"))), other.Delete(t.Context(), ref("KEY")),
		other.SetAll(t.Context(), map[resolve.Ref]resolve.Value{ref("A"): resolve.New([]byte("x"))}), other.Rewrap([]byte("another")), other.Rewrap(nil),
	} {
		if !isLocked(err) {
			t.Errorf("%v", err)
		}
	}
	if read(t, s.path(vaultName)) != vault {
		t.Error("a locked store was written")
	}
	for _, wrong := range []string{"", "correct", "correct horse ", "Correct horse"} {
		if err := other.Unlock([]byte(wrong)); !errors.Is(err, ErrPassphrase) && !(wrong == "" && errors.Is(err, ErrEmptyPassphrase)) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if err := other.Unlock([]byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	expect(t, other, "KEY", "value")
	if again, err := c.Create(nil); !isLocked(err) || again == nil {
		t.Errorf("create again: %v", err)
	}
}

func TestReleaseAndRelock(t *testing.T) {
	s, c := withPassphrase(t, "correct horse")
	set(t, s, "KEY", "value")
	serving, _ := c.Open() // of a proxy that was started while it was locked
	states := map[string]bool{serving.Generation(): true}
	changed := func(what string) {
		t.Helper()
		if g := serving.Generation(); states[g] {
			t.Errorf("%s did not change the generation: a cache would not notice", what)
		} else {
			states[g] = true
		}
	}
	if err := s.Release([]byte("wrong"), time.Hour); !errors.Is(err, ErrPassphrase) {
		t.Errorf("%v", err)
	}
	if _, err := serving.Resolve(t.Context(), ref("KEY")); !isLocked(err) {
		t.Errorf("%v", err)
	}
	if err := s.Release([]byte("correct horse"), time.Hour); err != nil {
		t.Fatal(err)
	}
	changed("unlock")
	expect(t, serving, "KEY", "value")
	if l, err := serving.Lock(); err != nil || !l.Passphrase || !l.Open {
		t.Errorf("%+v, %v", l, err)
	}
	if err := s.Relock(); err != nil {
		t.Fatal(err)
	}
	changed("lock")
	for _, store := range []*Store{s, serving} {
		if _, err := store.Resolve(t.Context(), ref("KEY")); !isLocked(err) {
			t.Errorf("after lock: %v", err)
		}
	}
	if l, err := serving.Lock(); err != nil || !l.Passphrase || l.Open {
		t.Errorf("%+v, %v", l, err)
	}
	// Another identity under its ID opens nothing, and is not called damage.
	stranger, _ := age.GenerateX25519Identity()
	_ = c.Keys.Keep(idOf([]byte(read(t, s.path(identityName)))), []byte(stranger.String()), time.Hour)
	if _, err := serving.Resolve(t.Context(), ref("KEY")); !isLocked(err) {
		t.Errorf("with a stranger's key: %v", err)
	}
}

func TestRewrap(t *testing.T) {
	s, c := withPassphrase(t, "one")
	set(t, s, "KEY", "value")
	if err := s.Release([]byte("one"), time.Hour); err != nil {
		t.Fatal(err)
	}
	first := s.opened.Load().identity
	if err := s.Rewrap([]byte("two")); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "KEY", "value")
	if _, err := c.Open(); !isLocked(err) { // who had unlocked it with the old passphrase is out
		t.Errorf("%v", err)
	}
	if len(c.Keys.(*held).keys) != 0 {
		t.Error("the old identity is still kept")
	}
	for _, name := range []string{vaultName, backupName} {
		if _, err := unseal(name, []byte(read(t, s.path(name))), first); err == nil {
			t.Errorf("the old identity opens %s", name)
		}
		if _, err := unseal(name, []byte(read(t, s.path(name))), s.opened.Load().identity); err != nil {
			t.Errorf("the new identity does not open %s: %v", name, err)
		}
	}
	again, _ := c.Open()
	if err := again.Unlock([]byte("one")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	if err := again.Unlock([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if err := again.Rewrap(nil); err != nil {
		t.Fatal(err)
	}
	clear, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, clear, "KEY", "value")
	if l, err := clear.Lock(); err != nil || l.Passphrase || !l.Open {
		t.Errorf("%+v, %v", l, err)
	}
	for _, err := range []error{clear.Unlock([]byte("two")), clear.Release([]byte("two"), time.Hour), clear.Relock()} {
		if !errors.Is(err, ErrNoPassphrase) {
			t.Errorf("%v", err)
		}
	}
	if err := clear.Rewrap([]byte{}); !errors.Is(err, ErrEmptyPassphrase) {
		t.Errorf("%v", err)
	}
}

// One that other programs have open while it changes hands.
func TestReadersDuringRewrap(t *testing.T) {
	c := Config{Dir: filepath.Join(t.TempDir(), "home"), workFactor: easy}
	s, err := c.Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "KEY", "value")
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
				if v, err := s.Resolve(t.Context(), ref("KEY")); err != nil || string(v.Reveal()) != "value" {
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	for range 20 {
		if err := s.Rewrap(nil); err != nil { // a new identity each time, in clear
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

func TestCreateGoesOnWithAPassphrase(t *testing.T) {
	s, c := withPassphrase(t, "correct horse")
	wrapped := read(t, s.path(identityName))
	if err := os.Remove(s.path(vaultName)); err != nil { // as an interrupted Create
		t.Fatal(err)
	}
	if s, err := c.Create(nil); s != nil || isLocked(err) || !strings.HasPrefix(hintOf(err), "agentsecrets init --passphrase") {
		t.Errorf("without: %v", err)
	}
	if s, err := c.Create([]byte("wrong")); s != nil || !errors.Is(err, ErrPassphrase) || !strings.Contains(hintOf(err), "mv ") {
		t.Errorf("wrong: %v, hint %q", err, hintOf(err))
	}
	if s, err := c.Create([]byte("correct horse")); !isLocked(err) || s.Unlock([]byte("correct horse")) != nil {
		t.Errorf("right: %v", err)
	}
	if read(t, s.path(identityName)) != wrapped {
		t.Error("the identity was replaced")
	}
	// One in clear is neither taken for a store with a passphrase nor replaced.
	clear := create(t)
	key := read(t, clear.path(identityName))
	if err := os.Remove(clear.path(vaultName)); err != nil {
		t.Fatal(err)
	}
	c.Dir = clear.dir
	if s, err := c.Create([]byte("correct horse")); s != nil || isLocked(err) || !strings.HasPrefix(hintOf(err), "agentsecrets init,") {
		t.Errorf("in clear: %v", err)
	}
	if read(t, clear.path(identityName)) != key {
		t.Error("the identity was replaced")
	}
	if _, err := (Config{Dir: t.TempDir() + "/x"}).Create([]byte{}); !errors.Is(err, ErrEmptyPassphrase) {
		t.Errorf("an empty one: %v", err)
	}
}

func TestA11WrappedFileThatIsDamaged(t *testing.T) {
	s, c := withPassphrase(t, "correct horse")
	good := read(t, s.path(identityName))
	lines := strings.Split(good, "\n")
	for what, text := range map[string]string{
		"cut": good[:len(good)/2], "no end": strings.Join(lines[:len(lines)-2], "\n"), "begins only": lines[0] + "\n",
		"flipped": strings.Replace(good, lines[2][:8], strings.ToUpper(lines[2][:7])+"!", 1),
	} {
		write(t, s.path(identityName), []byte(text))
		o, err := c.Open()
		if !isLocked(err) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		err = o.Unlock([]byte("correct horse"))
		if corrupt := (*CorruptError)(nil); !errors.As(err, &corrupt) || hintOf(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
		if read(t, s.path(identityName)) != text {
			t.Errorf("%s: it was written", what)
		}
	}
}

// The format is age's own, both ways.
func TestA11WrappedIsPlainAge(t *testing.T) {
	s, _ := withPassphrase(t, "correct horse")
	set(t, s, "KEY", "value")
	text, err := unwrap("", []byte(read(t, s.path(identityName))), []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(identities) != 1 {
		t.Fatal(err)
	}
	if _, err := decrypt([]byte(read(t, s.path(vaultName))), identities...); err != nil {
		t.Error(err)
	}
}

// What the documentation says of the cost.
func TestWorkFactor(t *testing.T) {
	if workFactor != 18 {
		t.Errorf("2^%d: say the new cost in docs/stores.md", workFactor)
	}
	wrapped, err := Config{}.store().wrap([]byte("text"), []byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if text, err := unwrap("", wrapped, []byte("pw")); err != nil || string(text) != "text" {
		t.Fatal(err)
	}
	t.Logf("to try one passphrase took %v", time.Since(start))
}
