package redact

import (
	"bytes"
	"net/http"
	"slices"
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
	var f finder
	f.find(t, b)
	if name {
		f.find(t, lower(b)) // values in lower case are among the patterns
	}
	if len(f.groups) == 0 {
		return b, nil
	}
	out, n := bytes.Clone(b), Counts{}
	for _, g := range f.groups {
		g.marked = !name && g.fits()
		g.cover(out)
		n[g.form.String()]++
	}
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
	var names []string
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
		if _, n := s.Name(text); n != nil {
			names = append(names, name)
			all.Add(n)
		}
	}
	s.rename(h, names)
	return all
}

func (s *Set) rename(h http.Header, names []string) {
	slices.Sort(names) // two may become one
	for _, name := range names {
		out, _ := s.Name([]byte(name))
		values := h[name]
		delete(h, name)
		h[string(out)] = append(h[string(out)], values...)
	}
}
