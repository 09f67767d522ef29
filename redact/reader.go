package redact

import "io"

// A Reader covers echoes in a stream. What it holds back is said at [Rewriter].
type Reader struct {
	src io.Reader
	err error // sticky, and due once out has gone
	rw  Rewriter
	own []byte // to read into where the caller has no room
	out []byte // released, in own

	ahead int  // bytes to expect of a body that is to be read whole
	whole bool // it was
}

const (
	minRoom  = 512     // less is not worth a read
	ownRoom  = 4 << 10 // beside what is held
	maxEmpty = 100     // reads without a byte before giving up, as bufio
)

// NewReader returns a Reader of src. It takes values into account that are added
// to s later, never waits for src while it has bytes to give, and gives the error
// of src after all bytes.
func NewReader(src io.Reader, s *Set) *Reader {
	return &Reader{src: src, rw: Rewriter{set: s}}
}

// Counts tells what was covered so far. It may be called while the stream runs.
func (r *Reader) Counts() Counts { return r.rw.Counts() }

// Held is how many bytes have come and cannot be released yet.
func (r *Reader) Held() int { return len(r.rw.held) + len(r.out) }

// Read implements io.Reader. It may use all of p.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if n := r.fill(p); n > 0 {
			return n, nil
		}
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill reads once. What is released then is in p, and fill reports how much, or
// in r.out.
func (r *Reader) fill(p []byte) int {
	if r.ahead > 0 {
		r.readWhole()
		return 0
	}
	held := r.rw.held
	if len(held) == 0 || len(p)-len(held) >= minRoom {
		return r.readInto(p)
	}
	if r.own == nil {
		r.own = make([]byte, r.rw.set.limits.hold+ownRoom)
	}
	r.out = r.own[:r.readInto(r.own)]
	return 0
}

// readInto puts into b what was held and then what src gives, and reports how
// much of b is released.
func (r *Reader) readInto(b []byte) int {
	n := copy(b, r.rw.held)
	m, err := readSome(r.src, b[n:])
	r.err = err
	return r.rw.take(b[:n+m], err != nil)
}

func readSome(src io.Reader, b []byte) (n int, err error) {
	for range maxEmpty {
		if n, err = src.Read(b); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
