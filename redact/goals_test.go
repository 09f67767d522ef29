package redact

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkGoals prints what searching costs beside what it may cost, with the
// time of bytes.Count on the same text in the same run to compare machines by:
//
//	make bench-redact
//
// A byte costs 1.71 ns to relay where the goals were set (docs/performance.md).
// Those of redaction there, 15 % of it with 100 values and 35 % with 10,000
// patterns, are written out here as what a search may take of processor time.
// Everything is measured in turn, in rounds. The least counts: what else the machine
// does only adds to it.
func BenchmarkGoals(b *testing.B) {
	for range b.N {
		fmt.Printf("| %-45s | %-15s | %-15s | %-13s | %-7s |\n", "What", "Goal", "Measured", "× bytes.Count", "Verdict")
		fmt.Printf("|-%.45s-|-%.15s-|-%.15s-|-%.13s-|-%.7s-|\n", dashes, dashes, dashes, dashes, dashes)
		searchGoals()
		eventGoals()
		buildGoals()
		fmt.Print("\nAgain: make bench-redact, or go test ./redact -run '^$' -bench '^BenchmarkGoals$' -benchtime 1x\n")
	}
}

const dashes = "----------------------------------------------"

// A target is a row of the table. Without a goal it is only told.
type target struct {
	what   string
	goal   float64 // ns a byte
	text   []byte
	values int
	least  int // patterns that values are added for, instead of a number of them
}

const (
	goalOf100      = 0.15 * 1.71 // ns a byte
	goalOfPatterns = 0.35 * 1.71
	goalOfDecoding = 1 / 0.6 // the slowest that the first sketch of it was, in GB/s
)

func targets() []target {
	lines, compact, escaped, random := texts()
	return []target{
		{"search, 1 value", goalOf100, lines, 1, 0},
		{"search, 10 values", goalOf100, lines, 10, 0},
		{"search, 100 patterns", goalOf100, lines, 0, 100},
		{"search, 100 values", goalOf100, lines, 100, 0},
		{"search, 10,000 patterns", goalOfPatterns, lines, 0, 10000},
		{"search, 10,000 values", goalOfPatterns, lines, 10000, 0},
		{"search without spaces, 100 values", goalOf100, compact, 100, 0},
		{"search of random bytes, 100 values", 0, random, 100, 0},
		{"search and decoding, JSON in JSON, 100 values", goalOfDecoding, escaped, 100, 0},
	}
}

// searchGoals measures what a Reader adds to one with nothing to look for.
func searchGoals() {
	list := targets()
	none := NewSet()
	sets := make([]*Set, len(list))
	for i, t := range list {
		if sets[i] = setFor(t.values); t.least > 0 {
			sets[i] = setOf(t.least)
		}
	}
	with, without, count := make([][]float64, len(list)), make([][]float64, len(list)), make([][]float64, len(list))
	for range 15 {
		for i, t := range list {
			without[i] = append(without[i], perByte(t.text, func() { drain(t.text, none) }))
			with[i] = append(with[i], perByte(t.text, func() { drain(t.text, sets[i]) }))
			count[i] = append(count[i], perByte(t.text, func() { bytes.Count(t.text, []byte("\n")) }))
		}
	}
	for i, t := range list {
		added := slices.Min(with[i]) - slices.Min(without[i])
		judged(t.what, t.goal, added, "ns a byte", added/slices.Min(count[i]))
	}
}

// setOf has as many values as have least patterns together.
func setOf(least int) *Set {
	r := rand.New(rand.NewPCG(5, 6))
	var ps []pattern
	for i := 0; len(ps) < least; i++ {
		ps = append(ps, patternsOf([]byte(secret(r, i)), NewSet().limits)...)
	}
	s := NewSet()
	s.tables.Store(newTables(ps, blanks{}))
	return s
}

func drain(text []byte, s *Set) {
	io.CopyBuffer(struct{ io.Writer }{io.Discard}, NewReader(bytes.NewReader(text), s), make([]byte, 32<<10))
}

// perByte is the processor time of f in ns for each byte of text. What it takes
// is short beside the clock's grain, so it is done again.
func perByte(text []byte, f func()) float64 {
	from, times := cpu(), 0
	for ; times == 0 || cpu()-from < 20*time.Millisecond; times++ {
		f()
	}
	return float64((cpu() - from).Nanoseconds()) / float64(times*len(text))
}

