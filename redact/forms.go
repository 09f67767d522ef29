package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A form is a way in which text may show a value.
type form uint8

const (
	verbatim form = iota
	inBase64
	inHex
	inPercent
	inJSON
	inHTML
	inUTF16
	inQuoted
	inQuotes  // in a string of SQL, CSV or a shell
	inWrapped // verbatim, broken over lines
	inMixed   // escaped in more ways than one, or in no library's way
	numForms
)

func (f form) String() string {
	return [numForms]string{"verbatim", "base64", "hex", "percent", "json", "html", "utf-16", "quoted-printable", "quotes", "wrapped", "mixed"}[f]
}

// A pattern is a text to look for.
type pattern struct {
	text []byte
	form form
	seen bool // only once something has been undone
	weak bool // of a value that can be guessed

	owner uint32 // the value that it is of, as a Set counts them
}

// Anything shorter would be met by chance, and a client could guess it.
const (
	minPattern = 8
	minBase64  = 10
)

// patternsOf lists what to look for so that no echo of value passes: the forms
// of the whole, and of its lines where it has several.
func patternsOf(value []byte, l limits) []pattern {
	if len(value) < minPattern {
		return nil
	}
	parts := append([][]byte{value}, lines(value)...)
	// White space around a value, such as the CR of a file from Windows, is often
	// lost or escaped on the way; what it surrounds is the secret.
	if inner := bytes.TrimFunc(value, isSpaceOrControl); len(inner) < len(value) && len(inner) >= minPattern && !isSeveralLines(inner) {
		parts = append(parts, inner)
	}
	var out []pattern
	in := blanksOf(value)
	for _, part := range parts {
		weak := Weak(part)
		for _, p := range formsOf(part, in, l) {
			p.weak = weak
			// A stream never holds a line break or a control byte but tab back, so a
			// form with one could not be found whole. The lines stand for it.
			if in.isRun(p.text) {
				out = cut(out, p, l)
			}
		}
		// What undoing the escapes around a value makes of the value itself.
		for once, n := part, 0; n < 2; n++ {
			again := undone(once)
			if len(again) >= minPattern && !bytes.Equal(again, once) {
				out = cut(out, pattern{text: again, form: inMixed, seen: true, weak: Weak(again)}, l)
			}
			once = again
		}
	}
	return out
}

// cut appends p in pieces that a stream can hold back whole. Each piece is
// redacted by itself; they overlap so that none is short enough to be guessed.
func cut(out []pattern, p pattern, l limits) []pattern {
	for len(p.text) > l.piece {
		piece := p
		piece.text = p.text[:l.piece:l.piece]
		out = append(out, piece)
		p.text = p.text[l.piece-l.rest:]
	}
	return append(out, p)
}

// formsOf lists the forms of text that need a pattern each, without repetitions.
// Escapes are undone in every text, so that of the escaped forms only those are
// among them that this does not find for sure.
func formsOf(text []byte, in blanks, l limits) []pattern {
	d := distinct{blanks: in, longest: l.piece, seen: make(map[string]struct{}), gone: make(map[string]struct{})}
	d.add(verbatim, text, bytes.ToUpper(text), bytes.ToLower(text))
	latin := fromLatin1(text)
	if len(latin) != len(text) {
		short := toLatin1(text)
		d.add(verbatim, latin, short)
		d.add(inQuoted, quotedForms(short)...)
	}
	if bytes.IndexByte(text, ' ') >= 0 { // a form whose other escapes were undone
		d.add(inPercent, bytes.ReplaceAll(text, []byte(" "), []byte("+")))
		d.add(inJSON, bytes.ReplaceAll(text, []byte(" "), []byte(`\ `))) // shells; a space may end a run, so that no escape has one
	}
	d.add64(text)
	for _, st := range jsonIn64 {
		if escaped := st.escape(text); len(escaped) > len(text) {
			d.add64(escaped)
		}
	}
	lower := []byte(hex.EncodeToString(text))
	d.add(inHex, lower, bytes.ToUpper(lower))
	d.add(inUTF16, utf16Forms(text)...)
	d.add(inQuoted, quotedForms(text)...)
	for _, q := range [][2]string{{`"`, `""`}, {`'`, `''`}, {`'`, `'\''`}, {`'`, `'"'"'`}} {
		d.add(inQuotes, bytes.ReplaceAll(text, []byte(q[0]), []byte(q[1])))
	}
	d.addEscaped(text, latin)
	return d.list
}

