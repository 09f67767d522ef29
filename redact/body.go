package redact

import "io"

// maxWhole is the longest body that is read whole: in one, forms are found that
// are broken over lines.
const maxWhole = 1 << 20

// NewBodyReader is [NewReader] for a body whose length, known to be size, lets
// it be read whole, and which nobody waits for piece by piece. Up to 1 MiB, forms
// broken over lines are found in it too, by the price that nothing is given
// before all of it has come; what turns out to be longer streams. An empty set
// makes it a Reader like any other.
func NewBodyReader(src io.Reader, s *Set, size int64) *Reader {
	r := NewReader(src, s)
	if size > 0 && size <= maxWhole && !s.Empty() {
		r.ahead = int(size)
	}
	return r
}

// ReadAhead reads what a body that is read whole needs, so that Counts is final.
// It reports whether that is so; errors come from Read.
func (r *Reader) ReadAhead() bool {
	if r.ahead > 0 {
		r.readWhole()
	}
	return r.whole
}

// readWhole reads src to its end, and begins to stream where that is too far off.
func (r *Reader) readWhole() {
	b := make([]byte, 0, min(r.ahead+1, 64<<10)) // more once it has come
	r.ahead = 0
	for r.err == nil && len(b) <= maxWhole {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := readSome(r.src, b[len(b):min(cap(b), maxWhole+1)])
		b, r.err = b[:len(b)+n], err
	}
	if r.whole = r.err == io.EOF; r.whole {
		r.rw.Cover(b)
		r.out = b
		return
	}
	r.out = b[:r.rw.take(b, r.err != nil)]
}

// Cover covers echoes in b, all that a stream or a message has, in place.
func (w *Rewriter) Cover(b []byte) {
	if t := w.set.tables.Load(); t != nil {
		w.finder.findWhole(t, b)
		w.cover(b, len(b))
	}
}
