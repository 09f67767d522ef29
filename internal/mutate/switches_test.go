package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// woven is a module with functions of many forms.
var woven = map[string]string{
	"go.mod": "module woven\ngo 1.26\n",
	"woven.go": `package woven

import "strings"

var count = 1

type pair[T any] struct{ a, b T }

func (pair[T]) size(_ int, more ...int) int { return 2 + len(more) }

func (p *pair[T]) swap() { p.a, p.b = p.b, p.a }

func last[T any](of []T) (t T) {
	defer func() { count++ }()
	t = of[len(of)-1]
	return
}

func joined(string, []string) string { return strings.Join([]string{"a", "b"}, "-") }

func safely(f func()) {
	defer func() { _ = recover() }()
	f()
}

func init() { count = 5 }
`,
	"woven_test.go": `package woven

import "testing"

func TestWoven(t *testing.T) {
	p := pair[int]{1, 2}
	p.swap()
	safely(func() { panic(1) })
	if count != 5 || p.a != 2 || p.size(0, 1, 2) != 4 || last([]int{1, 2}) != 2 || count != 6 || joined("", nil) != "a-b" {
		t.Error("not as it was written")
	}
}
`,
}

// Faults that are built together are noticed as those that are seeded one by one.
func TestSwitches(t *testing.T) {
	dir := t.TempDir()
	s := &switches{tree: filepath.Join(dir, "all"), bin: filepath.Join(dir, "bin"), numbers: map[string]string{}, built: map[string]outcome{}}
	writeTree(t, s.tree, woven)
	if err := os.Mkdir(s.bin, 0o700); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, old, new string
		together       bool // is built with others
		end            end
	}{
		{"method", "return 2 + len(more)", "return 3 + len(more)", true, failed},
		{"method again", "return 2 + len(more)", "return 2", true, failed},
		{"nothing returned", "p.a, p.b = p.b, p.a", "p.a = p.a", true, failed},
		{"generic", "len(of)-1", "0", true, failed},
		{"inner function", "count++", "count--", true, failed},
		{"parameters without names", `"-"`, `"+"`, true, failed},
		{"no change to notice", "return strings", "return \"\" + strings", true, passed},
		{"head", "size(_ int, more", "size(_ int, less", false, 0},
		{"another signature", "joined(string, []string) string { return", "joined(string) string { return", false, 0},
		{"recovers", "\tf()\n", "", false, 0},
		{"not a function", "var count = 1", "var count = 2", false, 0},
		{"does not compile", "t = of[", "t := of[", false, 0},
	}
	var faults []fault
	for _, c := range cases {
		faults = append(faults, fault{c.name, "woven.go", c.old, c.new, []string{"."}})
	}
	if err := s.weave(t.Context(), faults); err != nil {
		t.Fatal(err)
	}
	w := &worker{tree: s.tree, bin: t.TempDir(), switches: s, limit: time.Minute}
	for i, c := range cases {
		if _, ok := s.numbers[c.name]; ok != c.together {
			t.Errorf("%s: built with others: %v", c.name, ok)
		} else if got := w.turnOn(t.Context(), faults[i])(); c.together && got.end != c.end {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := w.turnedOff(t.Context())([]string{"."}); got.end != passed {
		t.Errorf("without a fault: %+v", got)
	}
}
