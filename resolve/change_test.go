package resolve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// staging is a project in which A, B and C exist in production, B and Z in staging.
func staging(t *testing.T) (*Index, *memory) {
	t.Helper()
	x, m := newIndex(t), newMemory()
	for _, where := range []string{"production A", "production B", "production C", "staging B", "staging Z"} {
		environment, name, _ := strings.Cut(where, " ")
		if err := x.Set(t.Context(), m, Ref{"p1", environment, name}, New([]byte(name+" of "+environment))); err != nil {
			t.Fatal(err)
		}
	}
	return x, m
}

// mixed copies two names, of which one replaces, and deletes one.
func mixed(map[string][]string) ([]Step, error) {
	return []Step{{"A", "staging", "production"}, {"B", "staging", "production"}, {"Z", "staging", ""}}, nil
}

// held tells what index and store know of staging, and that they agree.
func heldIn(t *testing.T, x *Index, m *memory, environment string) string {
	t.Helper()
	var list []string
	for name := range strings.FieldsSeq(names(t, x, "p1", environment)) {
		list = append(list, name+"="+m.text(Ref{"p1", environment, name}))
	}
	n := 0
	for ref := range m.values {
		if ref.Environment == environment {
			n++
		}
	}
	if n != len(list) {
		t.Errorf("%d values, %d names", n, len(list))
	}
	return strings.Join(list, ", ")
}

const (
	oldStaging = "B=B of staging, Z=Z of staging"
	newStaging = "A=A of production, B=B of production"
	production = "A=A of production, B=B of production, C=C of production"
)

