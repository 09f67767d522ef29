package placeholder

import (
	"bytes"
	"io"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// Values gives the text for a name, which is not changed nor kept. nil leaves the
// placeholder as it is (an empty text that is not nil takes it away); an error
// ends the expansion.
type Values func(name string) ([]byte, error)

// Expand appends b to dst with the text of v for every placeholder that [Find]
// finds. It escapes nothing. dst and b must not overlap.
func Expand(dst, b []byte, v Values) ([]byte, error) {
	if !bytes.Contains(b, []byte(Prefix)) {
		return append(dst, b...), nil
	}
	e := expander{values: v}
	dst, err := e.Feed(dst, b)
	if err != nil {
		return dst, err
	}
	return e.Flush(dst)
}

// NewReader returns a reader of what [Expand] would make of src. It holds back
// at most a placeholder that may go on.
func NewReader(src io.Reader, v Values) io.Reader {
	return stream.NewReader(src, NewAny(v))
}

// NewAny is NewReader as a rewriter, for bodies in which a placeholder counts
// wherever it stands. The values are put in as v gives them: [EscapeJSON] makes
// what stays JSON in a string of it.
func NewAny(v Values) stream.Rewriter { return &expander{values: v} }

type expander struct {
	values Values
	held   []byte // the start of a placeholder, or all of one
	pass   bool   // in the rest of a word that is no placeholder
	err    error
}

// Feed implements stream.Rewriter.
func (e *expander) Feed(dst, b []byte) ([]byte, error) {
	for len(b) > 0 && e.err == nil {
		switch {
		case e.pass:
			n := wordLen(b)
			dst, b = append(dst, b[:n]...), b[n:]
			e.pass = len(b) == 0
		case len(e.held) == 0:
			dst, b = e.seek(dst, b)
		default:
			dst, b = e.extend(dst, b)
		}
	}
	return dst, e.err
}

// Flush implements stream.Rewriter.
func (e *expander) Flush(dst []byte) ([]byte, error) {
	if e.err == nil {
		dst = e.finish(dst)
	}
	return dst, e.err
}

// seek passes on what cannot belong to a placeholder.
func (e *expander) seek(dst, b []byte) (_, rest []byte) {
	i := bytes.Index(b, []byte(Prefix))
	if i < 0 {
		i = len(b) - partial(b)
	}
	n := min(i+len(Prefix), len(b))
	e.held = append(e.held, b[i:n]...)
	return append(dst, b[:i]...), b[n:]
}

// partial is how many bytes at the end of b may begin the prefix. Its first byte
// stands nowhere else in it, so that the last one found decides.
func partial(b []byte) int {
	end := b[max(0, len(b)-len(Prefix)+1):]
	if i := bytes.LastIndexByte(end, Prefix[0]); i >= 0 && bytes.HasPrefix([]byte(Prefix), end[i:]) {
		return len(end) - i
	}
	return 0
}

// extend looks at the bytes that follow what is held.
func (e *expander) extend(dst, b []byte) (_, rest []byte) {
	for i, c := range b {
		if !fits(e.held, c) {
			if len(e.held) < len(Prefix) || !wordByte(c) {
				return e.finish(dst), b[i:]
			}
			e.pass = true
			return e.release(dst), b[i:]
		}
		e.held = append(e.held, c)
	}
	return dst, nil
}

// finish deals with what is held, now that it goes no further.
func (e *expander) finish(dst []byte) []byte {
	if !whole(e.held) {
		return e.release(dst)
	}
	v, err := e.values(string(e.held[len(Prefix):]))
	switch {
	case err != nil:
		e.err = err
		return dst
	case v == nil:
		return e.release(dst)
	}
	e.held = e.held[:0]
	return append(dst, v...)
}

func (e *expander) release(dst []byte) []byte {
	dst = append(dst, e.held...)
	e.held = e.held[:0]
	return dst
}
