package allowlist

import (
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

// IsText reports whether a placeholder that stands where u says is text, which
// passes as it is, and was not put there for its value. Text are what is not the
// whole of a value in a body, what is not a whole segment of a path, and all that
// goes to a text host in a body; where a binding asks for the place it is not.
func (l *List) IsText(u Use, hosts *Catalogue) bool {
	switch kind, _, _ := strings.Cut(u.Place, ":"); kind {
	case place.Text:
		// Only a binding that lets it go there makes more of it: programs must
		// not fail because they send on what they have read.
		return l.Check(u) != nil
	case place.Path:
		return !u.Whole && !l.asksFor(u)
	case place.Body, place.Form:
		return hosts.TextHost(u.Host) && !l.asksFor(u)
	}
	return false
}

func (l *List) asksFor(u Use) bool { return l != nil && l.Bindings[u.Name].AsksFor(u.Place) }

// Anywhere reports whether the binding of some secret lets it go to host in a
// body wherever it is named (body:any).
func (l *List) Anywhere(host string, port int) bool {
	if !l.Reaches(host, port) {
		return false
	}
	normal, _ := NormalHost(host) // as Reaches found
	for _, b := range l.Bindings {
		if b.AsksFor(place.Text) && (len(b.Hosts) == 0 || matchAny(b.Hosts, normal, port)) {
			return true
		}
	}
	return false
}
