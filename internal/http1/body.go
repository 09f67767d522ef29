package http1

import (
	"bufio"
	"io"
)

// Body reads the body behind a head, and its trailers. It reads nothing past
// their end, and gives io.EOF with the last bytes if it can tell without waiting
// that they are the last. A Read that gives less than it was asked for has taken
// what there was: the next one may wait.
//
// A body that ends too early gives io.ErrUnexpectedEOF, one with bad chunks an
// *Error. Both stay, and the connection is of no more use.
type Body struct {
	br   *bufio.Reader
	kind Kind
	left int64 // of the body, or of a chunk
	err  error

	state   state
	excess  int64 // bytes around chunks beyond what is fair
	lim     Limits
	trailer *head
}

// Reset begins a body that is framed like f.
func (b *Body) Reset(br *bufio.Reader, f Framing) {
	t := b.trailer
	*b = Body{br: br, kind: f.Kind, left: f.Length, trailer: t, lim: Limits{}.or(16<<10, 100)}
	if f.Kind == NoBody || f.Kind == Announced || f.Kind == Sized && f.Length == 0 {
		b.err = io.EOF
	}
	if t != nil {
		t.take()
	}
}

// Ended reports whether all of the body has been read, so that what the
// bufio.Reader gives next is the next message.
func (b *Body) Ended() bool { return b.err == io.EOF }

// Trailers are the fields behind the chunks, once the body has ended. Those that
// may not stand there are left out: see mayTrail.
func (b *Body) Trailers() []Field {
	if b.trailer == nil || !b.Ended() {
		return nil
	}
	return b.trailer.fields
}

// Release gives b's buffer away: no trailer may be used any more.
func (b *Body) Release() {
	b.trailer.release()
	*b = Body{}
}

func (b *Body) Read(p []byte) (n int, err error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.br == nil:
		return 0, io.EOF // the zero value
	case b.kind == Chunked:
		return b.readChunks(p)
	case b.kind == ToClose:
		n, b.err = b.br.Read(p)
		return n, b.err
	}
	n, b.err = b.readLeft(p)
	if b.left == 0 && b.err == nil {
		b.err = io.EOF
	}
	return n, b.err
}

// readLeft reads what is left of what has a length.
func (b *Body) readLeft(p []byte) (int, error) {
	n, err := b.br.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
