package stream

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Chain is what one reader after the other makes of a stream, however it is cut
// and whatever breaks it.
func TestChain(t *testing.T) {
	const text = "one two  three\nfour"
	chained := func(src io.Reader) io.Reader { return NewReader(src, Chain(&doubler{}, &reverser{})) }
	nested := func(src io.Reader) io.Reader { return NewReader(NewReader(src, &doubler{}), &reverser{}) }
	want, err := io.ReadAll(nested(strings.NewReader(text)))
	if err != nil || len(want) != 2*len(text) {
		t.Fatalf("%q, %v", want, err)
	}
	for _, src := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
		if got, err := io.ReadAll(chained(src)); err != nil || string(got) != string(want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if err := iotest.TestReader(chained(strings.NewReader(text)), want); err != nil {
		t.Error(err)
	}
}

// An error of either comes behind the output that came before it, and ends it.
func TestChainErrors(t *testing.T) {
	for name, c := range map[string]struct {
		rw   Rewriter
		want string
	}{
		"first":           {Chain(&failer{at: '!'}, &doubler{}), "aabb"},
		"second":          {Chain(&doubler{}, &failer{at: '!'}), "aabb"},
		"at the end":      {Chain(&failer{at: '-', flush: true}, &doubler{}), "aabb!!cc"},
		"second's at end": {Chain(&doubler{}, &failer{at: '-', flush: true}), "aabb!!cc"},
	} {
		got, err := io.ReadAll(NewReader(strings.NewReader("ab!c"), c.rw))
		if err != errFailer || string(got) != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// doubler writes each byte twice.
type doubler struct{}

func (*doubler) Feed(dst, chunk []byte) ([]byte, error) {
	for _, c := range chunk {
		dst = append(dst, c, c)
	}
	return dst, nil
}

func (*doubler) Flush(dst []byte) ([]byte, error) { return dst, nil }

// reverser turns each word around, and holds it back until its end.
type reverser struct{ word []byte }

func (r *reverser) Feed(dst, chunk []byte) ([]byte, error) {
	for _, c := range chunk {
		if c == ' ' {
			dst, _ = r.Flush(dst)
			dst = append(dst, c)
		} else {
			r.word = append(r.word, c)
		}
	}
	return dst, nil
}

func (r *reverser) Flush(dst []byte) ([]byte, error) {
	slices.Reverse(r.word)
	dst = append(dst, r.word...)
	r.word = r.word[:0]
	return dst, nil
}

var errFailer = errors.New("failer")

// failer fails at a byte, or at the end.
type failer struct {
	at    byte
	flush bool
}

func (f *failer) Feed(dst, chunk []byte) ([]byte, error) {
	if i := bytes.IndexByte(chunk, f.at); i >= 0 {
		return append(dst, chunk[:i]...), errFailer
	}
	return append(dst, chunk...), nil
}

func (f *failer) Flush(dst []byte) ([]byte, error) {
	if f.flush {
		return dst, errFailer
	}
	return dst, nil
}
