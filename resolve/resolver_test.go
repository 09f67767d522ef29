package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func newResolver(t *testing.T, c Config) *Resolver {
	t.Helper()
	r, err := NewResolver(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// expect resolves and compares; want "" stands for ErrNotFound.
func expect(t *testing.T, r *Resolver, ref Ref, want string) {
	t.Helper()
	v, err := r.Resolve(t.Context(), ref)
	switch {
	case want == "" && (!errors.Is(err, ErrNotFound) || !v.IsZero()):
		t.Errorf("%s: %q, %v; want ErrNotFound", ref, v.Reveal(), err)
	case want != "" && (err != nil || string(v.Reveal()) != want):
		t.Errorf("%s: %q, %v; want %q", ref, v.Reveal(), err, want)
	}
}

func TestL6CacheKeepsValuesForTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		r := newResolver(t, Config{Store: m})
		for _, step := range []struct {
			sleep     time.Duration
			key, none int // calls of the store so far
		}{{0, 1, 1}, {0, 1, 1}, {5*time.Second - 1, 1, 1}, {1, 1, 2}, {55*time.Second - 1, 1, 3}, {1, 2, 3}} {
			time.Sleep(step.sleep)
			expect(t, r, ref("KEY"), "one")
			expect(t, r, ref("NONE"), "")
			if key, none := m.asked(ref("KEY")), m.asked(ref("NONE")); key != step.key || none != step.none {
				t.Fatalf("%v: the store was asked %d and %d times, want %d and %d", step, key, none, step.key, step.none)
			}
		}
	})
}

func TestV9OneCallForManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		m.before = func(context.Context, string, Ref) error { time.Sleep(time.Second); return nil }
		r := newResolver(t, Config{Store: m})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { expect(t, r, ref("KEY"), "one") })
		}
		all.Wait()
		if n := m.asked(ref("KEY")); n != 1 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

func TestL6NewGenerationDropsBothCaches(t *testing.T) {
	m := newMemory()
	mustSet(t, m, ref("KEY"), "one")
	r := newResolver(t, Config{Store: m})
	expect(t, r, ref("KEY"), "one")
	expect(t, r, ref("LATER"), "")
	mustSet(t, m, ref("KEY"), "two")
	mustSet(t, m, ref("LATER"), "here")
	expect(t, r, ref("KEY"), "two")
	expect(t, r, ref("LATER"), "here")
	if err := m.Delete(t.Context(), ref("KEY")); err != nil {
		t.Fatal(err)
	}
	expect(t, r, ref("KEY"), "")
}

// A call under way when the store changes may answer with what was there before. Whoever asks after the change must
// not get that answer, from the call or from the cache.
func TestChangeDuringACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "old")
		m.after = func(_ context.Context, what string, _ Ref) error {
			if what == "resolve" {
				time.Sleep(time.Second) // it has read, and not yet answered
			}
			return nil
		}
		r := newResolver(t, Config{Store: m})
		var all sync.WaitGroup
		all.Go(func() { expect(t, r, ref("KEY"), "old") })
		time.Sleep(500 * time.Millisecond)
		mustSet(t, m, ref("KEY"), "new")
		all.Go(func() { expect(t, r, ref("KEY"), "new") })
		time.Sleep(700 * time.Millisecond) // the first call has ended, the second has not: there is nothing to begin
		expect(t, r, ref("KEY"), "new")
		all.Wait()
		expect(t, r, ref("KEY"), "new")
		if n := m.asked(ref("KEY")); n != 2 {
			t.Errorf("the store was asked %d times, want 2", n)
		}
	})
}

// The same, with a change, and perhaps somebody who asks after it, just before the call ends.
func TestAnswerOfAnOldGenerationIsNotKept(t *testing.T) {
	for _, asks := range []bool{false, true} {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "old")
		r := newResolver(t, Config{Store: m})
		var answers atomic.Int64
		m.after = func(_ context.Context, what string, _ Ref) error {
			if what == "resolve" && answers.Add(1) == 1 {
				mustSet(t, m, ref("KEY"), "new")
				if asks {
					expect(t, r, ref("KEY"), "new")
				}
			}
			return nil
		}
		expect(t, r, ref("KEY"), "old")
		expect(t, r, ref("KEY"), "new")
	}
}

// hang makes every call for the names that begin with HUNG wait until release is closed, whatever its context says.
func hang(m *memory) (release chan struct{}) {
	release = make(chan struct{})
	m.before = func(_ context.Context, _ string, r Ref) error {
		if strings.HasPrefix(r.Name, "HUNG") {
			<-release
		}
		return nil
	}
	return release
}

func TestV9HungStoreDelaysOnlyItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("HUNG"), "late")
		mustSet(t, m, ref("KEY"), "one")
		release := hang(m)
		r := newResolver(t, Config{Store: m, Timeout: 3 * time.Second})
		start := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := r.Resolve(t.Context(), ref("HUNG"))
				if took := time.Since(start); !errors.Is(err, ErrLocked) || took != 3*time.Second || hintOf(err) == "" {
					t.Errorf("after %v: %v, hint %q", took, err, hintOf(err))
				}
			})
		}
		synctest.Wait()
		expect(t, r, ref("KEY"), "one")
		if took := time.Since(start); took != 0 {
			t.Errorf("another secret took %v", took)
		}
		all.Wait()
		_, err := r.Resolve(t.Context(), ref("HUNG")) // is told at once: the call hangs, see TestV9SilentStore
		if took := time.Since(start); !errors.Is(err, ErrLocked) || took != 3*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		close(release)
		synctest.Wait()
		expect(t, r, ref("HUNG"), "late")
		if n := m.asked(ref("HUNG")); n != 1 {
			t.Errorf("the store was asked %d times, want once: hung calls must not pile up", n)
		}
	})
}

func TestStoreThatHeedsItsContextIsToldWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.before = func(ctx context.Context, _ string, _ Ref) error {
			<-ctx.Done()
			return fmt.Errorf("prompt: %w", ctx.Err())
		}
		r := newResolver(t, Config{Store: m})
		start := time.Now()
		late := func() {
			_, err := r.Resolve(t.Context(), ref("KEY"))
			if took := time.Since(start); !errors.Is(err, ErrLocked) || took != 5*time.Second {
				t.Errorf("after %v: %v", took, err)
			}
		}
		var all sync.WaitGroup
		all.Go(late)
		time.Sleep(2 * time.Second)
		late() // joins, and gets the call's error before its own time is up
		all.Wait()
	})
}

// A store that gave no answer is left alone for 5 s, and tried with one call then. What is in the cache is there meanwhile.
func TestV9SilentStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for _, name := range []string{"KEY", "A", "B", "C"} {
			mustSet(t, m, ref(name), "one")
		}
		r := newResolver(t, Config{Store: m})
		expect(t, r, ref("KEY"), "one")
		m.before = func(ctx context.Context, _ string, _ Ref) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		late := func(name string, want time.Duration) {
			t.Helper()
			_, err := r.Resolve(t.Context(), ref(name))
			if took := time.Since(start); !errors.Is(err, ErrLocked) || took != want {
				t.Errorf("%s after %v: %v, want %v", name, took, err, want)
			}
		}
		late("A", 5*time.Second)
		late("A", 5*time.Second)
		late("B", 5*time.Second)
		expect(t, r, ref("KEY"), "one")
		time.Sleep(5 * time.Second)
		var all sync.WaitGroup
		all.Go(func() { late("A", 15*time.Second) }) // the one that tries
		synctest.Wait()
		late("B", 10*time.Second)
		late("C", 10*time.Second)
		all.Wait()
		if a, b, c := m.asked(ref("A")), m.asked(ref("B")), m.asked(ref("C")); a+b+c != 0 { // counted once past before
			t.Errorf("the store answered %d, %d and %d times", a, b, c)
		}
		m.before = nil
		late("B", 15*time.Second) // nobody knows yet
		time.Sleep(5 * time.Second)
		expect(t, r, ref("B"), "one")
		expect(t, r, ref("C"), "one")
	})
}

// Whoever unlocks a store, or changes anything in it, need not wait.
func TestSilentStoreChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		m.before = func(context.Context, string, Ref) error { return ErrLocked }
		r := newResolver(t, Config{Store: m})
		for range 2 {
			if _, err := r.Resolve(t.Context(), ref("KEY")); !errors.Is(err, ErrLocked) {
				t.Error(err)
			}
		}
		m.before = nil
		mustSet(t, m, ref("KEY"), "two")
		expect(t, r, ref("KEY"), "two")
	})
}

func TestCallerThatLeavesFailsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		m.before = func(ctx context.Context, _ string, _ Ref) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(2 * time.Second):
				return nil
			}
		}
		r := newResolver(t, Config{Store: m})
		first, cancel := context.WithCancel(t.Context())
		start := time.Now()
		var all sync.WaitGroup
		all.Go(func() { // it began the call
			_, err := r.Resolve(first, ref("KEY"))
			if took := time.Since(start); !errors.Is(err, context.Canceled) || took != time.Second {
				t.Errorf("after %v: %v, want context.Canceled after 1s", took, err)
			}
		})
		synctest.Wait()
		for range 5 {
			all.Go(func() { expect(t, r, ref("KEY"), "one") })
		}
		time.Sleep(time.Second)
		cancel()
		all.Wait()
	})
}

func TestOtherErrorsAreNotKept(t *testing.T) {
	m := newMemory()
	mustSet(t, m, ref("KEY"), "one")
	broken := errors.New("broken")
	m.after = func(context.Context, string, Ref) error { return broken }
	r := newResolver(t, Config{Store: m})
	if v, err := r.Resolve(t.Context(), ref("KEY")); !errors.Is(err, broken) || !v.IsZero() {
		t.Errorf("%q, %v; want no value and the store's error", v.Reveal(), err)
	}
	m.after = nil
	expect(t, r, ref("KEY"), "one")
}

