package redact

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

// A table finds many patterns at once. Of each it knows the windows of width
// bytes that begin at stride places in a row: whoever looks at one window every
// stride bytes meets one of them. Nearly all windows of a text are dismissed by a
// Bloom filter with one word for each window; what is left is compared exactly.
type table struct {
	patterns []pattern
	width    int
	stride   int
	mask     uint64 // keeps width bytes of a word

	filter      []uint64
	filterShift uint

	// An open-addressing hash table from windows to runs in spots: 1 + the index
	// of the first, 0 in an empty slot.
	windows   []uint64
	runs      []uint32
	slotShift uint
	spots     []spot
}

// A spot is where a pattern has a window.
type spot struct {
	pattern uint32
	offset  uint32
	last    bool // of the run that has this window
}

type windowAt struct {
	window uint64
	spot
}

const (
	maxWidth  = 8
	maxStride = 16
	shortest  = 16 // of the patterns in the long table
)

// mix spreads a window over 64 bits; the upper ones are the good ones.
func mix(window uint64) uint64 { return window * 0x9E3779B97F4A7C15 }

// newTable needs at least one pattern, and none twice.
func newTable(patterns []pattern) *table {
	least := len(patterns[0].text)
	for _, p := range patterns {
		least = min(least, len(p.text))
	}
	t := &table{patterns: patterns, width: min(maxWidth, least/2)}
	t.stride = min(least-t.width+1, maxStride)
	t.mask = ^uint64(0) >> (64 - 8*t.width)
	t.index(t.choose())
	return t
}

// choose returns for each pattern the windows to know it by: those that fewest
// patterns share, so that a common beginning such as "sk-live-" is not among them.
func (t *table) choose() []windowAt {
	count := newCensus(t)
	chosen := make([]windowAt, 0, len(t.patterns)*t.stride)
	for i, p := range t.patterns {
		best, least := 0, ^uint64(0)
		for start := range t.candidates(p.text) {
			if n := count.of(p.text, start); n < least {
				best, least = start, n
			}
		}
		for off := best; off < best+t.stride; off++ {
			chosen = append(chosen, windowAt{t.window(p.text, off), spot{pattern: uint32(i), offset: uint32(off)}})
		}
	}
	slices.SortStableFunc(chosen, func(a, b windowAt) int { return cmp.Compare(a.window, b.window) })
	return chosen
}

// candidates yields a few places, spread over text, where its windows may start:
// the fewer the more patterns there are, to bound the census.
func (t *table) candidates(text []byte) iter.Seq[int] {
	const most, windows = 8, 1 << 19
	places := min(most, max(2, windows/(len(t.patterns)*t.stride)))
	last := len(text) - t.width - t.stride + 1
	return func(yield func(int) bool) {
		for i := range min(places, last+1) {
			if !yield(i * last / max(1, min(places, last+1)-1)) {
				return
			}
		}
	}
}

// index builds the filter and the hash table.
func (t *table) index(sorted []windowAt) {
	filterBits := min(max(bits.Len(uint(12*len(sorted))), 13), 26)
	t.filter, t.filterShift = make([]uint64, 1<<(filterBits-6)), uint(64-(filterBits-6))
	slotBits := bits.Len(uint(2 * len(sorted)))
	t.windows, t.runs, t.slotShift = make([]uint64, 1<<slotBits), make([]uint32, 1<<slotBits), uint(64-slotBits)
	t.spots = make([]spot, len(sorted))
	for i, at := range sorted {
		t.spots[i] = at.spot
		t.spots[i].last = i+1 == len(sorted) || sorted[i+1].window != at.window
		if i > 0 && sorted[i-1].window == at.window {
			continue
		}
		h := mix(at.window)
		t.filter[h>>t.filterShift] |= 1<<(h>>32&63) | 1<<(h>>38&63)
		s := h >> t.slotShift
		for t.runs[s] != 0 {
			s = (s + 1) & uint64(len(t.runs)-1)
		}
		t.windows[s], t.runs[s] = at.window, uint32(i+1)
	}
}

// window is the one at b[i:], which must hold width bytes.
func (t *table) window(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:]) & t.mask
	}
	var w [8]byte
	copy(w[:], b[i:i+t.width])
	return binary.LittleEndian.Uint64(w[:])
}
