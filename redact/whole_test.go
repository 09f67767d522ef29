package redact

import (
	"fmt"
	"strings"
	"testing"
)

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