func TestApply(t *testing.T) {
	x, m := staging(t)
	var seen map[string][]string
	err := x.Apply(t.Context(), m, "p1", func(names map[string][]string) ([]Step, error) {
		seen = names
		return mixed(names)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"production": {"A", "B", "C"}, "staging": {"B", "Z"}}
	if !maps.EqualFunc(seen, want, slices.Equal) {
		t.Errorf("the plan was made of %v", seen)
	}
	if got := heldIn(t, x, m, "staging"); got != newStaging {
		t.Errorf("staging holds %s", got)
	}
	if got := heldIn(t, x, m, "production"); got != production {
		t.Errorf("production holds %s", got)
	}
	if unsettled, err := x.Unsettled(); unsettled || err != nil {
		t.Errorf("left unsettled: %v, %v", unsettled, err)
	}
}

// A crash at any call of the store, before or after it: all of it is done by whoever comes next, or nothing was.
func TestA5ApplyAfterACrash(t *testing.T) {
	next := map[string]func(x *Index, m *memory) error{
		"reconcile": func(x *Index, m *memory) error { return x.Reconcile(context.Background(), m) },
		"set":       func(x *Index, m *memory) error { return x.Set(context.Background(), m, ref("D"), New([]byte("d"))) },
		"set all": func(x *Index, m *memory) error {
			return x.SetAll(context.Background(), m, "p1", "production", items("D"))
		},
		"delete": func(x *Index, m *memory) error { return x.Delete(context.Background(), m, ref("C")) },
		"apply": func(x *Index, m *memory) error {
			return x.Apply(context.Background(), m, "p1", func(map[string][]string) ([]Step, error) { return nil, nil })
		},
	}
	for name, follow := range next {
		t.Run(name, func(t *testing.T) {
			done, calls := 0, 0
			for at := 1; ; at++ {
				x, m := staging(t)
				calls = 0
				crash := func(context.Context, string, Ref) error {
					if calls++; calls == at {
						panic(errCrash)
					}
					return nil
				}
				m.before, m.after = crash, crash
				crashed := dies(func() { _ = x.Apply(context.Background(), m, "p1", mixed) })
				m.before, m.after = nil, nil
				if !crashed {
					break
				}
				if err := follow(x, m); err != nil {
					t.Fatal(err)
				}
				switch got := heldIn(t, x, m, "staging"); got {
				case newStaging:
					done++
				case oldStaging:
					if done > 0 {
						t.Errorf("crash %d lost what a crash before it did not", at)
					}
				default:
					t.Errorf("crash %d left %s", at, got)
				}
			}
			if done < 8 || calls < 15 {
				t.Errorf("of %d calls %d crashes came after the beginning", calls, done)
			}
		})
	}
}

func dies(do func()) (died bool) {
	defer func() { died = recover() != nil }()
	do()
	return false
}

// What fails is taken back, whichever call it is; what cannot be taken back is finished later.
func TestApplyTakesBack(t *testing.T) {
	full := errors.New("the store is full")
	for at := 1; ; at++ {
		x, m := staging(t)
		calls := 0
		m.before = func(context.Context, string, Ref) error {
			if calls++; calls == at {
				return full
			}
			return nil
		}
		err := x.Apply(t.Context(), m, "p1", mixed)
		m.before = nil
		if err == nil {
			if at < 10 {
				t.Errorf("only %d calls", at)
			}
			break
		}
		if !errors.Is(err, full) {
			t.Fatal(err)
		}
		if got := heldIn(t, x, m, "staging"); got != oldStaging {
			t.Errorf("failure %d left %s", at, got)
		}
		if unsettled, err := x.Unsettled(); unsettled || err != nil {
			t.Errorf("failure %d left unsettled: %v, %v", at, unsettled, err)
		}
	}

	x, m := staging(t)
	sets := 0
	m.before = func(_ context.Context, what string, _ Ref) error {
		if what == "set" {
			if sets++; sets > 1 {
				return full // from now on
			}
		}
		return nil
	}
	if err := x.Apply(t.Context(), m, "p1", mixed); !errors.Is(err, full) || !strings.Contains(err.Error(), "put") {
		t.Errorf("error %v", err)
	}
	m.before = nil
	if err := x.Reconcile(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := heldIn(t, x, m, "staging"); got != newStaging {
		t.Errorf("finished later: %s", got)
	}
}

// A change that was interrupted does not come back over one that followed it.
func TestApplyIsNotRepeated(t *testing.T) {
	x, m := staging(t)
	m.after = func(_ context.Context, what string, _ Ref) error {
		if what == "set" {
			panic(errCrash)
		}
		return nil
	}
	if !dies(func() { _ = x.Apply(context.Background(), m, "p1", mixed) }) {
		t.Fatal("no crash")
	}
	m.after = nil
	for range 2 {
		if err := x.Set(t.Context(), m, Ref{"p1", "staging", "B"}, New([]byte("newer"))); err != nil {
			t.Fatal(err)
		}
		if err := x.Reconcile(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if got := heldIn(t, x, m, "staging"); got != "A=A of production, B=newer" {
		t.Errorf("staging holds %s", got)
	}
}

func TestApplyRefuses(t *testing.T) {
	x, m := staging(t)
	no := errors.New("no")
	for name, steps := range map[string][]Step{
		"twice":       {{"A", "staging", "production"}, {"A", "staging", ""}},
		"to itself":   {{"A", "staging", "staging"}},
		"bad name":    {{"a", "staging", "production"}},
		"bad source":  {{"A", "staging", "prod:uction"}},
		"bad target":  {{"A", "", "production"}},
		"no source":   {{"B", "staging", "production"}, {"NONE", "staging", "production"}},
		"plan's word": nil,
	} {
		err := x.Apply(t.Context(), m, "p1", func(map[string][]string) ([]Step, error) {
			if steps == nil {
				return nil, no
			}
			return steps, nil
		})
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if got := heldIn(t, x, m, "staging"); got != oldStaging {
		t.Errorf("staging holds %s", got)
	}
}

// A file that is damaged, or newer than we are, stops every change and is left as it is.
func TestChangeFileIsNotOverwritten(t *testing.T) {
	for text, want := range map[string]any{
		"{":                             &CorruptError{},
		`{"version":1}x`:                &CorruptError{},
		`{"version":0}`:                 &CorruptError{},
		`{"version":1,"extra":1}`:       &CorruptError{},
		`{"version":2,"whatever":true}`: &VersionError{},
		`{"version":1,"project":"p1","steps":[{"name":"bad"}]}`: &CorruptError{},
	} {
		x, m := staging(t)
		if err := os.WriteFile(x.changePath(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"apply": x.Apply(t.Context(), m, "p1", mixed), "reconcile": x.Reconcile(t.Context(), m),
			"set": x.Set(t.Context(), m, ref("A"), New([]byte("new"))), "delete": x.Delete(t.Context(), m, ref("A")),
		} {
			if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", want) || hintOf(err) == "" {
				t.Errorf("%s, %s: %v", text, what, err)
			}
		}
		if data, err := os.ReadFile(x.changePath()); err != nil || string(data) != text {
			t.Errorf("%s became %s", text, data)
		}
		if got := heldIn(t, x, m, "production"); got != production {
			t.Errorf("production holds %s", got)
		}
	}
}
