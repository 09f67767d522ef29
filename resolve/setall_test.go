package resolve

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// batched is a memory that takes several values in one step, as the file does.
type batched struct{ *memory }

func (b batched) SetAll(ctx context.Context, all map[Ref]Value) error {
	for r, v := range all {
		if err := b.Set(ctx, r, v); err != nil {
			return err
		}
	}
	return nil
}

func items(names ...string) []Item {
	var all []Item
	for _, n := range names {
		all = append(all, Item{n, New([]byte("new value of " + n))})
	}
	return all
}

func (m *memory) text(r Ref) string { return string(m.values[r].Reveal()) }

func TestSetAllKeepsAll(t *testing.T) {
	x, m := newIndex(t), newMemory()
	for _, s := range []Store{m, batched{m}} {
		if err := x.SetAll(t.Context(), s, "p1", "production", items("B", "A")); err != nil {
			t.Fatal(err)
		}
		if got := names(t, x, "p1", "production"); got != "A B" || m.text(ref("A")) != "new value of A" || m.text(ref("B")) != "new value of B" {
			t.Errorf("index %q, values %q %q", got, m.text(ref("A")), m.text(ref("B")))
		}
	}
}

// A store that fails in the middle is put back to what it was, and the index with it.
func TestA7SetAllFailsWithNothingChanged(t *testing.T) {
	x, m := newIndex(t), newMemory()
	if err := x.Set(t.Context(), m, ref("A"), New([]byte("old value of A"))); err != nil {
		t.Fatal(err)
	}
	full := errors.New("the store is full")
	for name, hook := range map[string]func(ctx context.Context, what string, r Ref) error{
		"refused": func(_ context.Context, what string, r Ref) error {
			if what == "set" && r.Name == "C" {
				return full
			}
			return nil
		},
		"unreadable": func(_ context.Context, what string, r Ref) error {
			if what == "resolve" && r.Name == "C" {
				return full
			}
			return nil
		},
	} {
		m.before = hook
		err := x.SetAll(t.Context(), m, "p1", "production", items("A", "B", "C", "D"))
		m.before = nil
		if !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
		if got := names(t, x, "p1", "production"); got != "A" || m.text(ref("A")) != "old value of A" || m.has(ref("B")) || m.has(ref("C")) || m.has(ref("D")) {
			t.Errorf("%s: the index lists %q, A is %q, B there %v", name, got, m.text(ref("A")), m.has(ref("B")))
		}
	}
}

// What a store cannot undo is settled by asking it: the index never lists what is not there.
func TestA7SetAllSettlesWhatItCannotUndo(t *testing.T) {
	x, m := newIndex(t), newMemory()
	m.after = func(_ context.Context, what string, r Ref) error {
		if what == "set" {
			return errors.New("did it, and nobody learned")
		}
		return nil
	}
	if err := x.SetAll(t.Context(), batched{m}, "p1", "production", items("A")); err == nil {
		t.Fatal("succeeded")
	}
	if got := names(t, x, "p1", "production"); got != "A" || !m.has(ref("A")) {
		t.Errorf("the index lists %q, the store has A: %v", got, m.has(ref("A")))
	}
	m.after = nil
	m.before = func(_ context.Context, what string, _ Ref) error {
		if what == "set" {
			return errors.New("full")
		}
		return nil
	}
	if err := x.SetAll(t.Context(), batched{m}, "p1", "production", items("B")); err == nil {
		t.Fatal("succeeded")
	}
	if got := names(t, x, "p1", "production"); got != "A" {
		t.Errorf("the index lists %q", got)
	}
}

func TestSetAllChecksBeforeItStarts(t *testing.T) {
	x, m := newIndex(t), newMemory()
	for _, bad := range [][]Item{
		items("GOOD", "bad"), items("GOOD", "PATH"), items("GOOD", "GOOD"),
		append(items("GOOD"), Item{"EMPTY", New(nil)}), append(items("GOOD"), Item{Name: "NONE"}),
		append(items("GOOD"), Item{"LONG", New([]byte(strings.Repeat("x", MaxValue+1)))}),
	} {
		if err := x.SetAll(t.Context(), m, "p1", "production", bad); err == nil || strings.Contains(err.Error(), "new value") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if got := names(t, x, "p1", "production"); got != "" || m.has(ref("GOOD")) {
		t.Errorf("kept a part: %q", got)
	}
}
