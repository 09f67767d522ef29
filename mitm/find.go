package mitm

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// What stands in a request's head, and putting values there.

func (x *exchange) use(name, where string, whole bool, style string) found {
	return found{Use{
		Name: name, Host: x.dest.host, Port: x.dest.port, Method: x.method, Path: x.target.path, Place: where, Whole: whole,
	}, style}
}

// isWhole reports whether the first of all is the whole of text.
func isWhole(text string, all []placeholder.Encoded) bool {
	return all[0].Start == 0 && all[0].End == len(text) && all[0].Encoding != placeholder.Base64
}

// findHead lists the uses in path, query and fields of out.
func (x *exchange) findHead(out *http.Request) ([]found, error) {
	var uses []found
	err := x.walkHead(out, func(s slot, text string) (string, error) {
		all := placeholder.FindEncoded([]byte(text), s.as)
		for _, e := range all {
			for _, name := range e.Names {
				if u := x.use(name, s.place, isWhole(text, all), s.style); s.text || x.isText(u) {
					x.mentioned(u)
				} else {
					uses = append(uses, u)
				}
			}
		}
		return text, nil
	})
	return uses, err
}

// expandHead puts values where findHead found their placeholders.
func (x *exchange) expandHead(out *http.Request) error {
	if len(x.uses) == 0 {
		return nil
	}
	return x.walkHead(out, x.expand)
}

// expand puts the values of one text in, each escaped. A use that policy has not
// decided is a fault of ours and ends the exchange.
func (x *exchange) expand(s slot, text string) (string, error) {
	all := placeholder.FindEncoded([]byte(text), s.as)
	if s.text || len(all) == 0 {
		return text, nil
	}
	var last found
	b, err := placeholder.ExpandEncoded(nil, []byte(text), s.as, func(name string) ([]byte, error) {
		last = x.use(name, s.place, isWhole(text, all), s.style)
		if x.isText(last) {
			return nil, nil
		}
		return x.resolved(last)
	}, func(v []byte) ([]byte, error) {
		v, err := s.escape(v)
		if err != nil {
			return nil, notAllowed(last)
		}
		return v, nil
	})
	return string(b), err
}

// resolved is the value that decide has found for u.
func (x *exchange) resolved(u found) ([]byte, error) {
	v, ok := x.values[u.Name]
	if !ok {
		return nil, &Problem{Status: 503, Slug: "store_locked", Name: u.Name, Message: "the value was not resolved"}
	}
	b := v.Reveal()
	if x.given += len(b); x.given > maxGiven && x.given > len(b) {
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge, Slug: "body_too_large", Name: u.Name,
			Message: "the values of the request come to more than 256 KiB",
		}
	}
	x.proxy.cfg.observer().Expanded(kindOf(u.Place))
	return b, nil
}

// maxGiven is how many bytes the values in one message may have, if there are
// several: a few bytes would ask for a large one again and again.
const maxGiven = 256 << 10

// isText reports whether u passes as it is.
func (x *exchange) isText(u found) bool {
	if u.Place == place.Text && !x.anywhere {
		return true
	}
	return x.proxy.cfg.Text != nil && !x.wasAsked(u.Place) && x.proxy.cfg.Text(x.scope, u.Use)
}

// mentioned counts a placeholder that passes as it is. Once the body streams,
// x.mu is held.
func (x *exchange) mentioned(u found) {
	x.proxy.cfg.observer().Mentioned(u.Place)
	if len(x.mentions) < maxRules {
		x.mentions = appendNew(x.mentions, u.Name+" "+u.Place)
	}
}

func notAllowed(u found) *Problem {
	return &Problem{
		Status: http.StatusUnprocessableEntity, Slug: "value_not_allowed_in_place", Name: u.Name,
		Message: "the value holds bytes that cannot stand in the place " + kindOf(u.Place),
		Hint:    "agentsecrets secrets set " + u.Name,
	}
}

func kindOf(p string) string {
	kind, _, _ := strings.Cut(p, ":")
	return kind
}

func verbatim(v []byte) ([]byte, error)    { return v, nil }
func escapeQuery(v []byte) ([]byte, error) { return placeholder.EscapeQuery(v), nil }

// pathSegment refuses what would move the request to another path.
func pathSegment(v []byte) ([]byte, error) {
	if s := string(v); s == "." || s == ".." {
		return nil, placeholder.ErrNotAllowed
	}
	return placeholder.EscapePath(v), nil
}

// fieldValue refuses CR, LF, NUL and other controls (RFC 9110, 5.5).
func fieldValue(v []byte) ([]byte, error) {
	if !httpguts.ValidHeaderFieldValue(string(v)) {
		return nil, placeholder.ErrNotAllowed
	}
	return v, nil
}

// cookieValue refuses what could end the cookie and begin another (RFC 6265,
// 4.1.1), for any server.
func cookieValue(v []byte) ([]byte, error) {
	for _, c := range v {
		if c <= ' ' || c > '~' || c == '"' || c == ',' || c == ';' || c == '\\' {
			return nil, placeholder.ErrNotAllowed
		}
	}
	return v, nil
}

// maxUses is how many placeholders one message may ask values for: each costs
// policy and audit far more than the bytes that it is written with.
const maxUses = 1000

func tooMany() *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Slug: "body_too_large", Message: "the request holds more than 1000 placeholders"}
}
