// Package stream runs a rewriter over a reader.
//
//	src := stream.NewReader(req.Body, placeholder.NewJSON(values))
//	_, err := io.Copy(conn, src)
//
// A reader never waits for more input while it has output to give, and gives an
// error of its source only after all output that came before it. It flushes the
// rewriter at io.EOF and at nothing else: what a rewriter holds when its source
// breaks may be half of something, so it is dropped.
package stream

import "io"

// Rewriter changes a byte stream chunk by chunk. Both methods append to dst and
// return it, do not keep dst or chunk, and may return output beside an error. An
// error is final.
type Rewriter interface {
	Feed(dst, chunk []byte) ([]byte, error)
	Flush(dst []byte) ([]byte, error) // the stream has ended
}

// NewReader returns what rw makes of src. It reads src straight into the buffer
// of its caller, so that it keeps no memory but for output that did not fit.
func NewReader(src io.Reader, rw Rewriter) io.Reader {
	return &reader{src: src, rw: rw}
}

// maxEmpty is how many reads in a row may give nothing, as in bufio.
const maxEmpty = 100

type reader struct {
	src io.Reader
	rw  Rewriter
	buf []byte // keeps its memory from fill to fill
	out []byte // what is left of buf
	err error  // sticky, and due once out has gone
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for empty := 0; len(r.out) == 0; {
		if r.err != nil {
			return 0, r.err
		}
		if r.fill(p) > 0 {
			empty = 0
		} else if empty++; empty == maxEmpty {
			r.err = io.ErrNoProgress
		}
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill makes output of one read into p and reports how much was read.
func (r *reader) fill(p []byte) int {
	n, err := r.src.Read(p)
	r.out, r.err = r.rw.Feed(r.buf[:0], p[:n])
	clear(p[min(len(r.out), n):n]) // what rw holds back is not for the caller to see
	if r.err == nil {
		if r.err = err; err == io.EOF {
			r.end()
		}
	}
	r.buf = r.out
	return n
}

func (r *reader) end() {
	out, err := r.rw.Flush(r.out)
	if r.out = out; err != nil {
		r.err = err
	}
}
