package allowlist

import (
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

// Binding narrows where one secret may go. It cannot widen: the allowlist has spoken before it.
type Binding struct {
	Hosts  []Rule   // none: any host on the allowlist
	Places []string // patterns of internal/place; none: header, query, basic, body and form
}

// places are the patterns in force. A path ends up in logs and history, so nothing goes there unasked.
func (b Binding) places() []string {
	if len(b.Places) > 0 {
		return b.Places
	}
	return []string{place.Header, place.Query, place.Basic, place.Body, place.Form}
}

func (b Binding) allowsPlace(actual string) bool {
	return slices.ContainsFunc(b.places(), func(p string) bool { return place.Match(p, actual) })
}

// Narrows reports whether b allows nothing that old does not, so that changing old to b needs no password.
func (b Binding) Narrows(old Binding) bool {
	return b.hostsWithin(old) && b.placesWithin(old)
}

func (b Binding) hostsWithin(old Binding) bool {
	if len(old.Hosts) == 0 {
		return true
	}
	if len(b.Hosts) == 0 {
		return false
	}
	return all(b.Hosts, func(r Rule) bool {
		return slices.ContainsFunc(old.Hosts, func(o Rule) bool { return o.covers(r) })
	})
}

func (b Binding) placesWithin(old Binding) bool {
	return all(b.places(), func(p string) bool {
		return slices.ContainsFunc(old.places(), func(o string) bool { return o == p || place.Match(o, p) })
	})
}

// covers reports whether r matches all that narrow matches.
func (r Rule) covers(narrow Rule) bool {
	if narrow.Wildcard {
		return r.Wildcard && r.Host == narrow.Host && r.port() == narrow.port()
	}
	return r.match(narrow.Host, narrow.port())
}

func all[T any](s []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(s, func(v T) bool { return !ok(v) })
}
