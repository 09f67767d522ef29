package http1

import (
	"bytes"
	"math"
)

// Kind is how the end of a body is found.
type Kind byte

const (
	NoBody    Kind = iota // nothing follows the head
	Announced             // nothing either, but Content-Length tells how much would: HEAD and 304
	Sized                 // Length bytes
	Chunked               // chunks, then maybe trailers
	ToClose               // until the connection closes; responses only
)

// Framing is where the body of a message ends (RFC 9112, 6.3).
type Framing struct {
	Kind   Kind
	Length int64 // of Sized and Announced
}

// For is f toward a recipient of HTTP/1.minor: 1.0 knows no chunks.
func (f Framing) For(minor int) Framing {
	if f.Kind == Chunked && minor == 0 {
		return Framing{Kind: ToClose}
	}
	return f
}

// framing reads the two fields. A message that has both, or one in more than
// one way, is how requests are smuggled: it is not mended but refused.
func (s *summary) framing(minor int) (Framing, error) {
	if s.codings > 0 {
		return Framing{Kind: Chunked}, s.checkCoding(minor)
	}
	switch s.lengths {
	case 0:
		return Framing{}, nil
	case 1:
		n, ok := parseLength(trim(s.length))
		if !ok {
			return Framing{}, refuse(400, badLength)
		}
		return Framing{Sized, n}, nil
	}
	return Framing{}, refuse(400, repeatedLength)
}

func (s *summary) checkCoding(minor int) error {
	v := trim(s.coding)
	switch {
	case minor == 0:
		return refuse(400, oldCoding)
	case s.lengths > 0:
		return refuse(400, lengthAndChunks)
	case s.codings > 1:
		return refuse(400, repeatedCoding)
	case is(v, "chunked"):
		if s.framingTrailer {
			return refuse(400, badTrailer)
		}
		return nil
	case endsChunked(v):
		return refuse(501, unknownCoding)
	}
	return refuse(400, badCoding) // where the body would end cannot be told (RFC 9112, 6.3)
}

// endsChunked reports whether v is a list of codings, the last of them chunked.
func endsChunked(v []byte) bool {
	before, last, ok := cutLast(v)
	if !ok || !is(last, "chunked") {
		return false
	}
	for e := range elements(before) {
		if !isToken(e) || is(e, "chunked") {
			return false
		}
	}
	return true
}

func cutLast(list []byte) (before, last []byte, ok bool) {
	i := bytes.LastIndexByte(list, ',')
	if i < 0 {
		return nil, list, false
	}
	return list[:i], trim(list[i+1:]), true
}

// parseLength reads digits alone: no sign, no list, no overflow.
func parseLength(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(b) > 0
}

// tight reports whether a value was written with one space before it at most.
// Other space around a length is how some recipients are made to overlook it.
func tight(value []byte) bool {
	return len(trim(value)) == len(bytes.TrimPrefix(value, []byte(" ")))
}
