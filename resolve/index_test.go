package resolve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func newIndex(t *testing.T) *Index {
	return OpenIndex(filepath.Join(t.TempDir(), "home", "names.json"))
}

// names lists the index as "A B* …"; the star is for pending.
func names(t *testing.T, x *Index, project, environment string) string {
	t.Helper()
	entries, err := x.Names(project, environment)
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

func TestIndexSetListDelete(t *testing.T) {
	x, m := newIndex(t), newMemory()
	before := time.Now().Add(-time.Second)
	if got := names(t, x, "p1", "production"); got != "" {
		t.Errorf("a new index lists %q", got)
	}
	for _, r := range []Ref{ref("B"), ref("C"), ref("A"), ref("B"), {"p1", "staging", "S"}, {"p2", "production", "T"}} {
		if err := x.Set(t.Context(), m, r, New([]byte(sample))); err != nil {
			t.Fatal(err)
		}
		if !m.has(r) {
			t.Errorf("%s is not in the store", r)
		}
	}
	again := OpenIndex(x.path)
	for at, want := range map[[2]string]string{{"p1", "production"}: "A B C", {"p1", "staging"}: "S", {"p2", "production"}: "T", {"p2", "staging"}: "", {"p3", "x"}: ""} {
		if got := names(t, again, at[0], at[1]); got != want {
			t.Errorf("%v lists %q, want %q", at, got, want)
		}
	}
	entries, _ := x.Names("p1", "production")
	if u := entries[0].Updated; u.Before(before) || u.After(time.Now()) {
		t.Errorf("updated at %v", u)
	}
	if err := x.Delete(t.Context(), m, ref("B")); err != nil || m.has(ref("B")) {
		t.Errorf("delete: %v", err)
	}
	if got := names(t, x, "p1", "production"); got != "A C" {
		t.Errorf("lists %q after a deletion", got)
	}
	if err := x.Delete(t.Context(), m, ref("B")); !errors.Is(err, ErrNotFound) || hintOf(err) == "" {
		t.Errorf("deleted twice: %v", err)
	}
	data, err := os.ReadFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	mustNotShow(t, "the index", string(data), traces())
}

func TestIndexRefusesBeforeItTouchesTheStore(t *testing.T) {
	x, m := newIndex(t), newMemory()
	good := New([]byte("value"))
	for name, err := range map[string]error{
		"reserved":   x.Set(t.Context(), m, ref("PATH"), good),
		"malformed":  x.Set(t.Context(), m, ref("key"), good),
		"no project": x.Set(t.Context(), m, Ref{"", "e", "KEY"}, good),
		"empty":      x.Set(t.Context(), m, ref("KEY"), New(nil)),
		"zero":       x.Set(t.Context(), m, ref("KEY"), Value{}),
		"too large":  x.Set(t.Context(), m, ref("KEY"), New(make([]byte, MaxValue+1))),
		"delete":     x.Delete(t.Context(), m, Ref{"p", "e", ""}),
	} {
		if err == nil || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m.generation != 0 {
		t.Error("the store was changed")
	}
	if _, err := os.Stat(x.path); err == nil {
		t.Error("the index was written")
	}
}

var errCrash = errors.New("crash")

// A crash is an error here that ends Set or Delete where it stands: before the store did it, or after. What follows a
// crash between the store and the index is the same as what follows the second.
func TestA7ReconcileAfterACrash(t *testing.T) {
	set := func(x *Index, m *memory) error { return x.Set(context.Background(), m, ref("KEY"), New([]byte("new"))) }
	del := func(x *Index, m *memory) error { return x.Delete(context.Background(), m, ref("KEY")) }
	for _, c := range []struct {
		name           string
		exists, reach  bool // was set before; the store did it before the crash
		do             func(*Index, *memory) error
		settled, value string
	}{
		{"set, not stored", false, false, set, "", ""},
		{"set, stored", false, true, set, "KEY", "new"},
		{"set again, not stored", true, false, set, "KEY", "old"},
		{"set again, stored", true, true, set, "KEY", "new"},
		{"delete, not deleted", true, false, del, "KEY", "old"},
		{"delete, deleted", true, true, del, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, m := newIndex(t), newMemory()
			if c.exists {
				if err := x.Set(t.Context(), m, ref("KEY"), New([]byte("old"))); err != nil {
					t.Fatal(err)
				}
			}
			crash := func(context.Context, string, Ref) error { return errCrash }
			if m.after = crash; !c.reach {
				m.before = crash
			}
			if err := c.do(x, m); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			m.before, m.after = nil, nil
			if got := names(t, x, "p1", "production"); got != "KEY*" {
				t.Errorf("lists %q after the crash", got)
			}
			for range 2 { // the second has nothing left to do
				if err := x.Reconcile(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				if got := names(t, x, "p1", "production"); got != c.settled {
					t.Errorf("lists %q, want %q", got, c.settled)
				}
			}
			if got := string(m.values[ref("KEY")].Reveal()); got != c.value {
				t.Errorf("the store holds %q, want %q", got, c.value)
			}
		})
	}
}

func TestA7ReconcileLeavesWhatTheStoreCannotTell(t *testing.T) {
	x, m := newIndex(t), newMemory()
	m.after = func(context.Context, string, Ref) error { return errCrash }
	for _, name := range []string{"A", "B", "C"} {
		if err := x.Set(t.Context(), m, ref(name), New([]byte("v"))); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
	}
	m.after = func(_ context.Context, _ string, r Ref) error {
		if r.Name == "B" {
			return fmt.Errorf("prompt dismissed: %w", ErrLocked)
		}
		return nil
	}
	if err := x.Reconcile(t.Context(), m); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "reconcile B") {
		t.Errorf("error %v", err)
	}
	if got := names(t, x, "p1", "production"); got != "A B* C" {
		t.Errorf("lists %q", got)
	}
}

// A name that only the index holds can be deleted: the store was emptied behind our back.
func TestDeleteOfANameWithoutValue(t *testing.T) {
	x, m := newIndex(t), newMemory()
	if err := x.Set(t.Context(), m, ref("KEY"), New([]byte("v"))); err != nil {
		t.Fatal(err)
	}
	delete(m.values, ref("KEY"))
	if err := x.Delete(t.Context(), m, ref("KEY")); err != nil {
		t.Error(err)
	}
	if got := names(t, x, "p1", "production"); got != "" {
		t.Errorf("lists %q", got)
	}
}

func TestA6IndexLosesNothingToOtherWriters(t *testing.T) {
	x, m := newIndex(t), newMemory()
	var all sync.WaitGroup
	for w := range 32 {
		all.Go(func() {
			own := OpenIndex(x.path) // as another process would
			for i := range 4 {
				if err := own.Set(t.Context(), m, ref(fmt.Sprintf("W%d_%d", w, i)), New([]byte("v"))); err != nil {
					t.Error(err)
				}
			}
			if err := own.Delete(t.Context(), m, ref(fmt.Sprintf("W%d_0", w))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(strings.Fields(names(t, x, "p1", "production"))); n != 32*3 || len(m.values) != n {
		t.Errorf("%d names, %d values, want %d", n, len(m.values), 32*3)
	}
	if strings.Contains(names(t, x, "p1", "production"), "*") {
		t.Error("something is pending")
	}
}

// While somebody sits at a keychain's prompt with the lock in hand, the others can still list.
func TestListingWaitsForNobody(t *testing.T) {
	x, m := newIndex(t), newMemory()
	release := hang(m)
	done := make(chan error)
	go func() { done <- x.Set(context.Background(), m, ref("HUNG"), New([]byte("v"))) }()
	for deadline := time.Now().Add(5 * time.Second); names(t, x, "p1", "production") != "HUNG*"; {
		if time.Now().After(deadline) {
			t.Fatal("the pending name is not listed")
		}
		time.Sleep(time.Millisecond)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := names(t, x, "p1", "production"); got != "HUNG" {
		t.Errorf("lists %q", got)
	}
}