func TestL6MemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		r := newResolver(t, Config{Store: m})
		expect(t, r, ref("KEY"), "one")
		for i := range 2 * maxAbsent {
			expect(t, r, ref(fmt.Sprint("NONE_", i)), "")
		}
		r.mu.Lock()
		n := len(r.absent)
		r.mu.Unlock()
		if n != maxAbsent {
			t.Errorf("%d missing names are remembered, want %d", n, maxAbsent)
		}
		time.Sleep(time.Minute)
		expect(t, r, ref("NONE"), "")
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.known) != 0 || len(r.absent) != 1 || len(r.calls) != 0 {
			t.Errorf("a minute later %d values, %d missing names, %d calls are kept", len(r.known), len(r.absent), len(r.calls))
		}
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		mustSet(t, m, ref("KEY"), "one")
		m.before = func(context.Context, string, Ref) error { time.Sleep(40 * time.Millisecond); return nil }
		var seen []time.Duration
		r := newResolver(t, Config{Store: m, Observe: func(d time.Duration) { seen = append(seen, d) }})
		for range 3 {
			expect(t, r, ref("KEY"), "one")
		}
		if len(seen) != 1 || seen[0] != 40*time.Millisecond {
			t.Errorf("observed %v, want one call of 40ms", seen)
		}
	})
}

func TestNewResolverRefuses(t *testing.T) {
	for _, c := range []Config{{}, {Store: newMemory(), TTL: -1}, {Store: newMemory(), NegativeTTL: -1}, {Store: newMemory(), Timeout: -1}} {
		if _, err := NewResolver(c); err == nil {
			t.Errorf("accepted %+v", c)
		}
	}
}

func TestResolverAsksOnlyForRealRefs(t *testing.T) {
	m := newMemory()
	r := newResolver(t, Config{Store: m})
	for _, bad := range []Ref{{}, {"", "e", "N"}, {"p", "", "N"}, {"p:q", "e", "N"}, {"p", "e:f", "N"}, {"p", "e\n", "N"},
		{"p", "e", "n"}, {"p", "e", ""}, {"p", "e", "N:M"}, {"p\xff", "e", "N"}, {strings.Repeat("p", 257), "e", "N"}} {
		if _, err := r.Resolve(t.Context(), bad); err == nil || errors.Is(err, ErrNotFound) || m.asked(bad) != 0 {
			t.Errorf("%q: %v, asked %d times", bad.String(), err, m.asked(bad))
		}
	}
}

func TestErrorsHaveHints(t *testing.T) {
	r := newResolver(t, Config{Store: newMemory()})
	_, err := r.Resolve(t.Context(), ref("KEY"))
	if got, want := hintOf(err), "agentsecrets secrets set KEY --environment production"; got != want {
		t.Errorf("hint %q, want %q", got, want)
	}
	if !strings.Contains(err.Error(), "KEY") {
		t.Errorf("%q does not say which secret", err)
	}
	for _, err := range []error{ErrNotFound, ErrLocked} {
		if !strings.HasPrefix(hintOf(err), "agentsecrets ") {
			t.Errorf("%v: hint %q", err, hintOf(err))
		}
	}
}

// Whatever is done to the store, and whenever it is asked, the cache is never seen.
func TestResolverEqualsItsStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory()
		now := time.Unix(0, 0)
		r, err := NewResolver(Config{Store: m, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		names := rapid.SampledFrom([]string{"A", "B", "C"})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			ref := ref(names.Draw(t, "name"))
			switch rapid.IntRange(0, 5).Draw(t, "do") {
			case 0:
				_ = m.Set(t.Context(), ref, New([]byte(rapid.String().Draw(t, "text"))))
			case 1:
				_ = m.Delete(t.Context(), ref)
			case 2:
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "sleep")))
			default:
				got, err := r.Resolve(t.Context(), ref)
				want, found := m.values[ref]
				if found != (err == nil) || string(got.Reveal()) != string(want.Reveal()) {
					t.Fatalf("%s: %q, %v; the store holds %q", ref, got.Reveal(), err, want.Reveal())
				}
			}
		}
	})
}

// A store that panics fails who asks, and nobody else.
func TestV7StorePanics(t *testing.T) {
	m, times := newMemory(), 0
	r, err := NewResolver(Config{Store: m, Panicked: func() { times++ }})
	if err != nil {
		t.Fatal(err)
	}
	ref := Ref{Project: "p", Environment: "e", Name: "KEY"}
	if err := m.Set(t.Context(), ref, New([]byte("value"))); err != nil {
		t.Fatal(err)
	}
	m.before = func(context.Context, string, Ref) error { panic("value") }
	if v, err := r.Resolve(t.Context(), ref); err == nil || strings.Contains(err.Error(), "value") || times != 1 {
		t.Errorf("%v, %v, told %d times", v, err, times)
	}
	m.before = nil
	if _, err := r.Resolve(t.Context(), ref); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
