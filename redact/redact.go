// Package redact takes known values out of text on its way back to a client.
//
//	released := redact.NewSet()
//	err := released.Add(value)                  // before it goes to an origin
//	body := redact.NewReader(resp.Body, released)
//	io.Copy(w, body)                            // the same number of bytes, without echoes
//	echoes := body.Counts()
//	echoes.Add(released.Header(resp.Header))
//
// Guarantees: every byte of every complete form of a value in a [Set] is
// covered, the union where forms overlap, whatever the chunks in which a stream
// comes. Text without a complete form passes byte for byte: to cover fragments
// would tell a client how much of a guess is right. Which bytes a stream holds
// back follows from the text alone, not from the values. The number of bytes
// never changes, so declared lengths stay true.
//
// Not found: values under 8 bytes, forms broken over lines outside of bodies that
// [NewBodyReader] reads whole, and transformations outside the list in forms.go.
package redact

import (
	"sync"
	"sync/atomic"
)

// Marker stands for a form where the whole of it fits, filled up with '*' to the
// length covered. Elsewhere there are only '*'.
const Marker = "[REDACTED_BY_AGENTSECRETS]"

// A Set holds the values released so far in one run. It is safe for concurrent
// use; streams under way see values as they are added.
type Set struct {
	*contents
	weak func(n int) // see OnWeak; nil: nobody is told
}

// contents are what Sets that differ in whom they tell have in common.
type contents struct {
	limits limits
	tables atomic.Pointer[tables] // nil until a value has been added
	wide   atomic.Bool            // some value is not all ASCII
	spans  atomic.Bool            // some value has a sign that may stand between parts of a head

	finders sync.Pool // of *finder, for texts that are whole: a response has many fields

	life
}

// limits are fields only so that tests can reach them with short texts.
type limits struct {
	hold  int // most bytes that a stream holds back
	batch int // least that it releases of a longer run
	piece int // longest pattern
	rest  int // what pieces of a longer form have in common, so the least length of the last
	sync  int // bytes that two layers of escapes may have for one character
}

// keep is what stays of a run that is longer than hold.
func (l limits) keep() int { return l.hold - l.batch }

// span is how long a form with escapes may be in a stream: it has been held whole
// then, with what must come before it, whatever the chunks.
func (l limits) span() int { return l.keep() - l.sync }

// NewSet returns an empty set.
func NewSet() *Set {
	return newSet(limits{hold: 4 << 10, batch: 512, piece: 2 << 10, rest: 512, sync: 256})
}

func newSet(l limits) *Set {
	s := &Set{contents: &contents{limits: l}}
	s.begin()
	return s
}

// ASCII reports whether no value has a byte beyond ASCII, so that no form of one
// reaches across such a byte. It may turn false.
func (s *Set) ASCII() bool { return !s.wide.Load() }

// Spans reports whether some value has a colon, comma, semicolon or space, so that a
// form of it may stand over the name and the value of a field, or over several lines
// of one: none of these signs is in a form of a value without them, but for the
// semicolon of an entity, behind which a space could only be one of the value.
func (s *Set) Spans() bool { return s.spans.Load() }

// Empty reports whether no value was ever added. Values too short to look for count:
// holding back only for the others would tell their lengths.
func (s *Set) Empty() bool { return s.tables.Load() == nil }
