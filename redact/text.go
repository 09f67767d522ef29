package redact

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// Value returns b, a whole text such as the value of a header field, without
// echoes. It does not change b, and returns b itself and no counts when there is
// nothing to cover.
func (s *Set) Value(b []byte) ([]byte, Counts) { return s.whole(b, false) }

// Name returns b, the name of a field, without echoes. '*' alone covers them,
// which may stand in a name. HTTP libraries change the case of names, so values
// are found in any case.
func (s *Set) Name(b []byte) ([]byte, Counts) { return s.whole(b, true) }

func (s *Set) whole(b []byte, name bool) ([]byte, Counts) {
	t := s.tables.Load()
	if t == nil || len(b) < minPattern {
		return b, nil
	}
	f, _ := s.finders.Get().(*finder)
	if f == nil {
		f = new(finder)
	}
	defer func() {
		f.rest()
		s.finders.Put(f)
	}()
	f.start(0)
	f.find(t, b)
	if name {
		f.find(t, lower(b)) // values in lower case are among the patterns
	}
	if len(f.groups) == 0 {
		return b, nil
	}
	out, n, weak := bytes.Clone(b), Counts{}, 0
	for _, g := range f.groups {
		g.marked = !name && g.fits()
		g.cover(out)
		n[g.form.String()]++
		if g.isWeak() {
			weak++
		}
	}
	s.tell(weak)
	return out, n
}

// lower is b in lower case, byte for byte.
func lower(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if isUpper(c) {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

// Header covers echoes in h, names and values, in place.
func (s *Set) Header(h http.Header) Counts {
	if s.Empty() {
		return nil
	}
	all := Counts{}
	var names []renamed
	var text []byte
	for name, values := range h {
		for i, v := range values {
			text = append(text[:0], v...)
			if out, n := s.Value(text); n != nil {
				values[i] = string(out)
				all.Add(n)
			}
		}
		text = append(text[:0], name...)
		if out, n := s.Name(text); n != nil {
			names = append(names, renamed{name, string(out)})
			all.Add(n)
		}
	}
	rename(h, names)
	return all
}

type renamed struct{ from, to string }

func rename(h http.Header, names []renamed) {
	slices.SortFunc(names, func(a, b renamed) int { return strings.Compare(a.from, b.from) }) // two may become one
	for _, n := range names {
		values := h[n.from]
		delete(h, n.from)
		h[n.to] = append(h[n.to], values...)
	}
}
