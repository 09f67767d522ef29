// Package visible makes text harmless to whoever looks at it: a terminal obeys
// nothing in it, no line of it is shown in another order than it was written,
// and what looks empty is.
//
//	fmt.Fprintln(os.Stderr, visible.Text(err.Error()))
//	line, err := json.Marshal(event)
//	line = visible.JSON(line)
//
// Hidden is all that has no shape: the control characters of ASCII and C1, marks
// that turn the direction of text around, separators of lines and paragraphs,
// and bytes that are no UTF-8.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Dot stands in Text for a hidden character.
const Dot = '·'

// Text has a Dot in place of each hidden character, all but the newlines and
// tabs that give text its lines and columns.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || Is(r) {
			return r
		}
		return Dot
	}, s)
}

// Is reports whether r has a shape.
func Is(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }

// JSON escapes in JSON text what encoding/json leaves as it is: DEL, C1 controls,
// marks that change the direction of text, and all else that has no shape. Such
// runes stand only inside strings, so the text stays JSON, and says the same.
// The newline that ends what an Encoder wrote stays.
func JSON(b []byte) []byte {
	if isPlain(b) {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case unicode.IsPrint(r), r == '\n':
			out = append(out, b[:n]...)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out
}

// isPlain reports whether all of b is visible ASCII, as nearly everything is.
func isPlain(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\n' {
			return false
		}
	}
	return true
}
