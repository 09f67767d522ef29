package redact

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// events is a body of compact JSON, an event a line.
func events(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not")
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":"obj_%s","created_at":"2026-02-03T04:05:06Z","user":{"id":%d,"login":"%s"},"score":%.6f,"body":"`,
			randomText(r, alphanumeric, 24), r.IntN(1e8), words[r.IntN(len(words))], r.Float64())
		for range 20 + r.IntN(60) {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, `","sha":"%s","active":%v},`+"\n", randomText(r, "0123456789abcdef", 40), r.IntN(2) == 0)
	}
	return b.Bytes()[:n]
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func randomText(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// setOf has at least n patterns, whose values have the given length.
func setOf(n, length int) *Set {
	r := rand.New(rand.NewPCG(3, uint64(length)))
	s := NewSet()
	if n == 1 { // a form beside the value itself would be more than one pattern
		s.patterns = []pattern{{text: []byte("sk_live_" + randomText(r, alphanumeric, length-8))}}
		s.tables.Store(newTables(s.patterns, blanks{}))
		return s
	}
	for len(s.patterns) < n {
		s.add([]byte(randomText(r, alphanumeric, length)))
	}
	return s
}

// BenchmarkReader prints, beside the speed, the time that it takes as a multiple
// of what bytes.Count of one byte takes on the same text in the same run.
func BenchmarkReader(b *testing.B) {
	compact := bytes.ReplaceAll(bytes.ReplaceAll(events(8<<20), []byte(" "), []byte("_")), []byte("\n"), []byte(","))
	for _, c := range []struct {
		patterns, length int
		compact          bool
	}{{}, {1, 32, false}, {100, 32, false}, {100, 32, true}, {10000, 32, false}, {100, 8, false}, {100, 12, false}} {
		text := events(8 << 20)
		if c.compact {
			text = compact // as much is held back as can be
		}
		b.Run(fmt.Sprintf("patterns=%d/length=%d/compact=%v", c.patterns, c.length, c.compact), func(b *testing.B) {
			s := NewSet()
			if c.patterns > 0 {
				s = setOf(c.patterns, c.length)
			}
			buf := make([]byte, 32<<10)
			var count time.Duration
			lines := 0
			for b.Loop() {
				t := time.Now()
				lines += bytes.Count(text, []byte("\n"))
				count += time.Since(t)
				io.CopyBuffer(struct{ io.Writer }{io.Discard}, NewReader(bytes.NewReader(text), s), buf)
			}
			took := b.Elapsed() - count
			b.ReportMetric(took.Seconds()/count.Seconds(), "xCount")
			b.ReportMetric(float64(len(text))*float64(b.N)/1e6/took.Seconds(), "MB/s")
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprintf("patterns=%d", n), func(b *testing.B) {
			s := setOf(n, 32)
			for b.Loop() {
				newTables(s.patterns, blanks{})
			}
		})
	}
}
