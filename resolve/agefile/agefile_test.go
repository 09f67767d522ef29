package agefile

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/resolve"
)

func ref(name string) resolve.Ref {
	return resolve.Ref{Project: "p1", Environment: "production", Name: name}
}

func create(t *testing.T) *Store {
	t.Helper()
	s, err := Create(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t *testing.T, s *Store, name, text string) {
	t.Helper()
	if err := s.Set(t.Context(), ref(name), resolve.New([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

// expect compares what is stored; want "" stands for ErrNotFound.
func expect(t *testing.T, s *Store, name, want string) {
	t.Helper()
	v, err := s.Resolve(t.Context(), ref(name))
	switch {
	case want == "" && !errors.Is(err, resolve.ErrNotFound):
		t.Errorf("%s: %q, %v; want ErrNotFound", name, v.Reveal(), err)
	case want != "" && (err != nil || string(v.Reveal()) != want):
		t.Errorf("%s: %q, %v; want %q", name, v.Reveal(), err, want)
	}
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

func TestSetResolveDelete(t *testing.T) {
	s := create(t)
	binary := string([]byte{0, 1, 0xff, '\n', '"', 0xc3, 0x28})
	for _, text := range []string{"one", "two", binary, strings.Repeat("long", 16<<10)} {
		set(t, s, "KEY", text)
		expect(t, s, "KEY", text)
	}
	set(t, s, "OTHER", "x")
	again, err := Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, again, "OTHER", "x")
	if err := again.Delete(t.Context(), ref("KEY")); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "KEY", "")
	expect(t, s, "OTHER", "x")
	if err := s.Delete(t.Context(), ref("KEY")); !errors.Is(err, resolve.ErrNotFound) || hintOf(err) == "" {
		t.Errorf("deleted twice: %v", err)
	}
	other := resolve.Ref{Project: "p1", Environment: "staging", Name: "OTHER"}
	if _, err := s.Resolve(t.Context(), other); !errors.Is(err, resolve.ErrNotFound) {
		t.Errorf("another environment: %v", err)
	}
}

func TestA6ManyThreadsLoseNothing(t *testing.T) {
	s := create(t)
	var all sync.WaitGroup
	for w := range 32 {
		all.Go(func() {
			own := Config{Dir: s.dir}.store()
			for _, name := range []string{fmt.Sprint("A_", w), fmt.Sprint("B_", w)} {
				if err := own.Set(t.Context(), ref(name), resolve.New([]byte(name))); err != nil {
					t.Error(err)
				}
			}
			if err := own.Delete(t.Context(), ref(fmt.Sprint("A_", w))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for w := range 32 {
		expect(t, s, fmt.Sprint("A_", w), "")
		expect(t, s, fmt.Sprint("B_", w), fmt.Sprint("B_", w))
	}
}

func TestEmptyValueIsKeptAsOne(t *testing.T) {
	s := create(t)
	set(t, s, "KEY", "")
	if v, err := s.Resolve(t.Context(), ref("KEY")); err != nil || v.IsZero() || len(v.Reveal()) != 0 {
		t.Errorf("%v, zero %v", err, v.IsZero())
	}
	if err := s.Set(t.Context(), ref("KEY"), resolve.Value{}); err == nil {
		t.Error("kept the zero Value, which is no value")
	}
}

func TestRefusesRefsAndEndedContexts(t *testing.T) {
	s := create(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	v := resolve.New([]byte("v"))
	before := s.Generation()
	for _, err := range []error{
		s.Set(t.Context(), resolve.Ref{Project: "p:1", Environment: "e", Name: "KEY"}, v),
		s.Delete(t.Context(), resolve.Ref{Project: "p", Environment: "e", Name: "key"}),
		s.Set(ended, ref("KEY"), v), s.Delete(ended, ref("KEY")),
	} {
		if err == nil {
			t.Error("accepted")
		}
	}
	if _, err := s.Resolve(ended, ref("KEY")); !errors.Is(err, context.Canceled) {
		t.Errorf("resolve: %v", err)
	}
	if s.Generation() != before {
		t.Error("the vault was written")
	}
}

func TestGenerationChangesWithEveryChange(t *testing.T) {
	s := create(t)
	seen := map[string]int{s.Generation(): -1}
	for i := range 25 {
		set(t, s, "KEY", fmt.Sprint("value", i%10)) // of one length, so that size tells nothing
		g := s.Generation()
		if before, found := seen[g]; found {
			t.Fatalf("change %d has the generation of change %d", i, before)
		}
		seen[g] = i
		if expect(t, s, "KEY", fmt.Sprint("value", i%10)); s.Generation() != g {
			t.Fatal("reading changed the generation")
		}
	}
	if err := os.Remove(s.path(vaultName)); err != nil {
		t.Fatal(err)
	}
	if _, found := seen[s.Generation()]; found {
		t.Error("a missing vault has the generation of one that was there")
	}
}

func TestFilesAreTheOwnersAndShowNothing(t *testing.T) {
	s := create(t)
	const value = "Zq7!Vx9?Kw3#Jy5~"
	set(t, s, "KEY", value)
	set(t, s, "KEY2", value)
	if info, err := os.Stat(s.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
		if info, err := e.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
		content := read(t, s.path(e.Name()))
		for _, trace := range []string{value[:8], hex.EncodeToString([]byte(value[:6])), base64.StdEncoding.EncodeToString([]byte(value))[:12], "KEY2"} {
			if strings.Contains(content, trace) {
				t.Errorf("%s holds %q", e.Name(), trace)
			}
		}
	}
	if got, want := strings.Join(found, " "), "identity.txt vault.age vault.age.bak vault.lock vault.lock.queue"; got != want {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
	if text := read(t, s.path(identityName)); !strings.Contains(text, "protected by file permissions only") {
		t.Errorf("the identity does not say what protects it:\n%s", text)
	}
}

// Any age reads the vault: it is the standard format, to a standard identity.
func TestA11VaultIsPlainAge(t *testing.T) {
	s := create(t)
	set(t, s, "KEY", "value")
	identities, err := age.ParseIdentities(strings.NewReader(read(t, s.path(identityName))))
	if err != nil || len(identities) != 1 {
		t.Fatal(len(identities), err)
	}
	plain, err := decrypt([]byte(read(t, s.path(vaultName))), identities...)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(plain), `{"version":1,"values":{"p1:production:KEY":"dmFsdWU="}}`; got != want {
		t.Errorf("the vault holds %s, want %s", got, want)
	}
}

func TestBackupIsThePreviousGeneration(t *testing.T) {
	s := create(t)
	if _, err := os.Stat(s.path(backupName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new vault has a backup: %v", err)
	}
	before := read(t, s.path(vaultName))
	for _, text := range []string{"one", "two", "three"} {
		set(t, s, "KEY", text)
		if read(t, s.path(backupName)) != before {
			t.Errorf("the backup is not the vault before %q", text)
		}
		before = read(t, s.path(vaultName))
	}
	if err := s.Delete(t.Context(), ref("NONE")); err == nil || read(t, s.path(vaultName)) != before {
		t.Errorf("a change that failed wrote the vault: %v", err)
	}
}

func TestCreateFindsWhatIsThere(t *testing.T) {
	s := create(t)
	set(t, s, "KEY", "value")
	identity := read(t, s.path(identityName))
	again, err := Create(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, again, "KEY", "value")
	if read(t, s.path(identityName)) != identity {
		t.Error("the identity was replaced")
	}
}

// A Create that was interrupted leaves an identity without a vault; the next one goes on with it.
func TestCreateGoesOn(t *testing.T) {
	s := create(t)
	identity := read(t, s.path(identityName))
	if err := os.Remove(s.path(vaultName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(s.dir); !errors.Is(err, ErrNoVault) {
		t.Errorf("open: %v, want ErrNoVault", err)
	}
	again, err := Create(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	set(t, again, "KEY", "value")
	if read(t, s.path(identityName)) != identity {
		t.Error("the identity was replaced")
	}
}

func TestOpenMakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	for range 2 { // missing, then empty
		if _, err := Open(dir); !errors.Is(err, ErrNoVault) || !strings.HasPrefix(hintOf(err), "agentsecrets init") {
			t.Errorf("%v, hint %q", err, hintOf(err))
		}
		_ = os.Mkdir(dir, 0o700)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("made %v, %v", entries, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sealed encrypts plain to the store's own identity.
func (s *Store) sealed(t *testing.T, plain string) []byte {
	t.Helper()
	identity, err := s.identity()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSetAllIsOneChange(t *testing.T) {
	s := create(t)
	set(t, s, "A", "old")
	before := read(t, s.path(vaultName))
	all := map[resolve.Ref]resolve.Value{ref("A"): resolve.New([]byte("one")), ref("B"): resolve.New([]byte("two"))}
	if err := s.SetAll(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "A", "one")
	expect(t, s, "B", "two")
	if read(t, s.path(backupName)) != before {
		t.Error("more than one change was made: the backup is not the vault before")
	}
	g := s.Generation()
	all[resolve.Ref{Project: "p1", Environment: "e", Name: "bad"}] = resolve.New([]byte("x"))
	if err := s.SetAll(t.Context(), all); err == nil || s.Generation() != g {
		t.Errorf("a bad name was taken, or a part kept: %v", err)
	}
}
