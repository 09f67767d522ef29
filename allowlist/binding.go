package allowlist

import (
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

// Binding narrows where one secret may go. It cannot widen: the allowlist has spoken before it.
type Binding struct {
	Hosts   []Rule   // none: any host on the allowlist
	Places  []string // patterns of internal/place; none: its defaults
	Methods []string // as ParseMethod writes them; none: any
	Paths   []string // as ParsePath writes them; none: any
	NoEnv   bool     // never a variable of a program that is run
}

// Unbound reports whether b narrows nothing.
func (b Binding) Unbound() bool {
	return len(b.Hosts) == 0 && len(b.Places) == 0 && len(b.Methods) == 0 && len(b.Paths) == 0 && !b.NoEnv
}

// places are the patterns in force.
func (b Binding) places() []string {
	if len(b.Places) > 0 {
		return b.Places
	}
	return place.Defaults()
}

func (b Binding) allowsPlace(actual string) bool {
	return slices.ContainsFunc(b.places(), func(p string) bool { return place.Match(p, actual) })
}

func (b Binding) allowsMethod(method string) bool {
	return len(b.Methods) == 0 || slices.Contains(b.Methods, method)
}

func (b Binding) allowsPath(path string) bool {
	return len(b.Paths) == 0 || slices.ContainsFunc(b.Paths, func(p string) bool { return matchPath(p, path) })
}

// AsksFor reports whether a place that b names, the defaults aside, matches actual: whether somebody wanted it there.
func (b Binding) AsksFor(actual string) bool {
	return slices.ContainsFunc(b.Places, func(p string) bool { return place.Match(p, actual) })
}

// Narrows reports whether b allows nothing that old does not, so that changing old to b needs no password.
func (b Binding) Narrows(old Binding) bool {
	return within(b.Hosts, old.Hosts, Rule.covers) && !b.asksInBodies(old) &&
		all(b.places(), func(p string) bool {
			return slices.ContainsFunc(old.places(), func(o string) bool { return place.Covers(o, p) })
		}) &&
		within(b.Methods, old.Methods, func(o, m string) bool { return o == m }) &&
		within(b.Paths, old.Paths, coversPath) &&
		(b.NoEnv || !old.NoEnv)
}

// asksInBodies reports whether b names a place in bodies where old named no place at all: to text hosts a body was text
// then, and is not where its place is named.
func (b Binding) asksInBodies(old Binding) bool {
	return len(old.Places) == 0 && slices.ContainsFunc(b.Places, func(p string) bool {
		kind, _, _ := strings.Cut(p, ":")
		return kind == place.Body || kind == place.Form
	})
}

// within compares what two bindings name, where no names mean any.
func within[T any](now, old []T, covers func(old, now T) bool) bool {
	if len(old) == 0 {
		return true
	}
	return len(now) > 0 && all(now, func(n T) bool {
		return slices.ContainsFunc(old, func(o T) bool { return covers(o, n) })
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
