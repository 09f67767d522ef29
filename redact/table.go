package redact

import (
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

	// An open-addressing hash table from windows to runs in spots.
	slots     []slot
	slotShift uint
	spots     []spot
}

// A slot has a part of the hash of a window, and 1 + the index of its first spot;
// 0 in an empty one. Windows that share both are one to it: patterns are compared whole.
type slot struct{ tag, run uint32 }

// A spot is where a pattern has a window. Patterns are shorter than its bits are.
type spot struct {
	pattern uint32
	at      uint16 // from its start; the upper bit is set in the last of a run
}

const lastSpot = 1 << 15

type windowAt struct {
	hash uint64
	spot
}

const (
	maxWidth   = 8
	fewWindows = 64 << 10 // as long as there are no more, stride may be maxStride
	mostStride = 16       // otherwise
	maxStride  = 32
	shortest   = 16 // of the patterns in the long table
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
	t.stride = min(least-t.width+1, max(mostStride, min(maxStride, fewWindows/len(patterns))))
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
			chosen = append(chosen, windowAt{mix(t.window(p.text, off)), spot{uint32(i), uint16(off)}})
		}
	}
	return chosen
}

// candidates yields a few places, spread over text, where its windows may start:
// the fewer the more patterns there are, to bound the census. Among few patterns a
// beginning or an end that they share is all there is to avoid, and whoever adds a
// value waits for their table.
func (t *table) candidates(text []byte) iter.Seq[int] {
	const windows = 1 << 19
	most := 8
	if len(t.patterns) < smallTier {
		most = 3
	}
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
func (t *table) index(chosen []windowAt) {
	filterBits := filterBits(len(chosen))
	t.filter, t.filterShift = make([]uint64, 1<<(filterBits-6)), uint(64-(filterBits-6))
	slotBits := bits.Len(uint(len(chosen) + len(chosen)/3))
	t.slots, t.slotShift = make([]slot, 1<<slotBits), uint(64-slotBits)
	t.spots = make([]spot, len(chosen))
	for _, at := range chosen {
		t.filter[at.hash>>t.filterShift] |= 1<<(at.hash>>32&63) | 1<<(at.hash>>38&63)
		t.slot(at.hash).run++ // a count for now
	}
	end := uint32(1)
	for i := range t.slots {
		if s := &t.slots[i]; s.run > 0 {
			end += s.run
			s.run = end
			t.spots[end-2].at = lastSpot
		}
	}
	for _, at := range slices.Backward(chosen) {
		s := t.slot(at.hash)
		s.run--
		t.spots[s.run-1] = spot{at.pattern, at.at | t.spots[s.run-1].at}
	}
}

// slot is the one of a hash, new if there was none.
func (t *table) slot(hash uint64) *slot {
	i := hash >> t.slotShift
	for t.slots[i].run != 0 && t.slots[i].tag != uint32(hash) {
		i = (i + 1) & uint64(len(t.slots)-1)
	}
	t.slots[i].tag = uint32(hash)
	return &t.slots[i]
}

// filterBits is 12 to 24 for each window, but half of that beyond the size that a
// processor's caches hold beside all else: a miss costs more than a window that the
// filter does not dismiss.
func filterBits(windows int) int {
	const least, cached, most = 13, 21, 26
	n := bits.Len(uint(12 * windows))
	if n > cached {
		n = max(cached, n-1)
	}
	return min(max(n, least), most)
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
