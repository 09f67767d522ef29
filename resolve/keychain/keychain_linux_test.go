package keychain

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

func open(t testing.TB, c Config) *Store {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	s.limit = time.Minute // what a test does in time it says: machines may be busy
	return s
}

func set(t testing.TB, s *Store, r resolve.Ref, text string) {
	t.Helper()
	if err := s.Set(t.Context(), r, resolve.New([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

// expect compares what is stored; want "" stands for ErrNotFound.
func expect(t testing.TB, s resolve.Store, r resolve.Ref, want string) {
	t.Helper()
	v, err := s.Resolve(t.Context(), r)
	switch {
	case want == "" && !errors.Is(err, resolve.ErrNotFound):
		t.Errorf("%s: %d bytes, %v; want ErrNotFound", r, len(v.Reveal()), err)
	case want != "" && (err != nil || string(v.Reveal()) != want):
		t.Errorf("%s: %.80q (%d bytes), %v; want %.80q", r, v.Reveal(), len(v.Reveal()), err, want)
	}
}

func TestSetResolveDelete(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper")})
	expect(t, s, ref("KEY"), "")
	var all bytes.Buffer
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	for _, text := range []string{"one", "two", "", " leading and trailing \r\n", "grüße", "as1:", "x\x00y", all.String(),
		strings.Repeat(all.String(), resolve.MaxValue/256), "short again"} {
		set(t, s, ref("KEY"), text)
		if v, err := s.Resolve(t.Context(), ref("KEY")); err != nil || string(v.Reveal()) != text {
			t.Errorf("%.80q became %.80q, %v", text, v.Reveal(), err)
		}
	}
	staging := resolve.Ref{Project: "p1", Environment: "staging", Name: "KEY"}
	odd := resolve.Ref{Project: "it's \"p1\" $(x)", Environment: "ünï", Name: "KEY"}
	set(t, s, staging, "of staging")
	set(t, s, odd, "of an odd project")
	if err := s.Delete(t.Context(), ref("KEY")); err != nil {
		t.Fatal(err)
	}
	expect(t, s, ref("KEY"), "")
	expect(t, s, staging, "of staging")
	expect(t, s, odd, "of an odd project")
	if err := s.Delete(t.Context(), ref("KEY")); !errors.Is(err, resolve.ErrNotFound) || hintOf(err) == "" {
		t.Errorf("deleted twice: %v, hint %q", err, hintOf(err))
	}
	if err := s.Available(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusesBeforeItAsks(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: []string{"/nonexistent"}})
	var tooLong *SizeError
	if err := s.Set(t.Context(), ref("KEY"), resolve.New(make([]byte, resolve.MaxValue+1))); !errors.As(err, &tooLong) {
		t.Errorf("65537 bytes: %v", err)
	}
	for name, err := range map[string]error{
		"zero value": s.Set(t.Context(), ref("KEY"), resolve.Value{}),
		"no project": s.Delete(t.Context(), resolve.Ref{Environment: "e", Name: "KEY"}),
		"bad name":   s.Set(t.Context(), ref("key"), resolve.New([]byte("v"))),
	} {
		if err == nil || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []Config{{}, {Dir: t.TempDir()}, {Helper: []string{"/x"}}, {Dir: t.TempDir(), Helper: []string{"agentsecrets"}}} {
		if _, err := Open(c); err == nil {
			t.Errorf("opened with %v", c.Helper)
		}
	}
}

// Two stores, as two processes have them: what one does the other sees, through the cache of a Resolver too.
func TestTwoStores(t *testing.T) {
	t.Parallel()
	config := Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper"), Dir: t.TempDir()}
	one, two := open(t, config), open(t, config)
	cached, err := resolve.NewResolver(resolve.Config{Store: one})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		set(t, two, ref("KEY"), text)
		for range 2 {
			if v, err := cached.Resolve(t.Context(), ref("KEY")); err != nil || string(v.Reveal()) != text {
				t.Errorf("%q, %v; want %q", v.Reveal(), err, text)
			}
		}
	}
	if err := two.Delete(t.Context(), ref("KEY")); err != nil {
		t.Fatal(err)
	}
	if _, err := cached.Resolve(t.Context(), ref("KEY")); !errors.Is(err, resolve.ErrNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
}

// Whoever writes and reads at the same time loses nothing, and sees a value or none but nothing in between.
func TestStoresAtOnce(t *testing.T) {
	t.Parallel()
	config := Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper"), Dir: t.TempDir()}
	long := [2]string{strings.Repeat("a", 9000), strings.Repeat("b", 9000)}
	var all sync.WaitGroup
	for w := range 2 {
		s := open(t, config)
		all.Go(func() {
			for i := range 4 {
				set(t, s, ref(fmt.Sprint("OWN_", w, "_", i)), fmt.Sprint(w, i))
			}
		})
		all.Go(func() {
			for i := range 4 {
				// errFailed: what the other one did in between was noticed.
				if err := s.Set(t.Context(), ref("SHARED"), resolve.New([]byte(long[w]))); err != nil && !errors.Is(err, errFailed) {
					t.Error(i, err)
				}
				v, err := s.Resolve(t.Context(), ref("SHARED"))
				if text := string(v.Reveal()); err != nil && !errors.Is(err, resolve.ErrNotFound) || err == nil && text != long[0] && text != long[1] {
					t.Errorf("%d bytes, %v", len(text), err)
				}
				if err := s.Delete(t.Context(), ref("SHARED")); err != nil && !errors.Is(err, resolve.ErrNotFound) && !errors.Is(err, errFailed) {
					t.Error(i, err)
				}
			}
		})
	}
	all.Wait()
	s := open(t, config)
	for w := range 2 {
		for i := range 4 {
			expect(t, s, ref(fmt.Sprint("OWN_", w, "_", i)), fmt.Sprint(w, i))
		}
	}
}
