package placeholder

import (
	"fmt"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// FieldValues gives the text for a name that is the whole value of field, as
// [Values] does. The rewriter escapes it.
type FieldValues func(name, field string) ([]byte, error)

// NewJSON returns a rewriter that expands the string values of JSON texts, one
// after the other, that are a placeholder and nothing else. field is the way
// there, such as messages.0.content, and empty for a text that is one string;
// what lies deeper than 128 levels or 1 KiB of names is "…". Names of members are
// never expanded, nor placeholders that are written with escapes. From where the
// input stops being JSON (or is nested deeper than encoding/json reads) it passes
// as it is. A value that is not UTF-8 ends the expansion with ErrNotAllowed.
//
// It holds back nothing but a string that may still be a placeholder.
func NewJSON(v FieldValues) stream.Rewriter { return &jsonRewriter{values: v} }

type jsonRewriter struct {
	values FieldValues
	lex    lexer
	maybe  bool   // in a string value of which all so far is held
	held   []byte // fits the start of a placeholder
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

// match holds back what fits a placeholder. The lexer does not miss these bytes:
// they stand for themselves in a string.
func (j *jsonRewriter) match(dst, b []byte) (_, rest []byte) {
	for i, c := range b {
		if fits(j.held, c) {
			j.held = append(j.held, c)
			continue
		}
		if c == '"' && whole(j.held) {
			return j.expand(dst), b[i:]
		}
		return j.release(dst), b[i:]
	}
	return dst, nil
}

func (j *jsonRewriter) expand(dst []byte) []byte {
	name := string(j.held[len(Prefix):])
	v, err := j.values(name, j.lex.path.String())
	switch {
	case err != nil:
		j.err = err
		return dst
	case v == nil:
		return j.release(dst)
	}
	j.maybe, j.held = false, j.held[:0]
	if dst, err = appendJSON(dst, v); err != nil {
		j.err = fmt.Errorf("expand %s in JSON: %w", name, err)
	}
	return dst
}

func (j *jsonRewriter) release(dst []byte) []byte {
	dst = append(dst, j.held...)
	j.maybe, j.held = false, j.held[:0]
	return dst
}
