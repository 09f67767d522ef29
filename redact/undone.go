package redact

import (
	"strings"
	"unicode/utf8"
)

// undone is text without the escapes that it may seem to have.
func undone(text []byte) []byte {
	out, _ := undo(text)
	return out
}

// undo is undone, and reports whether that is settled: whether no sign at the end
// of text becomes an escape by what comes behind it.
func undo(text []byte) (out []byte, settled bool) {
	const reach = maxEscape + 4 // more bytes do not matter to what a sign is
	out = make([]byte, 0, len(text))
	open := -reach // the last sign that begins no escape
	for at := 0; at < len(text); {
		u := unescaped{text: [utf8.UTFMax]byte{text[at]}, n: 1, from: 1}
		if c := text[at]; isSign(c) {
			e := unescape(text[at:])
			if e.from == 0 || c == '\\' && (text[at+1] == '%' || text[at+1] == '&') {
				open = at
			}
			if e.from > 0 {
				u = e
			}
		}
		out = append(out, u.text[:u.n]...)
		at += u.from
	}
	return out, len(text)-open >= reach
}

// isSign reports whether escapes begin with c.
func isSign(c byte) bool { return c == '%' || c == '\\' || c == '&' }

// seenThrough reports whether the decoding pass finds in text one of the patterns
// that has knows, whatever stands around text and wherever a stream is cut. Such a
// form needs no pattern of its own.
func seenThrough(text []byte, has func([]byte) bool) bool {
	for range 2 { // layers
		once, settled := undo(text)
		if !settled || !startsAlone(text) || len(once) == len(text) {
			return false
		}
		if has(once) {
			return true
		}
		text = once
	}
	return false
}

// startsAlone reports whether no escape that begins before text reaches further
// into it than to make of its first sign that sign.
func startsAlone(text []byte) bool {
	switch c := text[0]; {
	case c == '%', c == '&':
		return true // a backslash before an escape is none
	case strings.IndexByte(`\{}#;`, c) >= 0:
		return false
	case !isAlnum(c):
		return true // behind a backslash it is itself
	case digit(c) < 16, strings.IndexByte("nrt", c) >= 0:
		return false
	case strings.IndexByte("uUxX", c) >= 0 && len(text) > 1 && (digit(text[1]) < 16 || text[1] == '{'):
		return false
	}
	n := 1
	for n < min(len(text), maxEscape) && isAlnum(text[n]) {
		n++
	}
	return n == len(text) || text[n] != ';' // the end of an entity's name
}
