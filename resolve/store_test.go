package resolve

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
)

// memory is a Store in memory that can be told to hang or to fail.
type memory struct {
	mu         sync.Mutex
	values     map[Ref]Value
	generation int
	calls      map[Ref]int

	// before, if set, is called in Resolve, Set and Delete with no lock held; its error is theirs. after is called when
	// they are done, and its error takes the place of success: the store did it, and nobody learned.
	before, after func(ctx context.Context, what string, ref Ref) error
}

func newMemory() *memory {
	return &memory{values: map[Ref]Value{}, calls: map[Ref]int{}}
}

func (m *memory) Generation() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strconv.Itoa(m.generation)
}

func (m *memory) Resolve(ctx context.Context, ref Ref) (v Value, err error) {
	err = m.do(ctx, "resolve", ref, func() error {
		m.calls[ref]++
		found := false
		if v, found = m.values[ref]; !found {
			return NotFound(ref)
		}
		return nil
	})
	return v, err
}

func (m *memory) Set(ctx context.Context, ref Ref, v Value) error {
	return m.do(ctx, "set", ref, func() error {
		m.values[ref] = v
		m.generation++
		return nil
	})
}

func (m *memory) Delete(ctx context.Context, ref Ref) error {
	return m.do(ctx, "delete", ref, func() error {
		if _, found := m.values[ref]; !found {
			return NotFound(ref)
		}
		delete(m.values, ref)
		m.generation++
		return nil
	})
}

func (m *memory) do(ctx context.Context, what string, ref Ref, act func() error) error {
	if m.before != nil {
		if err := m.before(ctx, what, ref); err != nil {
			return err
		}
	}
	m.mu.Lock()
	err := act()
	m.mu.Unlock()
	if err == nil && m.after != nil {
		return m.after(ctx, what, ref)
	}
	return err
}

func (m *memory) has(ref Ref) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, found := m.values[ref]
	return found
}

func (m *memory) asked(ref Ref) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[ref]
}

func ref(name string) Ref { return Ref{Project: "p1", Environment: "production", Name: name} }

func mustSet(t *testing.T, s Store, r Ref, text string) {
	t.Helper()
	if err := s.Set(t.Context(), r, New([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
