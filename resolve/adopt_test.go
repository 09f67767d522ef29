package resolve

import (
	"os"
	"testing"
)

func TestAdopt(t *testing.T) {
	x, m := newIndex(t), newMemory()
	for _, name := range []string{"A", "B"} {
		if err := x.Set(t.Context(), m, ref(name), New([]byte(sample))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(x.path); err != nil {
		t.Fatal(err)
	}
	if err := x.Set(t.Context(), m, ref("B"), New([]byte(sample))); err != nil {
		t.Fatal(err)
	}
	all := []Ref{ref("A"), ref("B"), ref("NEVER")}
	unlisted, err := x.Unlisted(all)
	if err != nil || len(unlisted) != 2 || unlisted[0] != ref("A") || unlisted[1] != ref("NEVER") {
		t.Errorf("unlisted are %v, %v", unlisted, err)
	}
	for range 2 {
		if err := x.Adopt(t.Context(), m, all); err != nil {
			t.Fatal(err)
		}
		if got := names(t, x, ref("A").Project, ref("A").Environment); got != "A B" {
			t.Errorf("lists %q", got)
		}
	}
	if err := os.WriteFile(x.path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := x.Adopt(t.Context(), m, all); err == nil {
		t.Error("a damaged list was replaced")
	}
	if data, err := os.ReadFile(x.path); string(data) != "{" {
		t.Errorf("a damaged list became %q, %v", data, err)
	}
}

func TestParseRef(t *testing.T) {
	if got, err := ParseRef(ref("KEY").String()); got != ref("KEY") || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, key := range []string{"", "a:b", "a:b:key", "a:b:KEY:c", ":b:KEY"} {
		if got, err := ParseRef(key); err == nil {
			t.Errorf("%q is %v", key, got)
		}
	}
}
