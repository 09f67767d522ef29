package redact

// A Rewriter covers echoes in a stream that comes in chunks. It holds back the
// run of bytes at its end that are neither space nor control, at most 4 KiB: a
// form has none of these in it, so it is never cut. If a value has a space or a
// tab in it, that does not end the run, nor does the NUL behind a byte of UTF-16.
type Rewriter struct {
	set     *Set
	held    []byte  // as it came, and not released
	store   []byte  // the memory of held
	open    []group // reach into held; positions are relative to it
	finder  finder
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
// Where that is none, it does not search: what is held would be searched again for
// each byte that comes.
func (w *Rewriter) release(b []byte, end bool) int {
	t := w.set.tables.Load()
	if t == nil {
		return len(b)
	}
	n := len(b)
	if !end {
		n -= w.set.limits.holdback(b, t.blanks)
	}
	if n == 0 {
		return 0
	}
	w.finder.start(w.set.limits.span())
	w.finder.groups = append(w.finder.groups, w.open...)
	w.finder.find(t, b)
	w.cover(b, n)
	return n
}

// cover overwrites what was found in the first n bytes of b, and keeps what
// reaches further. What lies behind them is found again, but where only the end of
// a run is held: an escape may have been cut there, and be read as another one.
func (w *Rewriter) cover(b []byte, n int) {
	w.open = w.open[:0]
	weak := 0
	for _, g := range w.finder.groups {
		if g.start < n && !g.begun {
			g.begun, g.marked = true, g.fits()
			w.covered[g.form].Add(1)
		}
		if g.start < n && !g.told && g.isWeak() {
			g.told = true
			weak++
		}
		g.cover(b[:n])
		if g.end > n && (g.start < n || len(b)-n == w.set.limits.keep()) {
			g.shift(-n)
			w.open = append(w.open, g)
		}
	}
	w.set.tell(weak)
}

// holdback is the length of the run at the end of b that must wait. It depends on
// b and on whether spaces and tabs end a run, never on what the values are: a client
// that makes an origin pause could read a value from that, letter by letter. Of a
// run that is longer than hold so much goes at once that a search of all that is
// held does not follow for each byte.
func (l limits) holdback(b []byte, in blanks) int {
	n := in.heldBefore(b[len(b)-min(len(b), l.hold+1):])
	if n > l.hold {
		return l.keep()
	}
	return n
}
