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

	weak               bool // an echo of a weak value is among the matches
	told               bool // and was counted
	sureStart, sureEnd int  // what echoes of other values cover of it
}

// A finder finds the echoes in a text. It keeps its memory from one to the next.
type finder struct {
	groups []group
	span   int // most bytes that a form in a view has; 0 is without limit

	lines  view         // the text without its line breaks
	undone [layers]view // without escapes, each that of the one before
	via    []*view      // from what is being searched to the text
	plain  form         // what a verbatim match in it is, where no escapes were undone
	seen   bool         // a match with nothing undone in it is none

	looked int // bytes, for the tests of what a slow origin costs
}

// layers is how many escapes may be one in another.
const layers = 4

// start forgets what was found.
func (f *finder) start(span int) { f.groups, f.span = f.groups[:0], span }

// rest lets go of the texts that were searched: they may have a value in them.
func (f *finder) rest() {
	f.lines.forget()
	for n := range layers {
		f.undone[n].forget()
	}
}

// find adds all matches that lie wholly in b, and makes groups of those that
// overlap, in order.
func (f *finder) find(t *tables, b []byte) {
	f.through(t, b, verbatim)
	f.merge()
}

// findWhole is find for a body at hand as a whole, in which forms may be broken
// over lines as well.
func (f *finder) findWhole(t *tables, b []byte) {
	f.start(0)
	if f.lines.join(b) {
		f.through(t, f.lines.text, inWrapped, &f.lines)
	}
	if f.lines.unquote(b) {
		f.through(t, f.lines.text, inQuoted, &f.lines)
	}
	f.find(t, b)
}

// through searches text, and what it is when its escapes are undone.
func (f *finder) through(t *tables, text []byte, plain form, via ...*view) {
	f.plain, f.via = plain, append(f.via[:0], via...)
	if len(via) > 0 { // what was joined can hold a form whose escapes its sender undid
		f.lookUndone(t, text)
	} else {
		f.look(t, text)
	}
	in := t.blanks
	for i := range f.undone {
		v := &f.undone[i]
		if !v.unescape(text, in) {
			return
		}
		in = inView
		f.via = slices.Insert(f.via, 0, v)
		f.lookUndone(t, v.text)
		text = v.text
	}
}

// look searches text, which leads via views to the text of the finder.
func (f *finder) look(t *tables, text []byte) {
	f.looked += len(text)
	for _, tier := range t.tiers {
		if tier.long != nil {
			tier.long.scan(text, f)
		}
		if tier.short != nil {
			tier.short.scan(text, f)
		}
	}
}

// lookUndone is look for a text of which something was undone.
func (f *finder) lookUndone(t *tables, text []byte) {
	f.look(t, text)
	f.seen = true
	for i := range t.tiers {
		if seen := t.tiers[i].seen; seen != nil {
			seen.scan(text, f)
		}
	}
	f.seen = false
}

// found adds a match.
func (f *finder) found(start, end int, p *pattern) {
	n, as, undone := end-start, p.form, form(verbatim)
	for _, v := range f.via {
		undone = undone.and(v.undone(start, end))
		start, end = v.source(start, end)
	}
	if f.seen && end-start == n {
		return
	}
	if len(f.via) > 0 && f.span > 0 && end-start > f.span {
		return
	}
	if as == verbatim && undone != verbatim {
		as = undone
	} else if as == verbatim {
		as = f.plain
	}
	g := group{start: start, end: end, first: end, form: as, weak: p.weak}
	if !p.weak {
		g.sureStart, g.sureEnd = start, end
	}
	f.groups = add(f.groups, g)
}

func (f *finder) merge() {
	gs := f.groups
	if len(gs) < 2 {
		return
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
	f.groups = gs[:n+1]
}

func (g *group) overlaps(o group) bool { return g.start < o.end && o.start < g.end }

func (g *group) join(o group) {
	if o.start < g.start || o.start == g.start && (o.first > g.first || o.first == g.first && o.form < g.form) {
		g.start, g.first, g.form = o.start, o.first, o.form
	}
	g.end = max(g.end, o.end)
	g.joinSure(o)
}

// scan is the hot loop. It is this short so that a processor has the filter's words
// of several windows on their way at a time.
func (t *table) scan(b []byte, f *finder) {
	filter, shift, mask, stride := t.filter, t.filterShift&63, t.mask, t.stride
	i := 0
	for ; i <= len(b)-8; i += stride {
		h := mix(binary.LittleEndian.Uint64(b[i:]) & mask)
		word := filter[h>>shift]
		if word>>(h>>32&63)&(word>>(h>>38&63))&1 != 0 {
			t.verify(b, i, h, f)
		}
	}
	for ; i+t.width <= len(b); i += stride {
		t.verify(b, i, mix(t.window(b, i)), f)
	}
}

// verify finds the patterns that have a window of hash h at b[i:] and match around it.
func (t *table) verify(b []byte, i int, h uint64, f *finder) {
	s := h >> t.slotShift
	for t.slots[s].run != 0 && t.slots[s].tag != uint32(h) {
		s = (s + 1) & uint64(len(t.slots)-1)
	}
	if t.slots[s].run == 0 {
		return
	}
	for _, at := range t.spots[t.slots[s].run-1:] {
		p := &t.patterns[at.pattern]
		start := i - int(at.at&^lastSpot)
		end := start + len(p.text)
		if start >= 0 && end <= len(b) && bytes.Equal(b[start:end], p.text) {
			f.found(start, end, p)
		}
		if at.at&lastSpot != 0 {
			break
		}
	}
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

// shift moves g by n bytes.
func (g *group) shift(n int) {
	g.start, g.end, g.first = g.start+n, g.end+n, g.first+n
	g.sureStart, g.sureEnd = g.sureStart+n, g.sureEnd+n
}

// fits reports whether the whole of Marker does.
func (g *group) fits() bool { return g.end-g.start >= len(Marker) }
