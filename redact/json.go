package redact

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonStyle is one of the choices that RFC 8259 7 leaves to encoders.
type jsonStyle struct {
	u     string // written \uXXXX, as HTML-safe encoders do
	quote string // behind a backslash
	ascii bool   // everything beyond ASCII written \uXXXX
	verb  string // for \uXXXX: case of the digits
	long  string // control bytes that are written \uXXXX though they have letters
}

const (
	lowerUnit = `\u%04x`
	upperUnit = `\u%04X`
	lowerByte = `\x%02x`
	upperByte = `\x%02X`
)

// jsonIn64 are what encoders do to JSON that goes into base64, such as the payload
// of a JWT (RFC 7519, 3.1).
var jsonIn64 = []jsonStyle{
	{quote: `\"`, verb: lowerUnit},
	{quote: `\"`, verb: lowerUnit, ascii: true},
	{quote: `\"`, verb: lowerUnit, u: "<>&"},     // Go
	{quote: `\"/`, verb: lowerUnit, ascii: true}, // PHP
}

func jsonStyles() []jsonStyle {
	var out []jsonStyle
	for _, u := range []string{
		"",         // most
		"<>&",      // Go
		"<>&'",     // Jinja, Rails
		"<>&='",    // Gson
		"<>&'\"",   // PHP with all of JSON_HEX
		"<>&'\"+`", // System.Text.Json
	} {
		for _, quote := range []string{`\"`, `\"/`} { // "\/": PHP
			out = append(out,
				jsonStyle{u: u, quote: quote, verb: lowerUnit},
				jsonStyle{u: u, quote: quote, verb: upperUnit},
				jsonStyle{u: u, quote: quote, verb: lowerUnit, ascii: true},
				jsonStyle{u: u, quote: quote, verb: upperUnit, ascii: true})
		}
	}
	for _, long := range []string{"\n\r\t\b\f", "\r\t\b\f", "\b\f"} { // we, Go before 1.22
		out = append(out,
			jsonStyle{quote: `\"`, verb: lowerUnit, long: long},
			jsonStyle{quote: `\"`, verb: upperUnit, long: long},
			jsonStyle{u: "<>&", quote: `\"`, verb: lowerUnit, long: long})
	}
	// Not JSON, but as common: literals of Python, JavaScript and their like.
	return append(out,
		jsonStyle{u: "<>&=", quote: `\'"`, verb: upperUnit}, // Go template.JSEscape
		jsonStyle{u: "\\'\"<>&=-;`", verb: upperUnit},       // Django escapejs
		jsonStyle{quote: `\'`, verb: lowerUnit},
		jsonStyle{quote: `\'"`, verb: lowerUnit},
		jsonStyle{quote: `\'`, verb: lowerUnit, ascii: true})
}

func jsonForms(text []byte) [][]byte {
	var out [][]byte
	for _, st := range jsonStyles() {
		once := st.escape(text)
		// Twice is JSON in a string of JSON, as tools return their results.
		out = append(out, once, st.escape(once))
	}
	for _, verb := range []string{lowerByte, upperByte} {
		out = append(out, bytesLiteral(text, verb))
	}
	return append(out, everyUnit(text)...)
}

// everyUnit is text with nothing in it left as it was.
func everyUnit(text []byte) [][]byte {
	var out [][]byte
	for _, verb := range []string{lowerUnit, upperUnit} {
		out = append(out, units(nil, text, verb))
	}
	for _, digits := range []string{lowerHex, upperHex} {
		out = append(out, each(text, func(out []byte, c byte) []byte { return append(out, '\\', 'x', digits[c>>4], digits[c&15]) }))
	}
	return out
}

func (st jsonStyle) escape(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 {
		c, n := text[0], 1
		switch {
		case c >= utf8.RuneSelf:
			_, n = utf8.DecodeRune(text)
			if n > 1 && st.ascii {
				out = units(out, text[:n], st.verb)
			} else {
				out = append(out, text[:n]...)
			}
		case strings.IndexByte(st.u, c) >= 0, strings.IndexByte(st.long, c) >= 0:
			out = fmt.Appendf(out, st.verb, c)
		case strings.IndexByte(st.quote, c) >= 0:
			out = append(out, '\\', c)
		case isControl(rune(c)):
			out = control(out, c, st.verb)
		default:
			out = append(out, c)
		}
		text = text[n:]
	}
	return out
}

// control escapes a control byte; five have letters of their own.
func control(out []byte, c byte, verb string) []byte {
	if i := strings.IndexByte("\n\r\t\b\f", c); i >= 0 {
		return append(out, '\\', "nrtbf"[i])
	}
	return fmt.Appendf(out, verb, c)
}

// bytesLiteral is text as Python and C show it among bytes.
func bytesLiteral(text []byte, verb string) []byte {
	return each(text, func(out []byte, c byte) []byte {
		switch {
		case c == '\\', c == '\'':
			return append(out, '\\', c)
		case c >= utf8.RuneSelf, c == '\b', c == '\f':
			return fmt.Appendf(out, verb, c)
		case isControl(rune(c)):
			return control(out, c, verb)
		}
		return append(out, c)
	})
}

// units appends each UTF-16 unit of text, written with verb.
func units(out, text []byte, verb string) []byte {
	for _, u := range utf16.Encode([]rune(string(text))) {
		digits := lowerHex
		if verb == upperUnit {
			digits = upperHex
		}
		out = append(out, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	return out
}
