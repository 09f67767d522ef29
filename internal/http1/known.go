package http1

import "bytes"

// known is a field name that framing or the connection depends on.
type known byte

const (
	other known = iota
	host
	contentLength
	transferEncoding
	connection
	expect
	upgrade
	trailer
)

func knownName(name []byte) known {
	switch {
	case is(name, "host"):
		return host
	case is(name, "expect"):
		return expect
	case is(name, "upgrade"):
		return upgrade
	case is(name, "trailer"):
		return trailer
	case is(name, "connection"):
		return connection
	case is(name, "content-length"):
		return contentLength
	case is(name, "transfer-encoding"):
		return transferEncoding
	}
	return other
}

// summary is what one look at all fields finds of those that are known. Values
// have their space around them.
type summary struct {
	hosts, lengths, codings int
	host, length, coding    []byte
	upgrade                 []byte
	options                 options
	optionBytes             int
	goesOn, expects         bool // Expect: 100-continue, and anything else
	framingTrailer          bool // Trailer announces a field that framing depends on
}

// maxOptions is how many bytes all Connection fields may have together: each
// option is compared with each field.
const maxOptions = 1 << 10

func (h *head) summary() (s summary, err error) {
	for _, f := range h.fields {
		switch knownName(f.Name) {
		case host:
			s.host, s.hosts = f.Value, s.hosts+1
		case contentLength:
			s.length, s.lengths = f.Value, s.lengths+1
		case transferEncoding:
			s.coding, s.codings = f.Value, s.codings+1
		case upgrade:
			if s.upgrade == nil {
				s.upgrade = trim(f.Value)
			}
		case expect:
			continues := is(trim(f.Value), "100-continue")
			s.goesOn, s.expects = s.goesOn || continues, s.expects || !continues
		case trailer:
			s.framingTrailer = s.framingTrailer || announcesFraming(f.Value)
		case connection:
			s.options |= readOptions(f.Value)
			if s.optionBytes += len(f.Value); s.optionBytes > maxOptions {
				return s, refuse(400, badConnection)
			}
		}
	}
	return s, nil
}

// options are the connection options that mean something to us.
type options byte

const (
	closes options = 1 << iota
	keepsAlive
	upgrades
)

func readOptions(value []byte) (o options) {
	for t := range elements(value) {
		switch {
		case is(t, "close"):
			o |= closes
		case is(t, "keep-alive"):
			o |= keepsAlive
		case is(t, "upgrade"):
			o |= upgrades
		}
	}
	return o
}

// elements are those of a list (RFC 9110, 5.6.1), empty ones left out.
func elements(value []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for more := true; more; {
			var e []byte
			e, value, more = bytes.Cut(value, []byte(","))
			if e = trim(e); len(e) > 0 && !yield(e) {
				return
			}
		}
	}
}

func announcesFraming(value []byte) bool {
	for e := range elements(value) {
		switch knownName(e) {
		case contentLength, transferEncoding, trailer:
			return true
		}
	}
	return false
}
