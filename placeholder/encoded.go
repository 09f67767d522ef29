package placeholder

import (
	"bytes"
	"slices"
)

// Encoding says how a placeholder is written, or, as a set, how it may be.
type Encoding uint8

// The encodings.
const (
	Plain   Encoding = 1 << iota // as it is
	Percent                      // with one percent escape at least (RFC 3986, 2.1)
	Base64                       // inside a token that is base64 (RFC 4648, 4 and 5)
)

// What a server decodes in each place of a request.
const (
	InPath   = Plain | Percent
	InQuery  = Plain | Percent | Base64
	InHeader = Plain | Base64
)

// Encoded is where in a text placeholders stand, and how they are written: one
// placeholder, or a base64 token with the placeholders that it holds.
type Encoded struct {
	Encoding   Encoding
	Names      []string // in their order; of Plain and Percent just one
	Start, End int
}

// FindEncoded lists the placeholders in b, each written in one of the encodings of
// as. With Percent, b is read as a query first, so that AS_SECRET_KEY%5F2 is KEY_2;
// what that gives is not decoded again. A base64 token counts as a whole: a run of
// what RFC 9110, 11.2 calls token68, in one alphabet, with all of its padding or
// none, and no placeholder written out in it.
func FindEncoded(b []byte, as Encoding) []Encoded {
	t := readText(b, as)
	var all []Encoded
	for _, f := range Find(t.text) {
		e := Encoded{Plain, []string{f.Name}, t.at(f.Start), t.at(f.End)}
		if e.End-e.Start > f.End-f.Start {
			e.Encoding = Percent
		}
		all = append(all, e)
	}
	if as&Base64 == 0 || !mayHoldBase64(string(t.text)) {
		return all
	}
	for _, tok := range tokens(t.text) {
		e := Encoded{Base64, tok.names(), t.at(tok.start), t.at(tok.end)}
		if e.Names != nil && !slices.ContainsFunc(all, e.overlaps) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(x, y Encoded) int { return x.Start - y.Start })
	return all
}

func (e Encoded) overlaps(other Encoded) bool { return e.Start < other.End && other.Start < e.End }

// ExpandEncoded appends b to dst with the text of v for every placeholder that
// [FindEncoded] finds, written in the encoding that it was found in: a base64
// token is decoded, expanded, and encoded with the alphabet and padding that it
// had. Then escape makes each fit its place, [EscapeQuery] for one; nil escapes
// nothing. What v has no text for stays as it is written.
func ExpandEncoded(dst, b []byte, as Encoding, v Values, escape func([]byte) ([]byte, error)) ([]byte, error) {
	done := 0
	for _, e := range FindEncoded(b, as) {
		text, err := e.expand(b[e.Start:e.End], as, v)
		if err == nil && text == nil {
			continue
		}
		if err == nil && escape != nil {
			text, err = escape(text)
		}
		if err != nil {
			return dst, err
		}
		dst = append(append(dst, b[done:e.Start]...), text...)
		done = e.End
	}
	return append(dst, b[done:]...), nil
}

// expand returns the text that takes the place of b, nil where nothing does.
func (e Encoded) expand(b []byte, as Encoding, v Values) ([]byte, error) {
	if e.Encoding != Base64 {
		return v(e.Names[0])
	}
	changed := false
	tok := tokens(readText(b, as).text)[0]
	text, err := Expand(nil, tok.decode(), func(name string) ([]byte, error) {
		text, err := v(name)
		changed = changed || text != nil
		return text, err
	})
	if err != nil || !changed {
		return nil, err
	}
	return tok.encode(text), nil
}

// readable is a text with its escapes read.
type readable struct {
	text   []byte
	starts []int // where each byte of text is written, and the end; nil if as it is
}

func readText(b []byte, as Encoding) readable {
	if as&Percent == 0 || !bytes.ContainsAny(b, "%+") {
		return readable{text: b}
	}
	t := readable{make([]byte, 0, len(b)), make([]int, 0, len(b)+1)}
	for i := 0; i < len(b); {
		c, n := b[i], 1
		if d, ok := percentEscape(b[i:]); ok {
			c, n = d, len("%41")
		} else if c == '+' {
			c = ' '
		}
		t.text, t.starts = append(t.text, c), append(t.starts, i)
		i += n
	}
	t.starts = append(t.starts, len(b))
	return t
}

// percentEscape reads the escape that b begins with.
func percentEscape(b []byte) (byte, bool) {
	if len(b) < 3 || b[0] != '%' || unhex(b[1]) < 0 || unhex(b[2]) < 0 {
		return 0, false
	}
	return byte(unhex(b[1])<<4 | unhex(b[2])), true
}

// at is where byte i of the text is written.
func (t readable) at(i int) int {
	if t.starts == nil {
		return i
	}
	return t.starts[i]
}
