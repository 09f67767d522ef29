package http1

import (
	"bytes"
	"encoding/binary"
)

// parse makes fields of the lines of b, which ends with an empty one.
func (h *head) parse(b []byte) error {
	for {
		var l []byte
		if l, b = line(b); len(l) == 0 {
			return nil
		}
		f, err := parseField(l)
		if err != nil {
			return err
		}
		h.fields = append(h.fields, f)
	}
}

// trimmed are the fields without the space around values.
func (h *head) trimmed() []Field {
	for i := range h.fields {
		h.fields[i].Value = trim(h.fields[i].Value)
	}
	return h.fields
}

// parseField keeps the space around a value, which is no part of it, for tight to see.
func parseField(l []byte) (Field, error) {
	if l[0] == ' ' || l[0] == '\t' {
		return Field{}, refuse(400, foldedField)
	}
	colon := bytes.IndexByte(l, ':')
	if colon < 0 {
		return Field{}, refuse(400, badField)
	}
	f := Field{l[:colon:colon], l[colon+1:]}
	if !isToken(f.Name) { // no space before the colon either (RFC 9112, 5.1)
		return Field{}, refuse(400, badName)
	}
	if !isText(f.Value) {
		return Field{}, refuse(400, badValue)
	}
	return f, nil
}

// trim takes off the optional white space of RFC 9110, 5.6.3.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// Bytes of a token (RFC 9110, 5.6.2), those below 64 and those above.
const (
	tokensLow  = (1<<10-1)<<'0' | 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.'
	tokensHigh = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64)
)

func isToken(b []byte) bool {
	for _, c := range b {
		if c < 64 && uint64(tokensLow)>>c&1 == 0 || c >= 64 && uint64(tokensHigh)>>(c-64)&1 == 0 {
			return false
		}
	}
	return len(b) > 0
}

// isText reports whether b holds only what may stand in a value or a reason: no
// control but tab. Eight bytes at a time, since most of a head is values.
func isText(b []byte) bool {
	for len(b) >= 8 {
		if mayControl(binary.LittleEndian.Uint64(b)) && !isTextSlow(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return isTextSlow(b)
}

func isTextSlow(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// mayControl reports whether a byte of x is below 0x20 or is 0x7f. It may err by
// a byte behind such a one, never by missing one.
func mayControl(x uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	low := (x - ones*0x20) &^ x
	del := x ^ ones*0x7f
	return (low|(del-ones)&^del)&tops != 0
}

// is reports whether b, in which isText found nothing, is lower in any case. No
// other byte than the capital becomes one of lower by the bit that is set here,
// controls apart.
func is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// same is is for two texts of any case.
func same(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if d := b[i]; c != d && (c|0x20 != d|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// startsWith is is for the beginning of b.
func startsWith(b []byte, lower string) bool {
	return len(b) >= len(lower) && is(b[:len(lower)], lower)
}
