package redact

import (
	"bytes"
	"encoding/binary"
)

// A run is a stretch of bytes that are neither space nor control. No form but
// UTF-16 has one of these in it, so that text may be cut where runs end.

// blanks says which bytes that otherwise end a run stand in some value.
type blanks struct {
	space, tab bool
	all        bool // but for line breaks
}

// inView is for views: what they are made of are runs, a line each, and whatever
// else is in one was escaped.
var inView = blanks{all: true}

func blanksOf(value []byte) blanks {
	return blanks{space: bytes.IndexByte(value, ' ') >= 0, tab: bytes.IndexByte(value, '\t') >= 0}
}

func (in blanks) and(o blanks) blanks {
	return blanks{space: in.space || o.space, tab: in.tab || o.tab}
}

// least is the first byte from which on, but for DEL, none ends a run.
func (in blanks) least() byte {
	switch {
	case in.all:
		return '\n' + 1
	case in.space:
		return ' '
	}
	return ' ' + 1
}

func (in blanks) ends(c byte) bool {
	if in.all {
		return c == '\n'
	}
	return (c < in.least() || c == 0x7f) && !(c == '\t' && in.tab)
}

// runBefore is the length of the run at the end of b.
func (in blanks) runBefore(b []byte) int {
	n, least := 0, uint64(in.least())
	for ; n+8 <= len(b) && !hasEnd(binary.LittleEndian.Uint64(b[len(b)-8-n:]), least); n += 8 {
	}
	for ; n < len(b) && !in.ends(b[len(b)-1-n]); n++ {
	}
	return n
}

// runAfter is the length of the run at the start of b.
func (in blanks) runAfter(b []byte) int {
	n, least := 0, uint64(in.least())
	for ; n+8 <= len(b) && !hasEnd(binary.LittleEndian.Uint64(b[n:]), least); n += 8 {
	}
	for ; n < len(b) && !in.ends(b[n]); n++ {
	}
	return n
}

// isHalf reports whether b ends in a character of UTF-16 that is in ASCII or
// Latin-1, little-endian. The NUL that is behind a line break is none.
func (in blanks) isHalf(b []byte) bool {
	return len(b) >= 2 && b[len(b)-1] == 0 && !in.ends(b[len(b)-2])
}

// heldBefore is runBefore with the halves of UTF-16 that it is made of.
func (in blanks) heldBefore(b []byte) int {
	n := in.runBefore(b)
	for in.isHalf(b[:len(b)-n]) {
		n++
		n += in.runBefore(b[:len(b)-n])
	}
	return n
}

// heldAfter is what heldBefore finds from the end of what begins at b[at:].
func (in blanks) heldAfter(b []byte, at int) int {
	n := in.runAfter(b[at:])
	for at+n < len(b) && in.isHalf(b[:at+n+1]) {
		n++
		n += in.runAfter(b[at+n:])
	}
	return n
}

// isRun reports whether a stream holds text back whole.
func (in blanks) isRun(text []byte) bool {
	return in.heldBefore(text) == len(text)
}

// hasEnd reports whether one of eight bytes may end a run: it is below least, or DEL.
func hasEnd(eight, least uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	del := eight ^ 0x7f*ones // zero where DEL is
	return ((eight-least*ones)&^eight|(del-ones)&^del)&tops != 0
}
