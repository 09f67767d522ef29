package placeholder

import (
	"bytes"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// maxField is where the name of a form field is given up for "…".
const maxField = 1 << 10

// NewForm returns a rewriter for application/x-www-form-urlencoded that expands
// values that are a placeholder, percent-encoded or not, and nothing else. Pairs
// that net/url refuses pass as they are.
func NewForm(v FieldValues) stream.Rewriter { return &formRewriter{values: v} }

type formRewriter struct {
	values FieldValues
	state  formState
	field  []byte // decoded
	cut    bool   // field was too long
	held   []byte // the value so far, as it came
	text   []byte // what held encodes; fits the start of a placeholder
	enc    percent
	err    error
}

type formState uint8

const (
	inField formState = iota
	maybeWhole
	passing // up to the next pair
)

// Feed implements stream.Rewriter.
func (f *formRewriter) Feed(dst, b []byte) ([]byte, error) {
	for len(b) > 0 && f.err == nil {
		n := 0
		switch f.state {
		case inField:
			n = f.readField(b)
		case maybeWhole:
			dst, b = f.match(dst, b)
		case passing:
			n = f.pass(b)
		}
		dst, b = append(dst, b[:n]...), b[n:]
	}
	return dst, f.err
}

// Flush implements stream.Rewriter.
func (f *formRewriter) Flush(dst []byte) ([]byte, error) {
	if f.err == nil && f.state == maybeWhole {
		dst = f.finish(dst)
	}
	return dst, f.err
}

// readField reads up to and with the sign that ends the name.
func (f *formRewriter) readField(b []byte) int {
	for i, c := range b {
		switch c {
		case '&':
			f.reset()
		case '=':
			if f.state = maybeWhole; !f.enc.ended() {
				f.state = passing
			}
			return i + 1
		case ';': // net/url: some servers take it for an ampersand
			f.state = passing
			return i
		default:
			f.keep(c)
		}
	}
	return len(b)
}

func (f *formRewriter) keep(c byte) {
	c, ok := f.enc.decode(c)
	if !ok {
		return
	}
	if f.cut = f.cut || len(f.field) == maxField; !f.cut {
		f.field = append(f.field, c)
	}
}

// pass reads up to the start of the next pair.
func (f *formRewriter) pass(b []byte) int {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return len(b)
	}
	f.reset()
	return i + 1
}

// reset is for the start of a pair.
func (f *formRewriter) reset() {
	f.state, f.field, f.cut, f.enc = inField, f.field[:0], false, percent{}
}

// match holds back what fits a placeholder.
func (f *formRewriter) match(dst, b []byte) (_, rest []byte) {
	for i, c := range b {
		if c == '&' {
			return f.finish(dst), b[i:]
		}
		out, ok := f.enc.decode(c)
		if f.enc.bad || ok && !fits(f.text, out) {
			return f.release(dst), b[i:]
		}
		f.held = append(f.held, c)
		if ok {
			f.text = append(f.text, out)
		}
	}
	return dst, nil
}

// finish deals with a value that has come to its end.
func (f *formRewriter) finish(dst []byte) []byte {
	if !f.enc.ended() || !whole(f.text) {
		return f.release(dst)
	}
	field := string(f.field)
	if f.cut {
		field = tooFar
	}
	v, err := f.values(string(f.text[len(Prefix):]), field)
	switch {
	case err != nil:
		f.err = err
		return dst
	case v == nil:
		return f.release(dst)
	}
	f.held = append(f.held[:0], EscapeQuery(v)...)
	return f.release(dst)
}

func (f *formRewriter) release(dst []byte) []byte {
	dst = append(dst, f.held...)
	f.state, f.held, f.text = passing, f.held[:0], f.text[:0]
	return dst
}
