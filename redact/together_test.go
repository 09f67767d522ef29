package redact

import (
	"strings"
	"testing"
)

// What is added together is found as if it had come one by one.
func TestAddTogether(t *testing.T) {
	values := [][]byte{[]byte("sk-first-ABCDEFGHIJKL"), nil, []byte("sk-second with blanks"), []byte("short"), []byte("sk-first-ABCDEFGHIJKL"), []byte("sk-third-0123456789")}
	together, single := NewSet(), NewSet()
	together.add(values...)
	for _, v := range values {
		single.add(v)
	}
	text := "a sk-first-ABCDEFGHIJKL b sk-second%20with%20blanks c sk-third-0123456789 short"
	got, n := together.Value([]byte(text))
	want, m := single.Value([]byte(text))
	if string(got) != string(want) || n.Total() != 3 || m.Total() != 3 || strings.Contains(string(got), "sk-") {
		t.Errorf("%s: %v\n%s: %v", got, n, want, m)
	}
	before := together.tables.Load()
	together.add(values...)
	if together.tables.Load() != before {
		t.Error("what is known was added again")
	}
}
