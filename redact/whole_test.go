package redact

import (
	"fmt"
	"strings"
	"testing"
)

// What undoing the escapes of a value makes of it counts where something was undone; a
// line break in it is enough, and no escape need stand in the body.
func TestUndoneAndBroken(t *testing.T) {
	s := setWith("k3y%22of%2athe%aaservice-81726")
	for _, text := range []string{"k3y\"of*the\n  \xaaservice-81726", "[k3y\"of*the\xaaserv\r\nice-81726]"} {
		b := []byte(text)
		(&Rewriter{set: s}).Cover(b)
		if strings.Contains(string(b), "81726") || strings.Contains(string(b), "k3y") {
			t.Errorf("%q came back as %q", text, b)
		}
	}
}

// BenchmarkWhole is a short body of short lines, as a terminal's or a list.
func BenchmarkWhole(b *testing.B) {
	s := NewSet()
	for i := range 100 {
		s.add(fmt.Appendf(nil, "sk-%d-%s", i, strings.Repeat(fmt.Sprint(i), 20)))
	}
	text := []byte(strings.Repeat("0123456789abcde\n", 64))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		rw := Rewriter{set: s}
		rw.Cover(text)
	}
}
