package redact

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// A group is a stretch of text covered by matches that overlap.
type group struct {
	start, end int
	first      int  // end of the longest match that begins at start
	form       form // of that match
	begun      bool // its first bytes have been released
	marked     bool // and they are those of Marker
}

// find adds to gs all matches that lie wholly in b and returns the groups that
// they form, in order.
func (t *tables) find(b []byte, gs []group) []group {
	if t.long != nil {
		gs = t.long.scan(b, gs)
	}
	if t.short != nil {
		gs = t.short.scan(b, gs)
	}
	if len(gs) < 2 {
		return gs
	}
	slices.SortFunc(gs, func(a, b group) int { return a.start - b.start })
	n := 0
	for _, g := range gs[1:] {
		if g.start < gs[n].end {
			gs[n].join(g)
		} else {
			n++
			gs[n] = g
		}
	}
	return gs[:n+1]
}

func (g *group) overlaps(o group) bool { return g.start < o.end && o.start < g.end }

func (g *group) join(o group) {
	if o.start < g.start || o.start == g.start && o.first > g.first {
		g.start, g.first, g.form = o.start, o.first, o.form
	}
	g.end = max(g.end, o.end)
}

// scan is the hot loop: four windows in flight hide the latency of the filter.
func (t *table) scan(b []byte, gs []group) []group {
	filter, shift, mask, stride := t.filter, t.filterShift&63, t.mask, t.stride
	i := 0
	for n := len(b) - 8 - 3*stride; i <= n; i += 4 * stride {
		h0 := mix(binary.LittleEndian.Uint64(b[i:]) & mask)
		h1 := mix(binary.LittleEndian.Uint64(b[i+stride:]) & mask)
		h2 := mix(binary.LittleEndian.Uint64(b[i+2*stride:]) & mask)
		h3 := mix(binary.LittleEndian.Uint64(b[i+3*stride:]) & mask)
		f0, f1, f2, f3 := filter[h0>>shift], filter[h1>>shift], filter[h2>>shift], filter[h3>>shift]
		f0 = f0 >> (h0 >> 32 & 63) & (f0 >> (h0 >> 38 & 63))
		f1 = f1 >> (h1 >> 32 & 63) & (f1 >> (h1 >> 38 & 63))
		f2 = f2 >> (h2 >> 32 & 63) & (f2 >> (h2 >> 38 & 63))
		f3 = f3 >> (h3 >> 32 & 63) & (f3 >> (h3 >> 38 & 63))
		if (f0|f1|f2|f3)&1 == 0 {
			continue
		}
		for k := range 4 {
			gs = t.verify(b, i+k*stride, gs)
		}
	}
	for ; i+t.width <= len(b); i += stride {
		gs = t.verify(b, i, gs)
	}
	return gs
}

// verify adds the patterns that have their window at b[i:] and match around it.
func (t *table) verify(b []byte, i int, gs []group) []group {
	w := t.window(b, i)
	s := mix(w) >> t.slotShift
	for t.runs[s] != 0 && t.windows[s] != w {
		s = (s + 1) & uint64(len(t.runs)-1)
	}
	if t.runs[s] == 0 {
		return gs
	}
	for _, at := range t.spots[t.runs[s]-1:] {
		p := &t.patterns[at.pattern]
		start := i - int(at.offset)
		end := start + len(p.text)
		if start >= 0 && end <= len(b) && bytes.Equal(b[start:end], p.text) {
			gs = add(gs, group{start: start, end: end, first: end, form: p.form})
		}
		if at.last {
			break
		}
	}
	return gs
}

// add joins g to the last group where it can, so that a text full of matches
// needs no more memory than one with few.
func add(gs []group, g group) []group {
	if n := len(gs); n > 0 && gs[n-1].overlaps(g) {
		gs[n-1].join(g)
		return gs
	}
	return append(gs, g)
}

// cover overwrites what lies of g in b.
func (g *group) cover(b []byte) {
	for i := max(g.start, 0); i < min(g.end, len(b)); i++ {
		if off := i - g.start; g.marked && off < len(Marker) {
			b[i] = Marker[off]
		} else {
			b[i] = '*'
		}
	}
}

// fits reports whether the whole of Marker does.
func (g *group) fits() bool { return g.end-g.start >= len(Marker) }