// addEscaped adds what of the escaped forms of text is not seen through.
func (d *distinct) addEscaped(text, latin []byte) {
	if isPlain(text) && 6*len(text) <= d.longest {
		d.unless(inJSON, everyUnit(text)...) // all others have few signs, or are seen through
		return
	}
	d.unless(inPercent, percentForms(text)...)
	d.unless(inJSON, jsonForms(text)...)
	if len(latin) != len(text) {
		d.unless(inJSON, jsonForms(latin)...)
	}
	d.unless(inHTML, htmlForms(text)...)
}

type distinct struct {
	blanks  blanks
	longest int // that is searched for in one piece
	list    []pattern
	seen    map[string]struct{}
	gone    map[string]struct{} // looked at by unless
}

func (d *distinct) add(f form, texts ...[]byte) {
	for _, t := range texts {
		if _, ok := d.seen[string(t)]; ok || len(t) < minPattern {
			continue
		}
		d.seen[string(t)] = struct{}{}
		d.list = append(d.list, pattern{text: t, form: f})
	}
}

// add64 adds the forms that text has anywhere in base64.
func (d *distinct) add64(text []byte) {
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			if core := base64Core(enc, text, before); len(core) >= minBase64 {
				d.add(inBase64, core)
			}
		}
	}
}

// unless adds what is not seen through.
func (d *distinct) unless(f form, texts ...[]byte) {
	for _, t := range texts {
		if _, ok := d.gone[string(t)]; ok {
			continue
		}
		if len(t) > d.longest || !seenThrough(t, d.has) {
			d.add(f, t)
		}
		d.gone[string(t)] = struct{}{}
	}
}

// has reports whether text is searched for as it is, wherever it stands.
func (d *distinct) has(text []byte) bool {
	_, ok := d.seen[string(text)]
	return ok && len(text) <= d.longest && d.blanks.isRun(text)
}

// base64Core returns the characters that text has in the base64 of anything in
// which before bytes (modulo 3) come ahead of it. A character that shares its six
// bits with a neighbour is not among them.
func base64Core(enc *base64.Encoding, text []byte, before int) []byte {
	whole := append(make([]byte, before, before+len(text)), text...)
	out := make([]byte, enc.EncodedLen(len(whole)))
	enc.Encode(out, whole)
	return out[(8*before+5)/6 : 8*len(whole)/6]
}

// fromLatin1 is text as a program shows it that takes each byte for a character,
// as servers do with header fields (WSGI, Node).
func fromLatin1(text []byte) []byte {
	out := make([]rune, len(text))
	for i, c := range text {
		out[i] = rune(c)
	}
	return []byte(string(out))
}

// toLatin1 is text in a message of that charset, nil where it has other characters.
func toLatin1(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		if r > 0xff {
			return nil
		}
		out = append(out, byte(r))
	}
	return out
}

// utf16Forms are text in UTF-16 without the NUL at its start or end, so that in
// most texts they are one. That NUL may stand beside a line break, where a stream
// is cut.
func utf16Forms(text []byte) [][]byte {
	if !utf8.Valid(text) {
		return nil
	}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(string(text))) {
		little = binary.LittleEndian.AppendUint16(little, u)
		big = binary.BigEndian.AppendUint16(big, u)
	}
	return [][]byte{bytes.TrimSuffix(little, []byte{0}), bytes.TrimPrefix(big, []byte{0})}
}

// quotedForms are text in quoted-printable: in bodies (RFC 2045 6.7), and in
// fields as strictly as RFC 2047 5 wants it, and as programs do it.
func quotedForms(text []byte) [][]byte {
	var out [][]byte
	for _, keep := range []string{" \t!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~", "!*+-/", "!\"#$%&'()*+,-./:;<>@[\\]^`{|}~", "!\"#$%&'()*+,-./:;<>?@[\\]^`{|}~"} {
		out = append(out, each(text, func(out []byte, c byte) []byte {
			switch {
			case isAlnum(c) || strings.IndexByte(keep, c) >= 0:
				return append(out, c)
			case c == ' ':
				return append(out, '_')
			}
			return append(out, '=', upperHex[c>>4], upperHex[c&15])
		}))
	}
	return out
}

// isPlain reports whether text has letters, digits and few signs, which hardly
// anybody escapes.
func isPlain(text []byte) bool {
	signs := 0
	for _, c := range text {
		switch {
		case c == '-', c == '_':
			signs++
		case !isAlnum(c):
			return false
		}
	}
	return signs == 0 || text[0] != '-' && startsAlone(text)
}

func isSpaceOrControl(r rune) bool { return r == ' ' || isControl(r) }

// isSeveralLines: such a value is looked for line by line.
func isSeveralLines(text []byte) bool { return bytes.IndexFunc(text, isControl) >= 0 }

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