// eventGoals: the time that the client waits for an event, and what is held at its end.
func eventGoals() {
	w := setFor(100).Rewriter()
	var out []byte
	out, _ = w.Feed(out, event)
	each := perByte(event, func() {
		for range 1000 {
			out, _ = w.Feed(out[:0], event)
		}
	}) * float64(len(event)) / 1000
	count := perByte(event, func() {
		for range 1000 {
			bytes.Count(event, []byte("\n"))
		}
	}) * float64(len(event)) / 1000
	judged("an event of a stream, 100 values", 150, each/1e3, "us", each/count)
	judged("held at the end of an event", 0, float64(len(w.held)), "bytes", 0)
}

// buildGoals: tables for 10,000 patterns; the goals are what the first sketch needed.
func buildGoals() {
	ps := setOf(10000).all()
	from := cpu()
	made := newTables(ps, blanks{})
	took := cpu() - from
	texts, tables := made.memory()
	judged("tables for 10,000 patterns, made in", 200, took.Seconds()*1e3, "ms", 0)
	judged("their memory, texts of patterns apart", 4.5, float64(tables)/(1<<20), "MiB", 0)
	judged("the texts", 0, float64(texts)/(1<<20), "MiB", 0)
	r, n := rand.New(rand.NewPCG(7, 8)), 200
	from = cpu()
	for i := range n {
		patternsOf([]byte(secret(r, i)), NewSet().limits)
	}
	judged("the patterns of a value, made in", 0, (cpu()-from).Seconds()*1e3/float64(n), "ms", 0)
}

// memory is how many bytes the texts of patterns have, and all else.
func (t *tables) memory() (texts, other int) {
	for _, tier := range t.tiers {
		other += bytesOf(tier.again) + bytesOf(tier.owners)
		for _, table := range []*table{tier.long, tier.short, tier.seen} {
			if table == nil {
				continue
			}
			other += bytesOf(table.patterns) + bytesOf(table.filter) + bytesOf(table.slots) + bytesOf(table.spots)
			for _, p := range table.patterns {
				texts += len(p.text)
			}
		}
	}
	return texts, other
}

func bytesOf[T any](list []T) int { return cap(list) * int(unsafe.Sizeof(*new(T))) }

// What a value costs in memory stays in bounds: patterns are few, and small.
func TestMemoryOfPatterns(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	all := 0
	for i := range 600 {
		v := secret(r, i)
		n := len(patternsOf([]byte(v), NewSet().limits))
		if most := []int{14, 15, 50, 12, 120, 21}[i%6]; n > most {
			t.Errorf("%s has %d patterns, %d at most", v, n, most)
		}
		all += n
	}
	if all > 18*600 {
		t.Errorf("%d patterns for 600 values of usual shapes", all)
	}
	for _, least := range []int{10, 1000, 10000} {
		s := setOf(least)
		texts, other := s.tables.Load().memory()
		n := len(s.all())
		t.Logf("%d patterns: tables %d bytes each, texts %d", n, other/n, texts/n)
		// 16 windows of 8 + 8 / 0.4 + 3 bytes, or twice as many where there are few patterns.
		if most := 10<<20/2/10000*n + 64<<10; least >= 10000 && other > most || other > 2*most {
			t.Errorf("tables for %d patterns have %d bytes, %d at most", n, other, most)
		}
	}
}

func judged(what string, goal, measured float64, unit string, ratio float64) {
	limit, verdict, against := "-", "-", "-"
	if goal > 0 {
		limit, verdict = fmt.Sprintf("%.3g %s", goal, unit), "met"
		if measured > goal {
			verdict = "not met"
		}
	}
	if ratio > 0 {
		against = fmt.Sprintf("%.1f", ratio)
	}
	if unit == "bytes" {
		limit, verdict = "0 bytes", "met"
		if measured > 0 {
			verdict = "not met"
		}
	}
	fmt.Printf("| %-45s | %-15s | %-15s | %-13s | %-7s |\n", what, limit, fmt.Sprintf("%.3g %s", measured, unit), against, verdict)
}
