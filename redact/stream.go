package redact

import "encoding/binary"

// A Rewriter covers echoes in a stream that comes in chunks. It holds back the
// run of bytes at its end that are neither space nor control, at most 4 KiB: a
// form has none of these in it, so it is never cut. If a value has a space or a
// tab in it, that does not end the run.
type Rewriter struct {
	set     *Set
	held    []byte // as it came, and not released
	store   []byte // the memory of held
	open    group  // began in what was released and reaches into held; positions are relative to held
	groups  []group
	covered tally
}

// Rewriter returns one for a new stream.
func (s *Set) Rewriter() *Rewriter { return &Rewriter{set: s} }

// Counts tells what was covered so far. It may be called while the stream runs.
func (w *Rewriter) Counts() Counts { return w.covered.counts() }

// Feed appends to dst what can be released once chunk has come. It never fails.
func (w *Rewriter) Feed(dst, chunk []byte) ([]byte, error) {
	return w.feed(dst, chunk, false), nil
}

// Flush appends what was held back: no more is to come.
func (w *Rewriter) Flush(dst []byte) ([]byte, error) {
	return w.feed(dst, nil, true), nil
}

func (w *Rewriter) feed(dst, chunk []byte, end bool) []byte {
	from := len(dst)
	dst = append(append(dst, w.held...), chunk...)
	return dst[:from+w.take(dst[from:], end)]
}

// take expects in b what was held and then what has come. It covers echoes in
// place, reports how much of b is released, and keeps the rest.
func (w *Rewriter) take(b []byte, end bool) int {
	n := w.release(b, end)
	w.held = append(w.store[:0], b[n:]...)
	w.store = w.held
	clear(b[n:]) // may be part of a value, and b is not ours
	return n
}

// release covers echoes in the first bytes of b and reports how many these are.
func (w *Rewriter) release(b []byte, end bool) int {
	t := w.set.tables.Load()
	if t == nil {
		return len(b)
	}
	n := len(b)
	if !end {
		n -= w.set.limits.holdback(b, t.blanks)
	}
	gs := w.groups[:0]
	if w.open.end > 0 {
		gs = append(gs, w.open)
	}
	gs = t.find(b, gs)
	w.groups, w.open = gs, group{}
	for _, g := range gs {
		if g.start >= n {
			break // wholly held: found again
		}
		if !g.begun {
			g.begun, g.marked = true, g.fits()
			w.covered[g.form].Add(1)
		}
		g.cover(b[:n])
		g.start, g.end, g.first = g.start-n, g.end-n, g.first-n
		w.open = g
	}
	return n
}

// holdback is the length of the run at the end of b that must wait. It depends on
// b and on whether spaces and tabs end a run, never on what the values are: a client
// that makes an origin pause could read a value from that, letter by letter.
func (l limits) holdback(b []byte, in blanks) int {
	least := uint64(' ')
	if !in.space {
		least++
	}
	most := min(len(b), l.hold)
	n := 0
	for ; n+8 <= most && !hasEnd(binary.LittleEndian.Uint64(b[len(b)-8-n:]), least); n += 8 {
	}
	for ; n < most; n++ {
		if c := b[len(b)-1-n]; (uint64(c) < least || c == 0x7f) && !(c == '\t' && in.tab) {
			break
		}
	}
	return n
}

// hasEnd reports whether one of eight bytes may end a run: it is below least, or DEL.
func hasEnd(eight, least uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	del := eight ^ 0x7f*ones // zero where DEL is
	return ((eight-least*ones)&^eight|(del-ones)&^del)&tops != 0
}
