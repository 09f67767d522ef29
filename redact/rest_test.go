package redact

import (
	"bytes"
	"testing"
)

// Finders wait for the next text without what they had of the last.
func TestFinderAtRest(t *testing.T) {
	s := setWith(sample)
	f := new(finder)
	f.find(s.tables.Load(), []byte(`{"key":"k3/Y+z=Q\"v'<w>&é\\~*J"}`))
	if len(f.groups) != 1 {
		t.Fatalf("%d echoes were found", len(f.groups))
	}
	f.rest()
	for i, v := range append(f.undone[:], f.lines) {
		if v.from != nil || bytes.Contains(v.text[:cap(v.text)], []byte(sample[:8])) {
			t.Errorf("view %d still has %q of %q", i, v.text[:cap(v.text)], v.from)
		}
	}
}
