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

// secret is the i-th of values as people have them.
func secret(r *rand.Rand, i int) string {
	switch i % 6 {
	case 0:
		return "sk-proj-" + randomText(r, alphanumeric+"-_", 48)
	case 1:
		return "ghp_" + randomText(r, alphanumeric, 36)
	case 2:
		return randomText(r, alphanumeric+"+/", 40) // AWS
	case 3:
		return randomText(r, "0123456789abcdef", 32)
	case 4:
		return randomText(r, alphanumeric+"!#$%&()*+,-./:;<=>?@[]^_{|}~\"'\\", 20)
	}
	return "postgres://svc:" + randomText(r, alphanumeric, 16) + "@db.internal:5432/app?sslmode=require"
}

// patternsFor lists what is looked for with n values.
func patternsFor(n int) []pattern {
	r := rand.New(rand.NewPCG(3, uint64(n)))
	var out []pattern
	for i := range n {
		out = append(out, patternsOf([]byte(secret(r, i)), NewSet().limits)...)
	}
	return out
}

func setFor(values int) *Set {
	s := NewSet()
	if values > 0 {
		s.tables.Store(newTables(patternsFor(values), blanks{}))
	}
	return s
}

// texts are what is searched: lines of JSON; the same without spaces and line
// breaks, of which as much is held back as can be; in a string of JSON, where
// there is most to decode; and random bytes.
func texts() (lines, compact, escaped, random []byte) {
	lines = events(8 << 20)
	compact = bytes.ReplaceAll(bytes.ReplaceAll(lines, []byte(" "), []byte("_")), []byte("\n"), []byte(","))
	escaped = bytes.ReplaceAll(lines, []byte(`"`), []byte(`\"`))[:8<<20]
	random = make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{}).Read(random)
	return lines, compact, escaped, random
}

// BenchmarkReader prints the speed by processor time, and that time as a multiple
// of what bytes.Count of one byte takes on the same text in the same run.
func BenchmarkReader(b *testing.B) {
	lines, compact, escaped, random := texts()
	for _, c := range []struct {
		name   string
		text   []byte
		values []int
	}{
		{"lines", lines, []int{0, 1, 10, 100, 300, 10000}},
		{"compact", compact, []int{100}},
		{"escaped", escaped, []int{100}},
		{"random", random, []int{100}},
	} {
		for _, n := range c.values {
			b.Run(fmt.Sprintf("%s/values=%d", c.name, n), func(b *testing.B) { against(b, c.text, setFor(n)) })
		}
	}
	for _, n := range []int{8, 12} { // short values cost more
		s := NewSet()
		s.add([]byte(randomText(rand.New(rand.NewPCG(4, 4)), alphanumeric, n)))
		b.Run(fmt.Sprintf("lines/length=%d", n), func(b *testing.B) { against(b, lines, s) })
	}
}

func against(b *testing.B, text []byte, s *Set) {
	buf := make([]byte, 32<<10)
	var count, took time.Duration
	lines := 0
	b.ReportAllocs()
	for b.Loop() {
		t := cpu()
		for range 8 { // its own time is hardly more than the clock's grain
			lines += bytes.Count(text, []byte("\n"))
		}
		t2 := cpu()
		count += (t2 - t) / 8
		io.CopyBuffer(struct{ io.Writer }{io.Discard}, NewReader(bytes.NewReader(text), s), buf)
		took += cpu() - t2
	}
	b.ReportMetric(took.Seconds()/count.Seconds(), "xCount")
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/took.Seconds(), "MB/s")
	b.ReportMetric(float64(len(s.all())), "patterns")
}

var event = []byte(`data: {"id":"chatcmpl-9xKq","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" \"word\""}}]}` + "\n\n")

// BenchmarkEvent is one event of a stream, flushed by itself.
func BenchmarkEvent(b *testing.B) {
	for _, n := range []int{1, 100, 10000} {
		b.Run(fmt.Sprintf("values=%d", n), func(b *testing.B) {
			w := setFor(n).Rewriter()
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out, _ = w.Feed(out[:0], event)
			}
			if len(out) != len(event) {
				b.Fatalf("%d bytes are held", len(event)-len(out))
			}
		})
	}
}

// BenchmarkBody is a body of 64 KiB that is read whole.
func BenchmarkBody(b *testing.B) {
	text := events(64 << 10)
	s := setFor(100)
	from := cpu()
	for b.Loop() {
		io.Copy(io.Discard, NewBodyReader(bytes.NewReader(text), s, int64(len(text))))
	}
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpu()-from).Seconds(), "MB/s")
}

// BenchmarkBuild makes the tables, all at once, and adds one value to others.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1, 10, 100, 10000} {
		ps := patternsFor(n)
		b.Run(fmt.Sprintf("values=%d", n), func(b *testing.B) {
			from := cpu()
			for b.Loop() {
				newTables(ps, blanks{})
			}
			b.ReportMetric((cpu()-from).Seconds()*1e3/float64(b.N), "cpu-ms")
			b.ReportMetric(float64(len(ps)), "patterns")
		})
	}
}

// BenchmarkDrip is a compact text full of escapes that comes byte by byte: the
// most that is held, and the most that it costs to look at. An operation is a byte.
func BenchmarkDrip(b *testing.B) {
	text := bytes.Repeat([]byte(`%5cu0041\"`), 1<<10)
	w := setFor(100).Rewriter()
	var out []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := i % len(text)
		out, _ = w.Feed(out[:0], text[at:at+1])
	}
}
