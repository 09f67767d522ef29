package placeholder

import (
	"fmt"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// FieldValues gives the text for a name that is the whole value of field, as
// [Values] does. The rewriter escapes it.
type FieldValues func(name, field string) ([]byte, error)

// NewJSON returns a rewriter that expands the string values of JSON texts, one
// after the other, that are a placeholder and nothing else, written with escapes
// (\u0041) or without. field is the way there, such as messages.0.content, with a
// backslash before the dots and backslashes of a name, and empty for a text that
// is one string; what lies deeper than 128 levels or 1 KiB of names is "…". Names
// of members are never expanded. From where the input stops being JSON (or is
// nested deeper than encoding/json reads) it passes as it is. A value that is not
// UTF-8 ends the expansion with ErrNotAllowed.
//
// It holds back nothing but a string that may still be a placeholder.
func NewJSON(v FieldValues) stream.Rewriter { return &jsonRewriter{values: v} }

type jsonRewriter struct {
	values FieldValues
	lex    lexer
	maybe  bool   // in a string value of which all so far is held
	held   []byte // as it came; the lexer has not seen it
	text   []byte // what held means; fits the start of a placeholder
	esc    unicodeEscape
	err    error
}

// Feed implements stream.Rewriter.
func (j *jsonRewriter) Feed(dst, b []byte) ([]byte, error) {
	for len(b) > 0 && j.err == nil {
		if j.maybe {
			dst, b = j.match(dst, b)
			continue
		}
		n, value := j.lex.run(b)
		dst, b = append(dst, b[:n]...), b[n:]
		j.maybe = value
	}
	return dst, j.err
}

// Flush implements stream.Rewriter. A string that never ended is no value.
func (j *jsonRewriter) Flush(dst []byte) ([]byte, error) {
	if j.err == nil {
		dst = j.release(dst)
	}
	return dst, j.err
}

// match holds back what fits a placeholder.
func (j *jsonRewriter) match(dst, b []byte) (_, rest []byte) {
	for i, c := range b {
		if c == '"' && whole(j.text) && j.esc.ended() {
			return j.expand(dst), b[i:]
		}
		out, ok := j.esc.decode(c)
		if j.esc.bad || ok && !fits(j.text, out) {
			return j.release(dst), b[i:]
		}
		j.held = append(j.held, c)
		if ok {
			j.text = append(j.text, out)
		}
	}
	return dst, nil
}

// expand needs the lexer to be in the string only: so it does not miss what was
// held.
func (j *jsonRewriter) expand(dst []byte) []byte {
	name := string(j.text[len(Prefix):])
	v, err := j.values(name, j.lex.path.String())
	switch {
	case err != nil:
		j.err = err
		return dst
	case v == nil:
		return j.release(dst)
	}
	j.reset()
	if dst, err = appendJSON(dst, v); err != nil {
		j.err = fmt.Errorf("expand %s in JSON: %w", name, err)
	}
	return dst
}

// release shows the lexer what was held, which may end inside an escape.
func (j *jsonRewriter) release(dst []byte) []byte {
	j.lex.run(j.held)
	dst = append(dst, j.held...)
	j.reset()
	return dst
}

func (j *jsonRewriter) reset() {
	j.maybe, j.held, j.text, j.esc = false, j.held[:0], j.text[:0], unicodeEscape{}
}
