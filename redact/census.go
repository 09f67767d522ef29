package redact

import "math/bits"

// A census counts how many times patterns have a window, among those by which
// they might be known.
type census struct {
	table *table
	slots []tallied
	shift uint
}

type tallied struct {
	window uint64
	n      uint32
}

func newCensus(t *table) *census {
	total := 0
	for _, p := range t.patterns {
		for range t.candidates(p.text) {
			total += t.stride
		}
	}
	size := bits.Len(uint(2 * total))
	c := &census{table: t, slots: make([]tallied, 1<<size), shift: uint(64 - size)}
	for _, p := range t.patterns {
		for start := range t.candidates(p.text) {
			for off := start; off < start+t.stride; off++ {
				c.slot(t.window(p.text, off)).n++
			}
		}
	}
	return c
}

func (c *census) slot(window uint64) *tallied {
	i := mix(window) >> c.shift
	for c.slots[i].n != 0 && c.slots[i].window != window {
		i = (i + 1) & uint64(len(c.slots)-1)
	}
	c.slots[i].window = window
	return &c.slots[i]
}

// of sums up the windows of text that begin at start and after it. One byte over
// and over counts as shared by all: texts are full of such runs.
func (c *census) of(text []byte, start int) uint64 {
	sum := uint64(0)
	for off := start; off < start+c.table.stride; off++ {
		w := c.table.window(text, off)
		sum += uint64(c.slot(w).n)
		if w == w&0xff*0x0101010101010101&c.table.mask {
			sum += uint64(len(c.slots))
		}
	}
	return sum
}
