package http1

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
)

// Writer writes messages. Each begins with Request or Response, goes on with any
// number of Write, and finishes with End. Bytes leave when the bufio.Writer is
// full, at Flush and at End: a message that fits into it is one write. Who copies
// a stream calls Flush when its source has nothing more at hand.
//
// A head is checked before any of it is written, so that a value cannot end a
// line. An error stays: what was begun cannot be finished, and the connection
// has to be reset, lest a part be taken for the whole.
type Writer struct {
	bw   *bufio.Writer
	kind Kind
	left int64 // of Sized
	open bool  // between a head and its End
	err  error
}

// Errors of a Writer, all of them its caller's mistakes.
var (
	ErrHead     = errors.New("HTTP/1: this head cannot be written")
	ErrLength   = errors.New("HTTP/1: the body is not as long as its head says")
	ErrSequence = errors.New("HTTP/1: a message is not finished, or not begun")
	ErrTrailer  = errors.New("HTTP/1: no such trailer behind this body")
)

// Reset makes w write to bw from now on, with nothing begun.
func (w *Writer) Reset(bw *bufio.Writer) { *w = Writer{bw: bw} }

// Request begins a request, whose fields hold Host. Of the fields of framing, the first that fits f keeps
// its place and case and gets its value from f; the others are left out.
func (w *Writer) Request(method, target []byte, fields []Field, f Framing) error {
	ok := isToken(method) && len(target) > 0 && isWord(target) && f.Kind != ToClose && f.Kind != Announced && oneHost(fields)
	if err := w.begin(ok, fields, f); err != nil {
		return err
	}
	w.bw.Write(method)
	w.bw.WriteByte(' ')
	w.bw.Write(target)
	w.bw.WriteString(" HTTP/1.1\r\n")
	return w.head(fields, f)
}

// Response begins a response, as Request does. One with a status below 200 has
// another one behind it, but for 101.
func (w *Writer) Response(status int, reason []byte, fields []Field, f Framing) error {
	ok := status >= 100 && status <= 999 && isText(reason) && f.fits(status)
	if err := w.begin(ok, fields, f); err != nil {
		return err
	}
	w.bw.WriteString("HTTP/1.1 ")
	w.bw.Write(strconv.AppendInt(w.bw.AvailableBuffer(), int64(status), 10))
	w.bw.WriteByte(' ')
	w.bw.Write(reason)
	w.bw.Write(endOfLine)
	return w.head(fields, f)
}

// isWord reports whether b may stand between the spaces of a first line.
func isWord(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func oneHost(fields []Field) bool {
	n := 0
	for _, f := range fields {
		if is(f.Name, "host") {
			n++
		}
	}
	return n == 1
}

// fits reports whether a response with that status may be framed like f. Without
// a body may be any, since it may be one to HEAD.
func (f Framing) fits(status int) bool {
	switch {
	case status/100 == 1, status == 204:
		return f.Kind == NoBody
	case status == 304:
		return f.Kind == NoBody || f.Kind == Announced
	}
	return true
}

func (w *Writer) begin(ok bool, fields []Field, f Framing) error {
	if w.open {
		return w.stop(ErrSequence)
	}
	for _, field := range fields {
		ok = ok && isToken(field.Name) && isText(field.Value)
	}
	if !ok || f.Length < 0 {
		return w.stop(ErrHead)
	}
	w.kind, w.left, w.open = f.Kind, f.Length, w.err == nil
	return w.err
}

// head writes fields that were checked. bufio keeps the first error for Flush.
func (w *Writer) head(fields []Field, f Framing) error {
	own, name := f.field()
	for _, field := range fields {
		switch k := knownName(field.Name); {
		case k == own && own != other:
			w.bw.Write(field.Name)
			w.framing(f)
			own = other
		case k != contentLength && k != transferEncoding:
			w.field(field.Name, field.Value)
		}
	}
	if own != other {
		w.bw.WriteString(name)
		w.framing(f)
	}
	_, err := w.bw.Write(endOfLine)
	return w.fail(err)
}

// field is the name of the field that f is written in.
func (f Framing) field() (known, string) {
	switch f.Kind {
	case Sized, Announced:
		return contentLength, "Content-Length"
	case Chunked:
		return transferEncoding, "Transfer-Encoding"
	}
	return other, ""
}

// framing writes what follows the name of the field that f is written in.
func (w *Writer) framing(f Framing) {
	w.bw.WriteString(": ")
	if f.Kind == Chunked {
		w.bw.WriteString("chunked")
	} else {
		w.bw.Write(strconv.AppendInt(w.bw.AvailableBuffer(), f.Length, 10))
	}
	w.bw.Write(endOfLine)
}

func (w *Writer) field(name, value []byte) {
	w.bw.Write(name)
	w.bw.WriteString(": ")
	w.bw.Write(value)
	w.bw.Write(endOfLine)
}

// Write writes a part of the body, which is a chunk where the body has chunks.
func (w *Writer) Write(p []byte) (int, error) {
	switch {
	case w.err != nil:
		return 0, w.err
	case !w.open:
		return 0, w.stop(ErrSequence)
	case len(p) == 0:
		return 0, nil // an empty chunk would be the last
	case w.kind == Chunked:
		return w.chunk(p)
	case w.kind == Sized:
		if w.left -= int64(len(p)); w.left < 0 {
			return 0, w.stop(ErrLength)
		}
	case w.kind != ToClose:
		return 0, w.stop(ErrLength)
	}
	n, err := w.bw.Write(p)
	return n, w.fail(err)
}

func (w *Writer) chunk(p []byte) (int, error) {
	w.bw.Write(strconv.AppendInt(w.bw.AvailableBuffer(), int64(len(p)), 16))
	w.bw.Write(endOfLine)
	n, err := w.bw.Write(p)
	if err == nil {
		_, err = w.bw.Write(endOfLine)
	}
	return n, w.fail(err)
}

// Flush sends what was written so far.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	return w.fail(w.bw.Flush())
}

// End finishes the message and sends what is left of it. Only chunks can have
// trailers behind them, and not those that a Body would leave out.
func (w *Writer) End(trailers []Field) error {
	switch {
	case w.err != nil:
		return w.err
	case !w.open:
		return w.stop(ErrSequence)
	case w.kind == Sized && w.left != 0:
		return w.stop(ErrLength)
	case len(trailers) > 0 && w.kind != Chunked:
		return w.stop(ErrTrailer)
	}
	for _, f := range trailers {
		if ok, _ := mayTrail(f.Name); !ok || !isToken(f.Name) || !isText(f.Value) {
			return w.stop(ErrTrailer)
		}
	}
	if w.kind == Chunked {
		w.bw.WriteString("0\r\n")
		for _, f := range trailers {
			w.field(f.Name, f.Value)
		}
		w.bw.Write(endOfLine)
	}
	w.open = false
	return w.Flush()
}

// stop makes err stay, unless another one does.
func (w *Writer) stop(err error) error {
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// fail is stop for what the bufio.Writer says.
func (w *Writer) fail(err error) error {
	if err == nil {
		return nil
	}
	return w.stop(fmt.Errorf("write message: %w", err))
}
