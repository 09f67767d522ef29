package mitm

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Where placeholders of a request head stand, and putting values there. Finding
// and expanding walk the same places, so that nothing is expanded that policy
// was not asked about.

// neverExpanded are fields that tell a server where a client came from or who
// it is; a placeholder there is text.
func neverExpanded(field string) bool {
	switch field {
	case "Referer", "User-Agent", "Forwarded", "Via", "Host", "Origin", "Accept-Encoding", "Content-Length":
		return true
	}
	return strings.HasPrefix(field, "X-Forwarded-")
}

func (x *exchange) use(name, place string, whole bool, style string) found {
	return found{Use{
		Name: name, Host: x.dest.host, Port: x.dest.port, Method: x.method, Path: x.target.path, Place: place, Whole: whole,
	}, style}
}

// findHead lists the uses in path, query and fields of out.
func (x *exchange) findHead(out *http.Request) []found {
	var uses []found
	for _, seg := range strings.Split(x.target.path, "/") {
		for _, f := range placeholder.Find([]byte(seg)) {
			u := x.use(f.Name, place.Path, f.End-f.Start == len(seg), "path")
			if x.isText(u) {
				x.mentioned(u)
				continue
			}
			uses = append(uses, u)
		}
	}
	for param := range strings.SplitSeq(x.target.query, "&") {
		k, v, _ := strings.Cut(param, "=")
		for _, f := range placeholder.Find([]byte(v)) {
			uses = append(uses, x.use(f.Name, place.Of(place.Query, unescaped(k)), f.End-f.Start == len(v), "query"))
		}
	}
	for field, values := range out.Header {
		if neverExpanded(field) {
			continue
		}
		for _, v := range values {
			uses = append(uses, x.findField(field, v)...)
		}
	}
	return uses
}

func (x *exchange) isText(u found) bool {
	return x.proxy.cfg.Text != nil && !x.wasAsked(u.Place) && x.proxy.cfg.Text(x.scope, u.Use)
}

// mentioned counts a placeholder that passes as it is.
func (x *exchange) mentioned(u found) { x.proxy.cfg.observer().Mentioned(u.Place) }

func (x *exchange) findField(field, value string) []found {
	var uses []found
	if pair, ok := basicPair(field, value); ok {
		for _, f := range placeholder.Find(pair) {
			uses = append(uses, x.use(f.Name, place.Basic, f.End-f.Start == len(pair), "basic"))
		}
		return uses
	}
	style := "header"
	if field == "Authorization" && len(value) > 7 && strings.EqualFold(value[:7], "Bearer ") {
		style = "bearer"
	}
	for _, f := range placeholder.Find([]byte(value)) {
		uses = append(uses, x.use(f.Name, place.Of(place.Header, field), f.End-f.Start == len(value), style))
	}
	return uses
}

// basicPair is what "Authorization: Basic …" encodes (RFC 7617): git, Jira and
// curl -u send a placeholder inside it.
func basicPair(field, value string) ([]byte, bool) {
	if field != "Authorization" || len(value) < 6 || !strings.EqualFold(value[:6], "Basic ") {
		return nil, false
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[6:]))
	return pair, err == nil
}

// expandHead puts values where findHead found their placeholders.
func (x *exchange) expandHead(out *http.Request) error {
	if len(x.uses) == 0 {
		return nil
	}
	if err := x.expandTarget(out); err != nil {
		return err
	}
	for field, values := range out.Header {
		if neverExpanded(field) {
			continue
		}
		for i, v := range values {
			text, err := x.expandField(field, v)
			if err != nil {
				return err
			}
			values[i] = text
		}
	}
	return nil
}

func (x *exchange) expandTarget(out *http.Request) error {
	t := x.target // what audit shows stays as the client wrote it
	segments := strings.Split(t.path, "/")
	for i, seg := range segments {
		text, err := x.expand(seg, func(name string) (found, bool) {
			u := x.use(name, place.Path, seg == placeholder.For(name), "path")
			return u, !x.isText(u)
		}, pathSegment)
		if err != nil {
			return err
		}
		segments[i] = text
	}
	t.path = strings.Join(segments, "/")
	params := strings.Split(t.query, "&")
	for i, param := range params {
		k, v, has := strings.Cut(param, "=")
		if !has {
			continue
		}
		text, err := x.expand(v, always(x.use("", place.Of(place.Query, unescaped(k)), false, "query")), escapeQuery)
		if err != nil {
			return err
		}
		params[i] = k + "=" + text
	}
	t.query = strings.Join(params, "&")
	out.URL = t.url(x.scheme, x.dest)
	return nil
}

func (x *exchange) expandField(field, value string) (string, error) {
	if pair, ok := basicPair(field, value); ok {
		if placeholder.Find(pair) == nil {
			return value, nil // not even the encoding's spelling changes
		}
		text, err := x.expand(string(pair), always(x.use("", place.Basic, false, "basic")), verbatim)
		if err != nil {
			return "", err
		}
		return value[:6] + base64.StdEncoding.EncodeToString([]byte(text)), nil
	}
	return x.expand(value, always(x.use("", place.Of(place.Header, field), false, "header")), fieldValue)
}

// always takes every placeholder for a use of the kind of u.
func always(u found) func(string) (found, bool) {
	return func(name string) (found, bool) {
		u.Name = name
		return u, true
	}
}

// expand puts the values of one text in, each escaped. of says which
// placeholders are uses; a use that policy has not decided is a fault of ours
// and ends the exchange.
func (x *exchange) expand(text string, of func(string) (found, bool), escape func([]byte) ([]byte, error)) (string, error) {
	b, err := placeholder.Expand(nil, []byte(text), func(name string) ([]byte, error) {
		u, isUse := of(name)
		if !isUse {
			return nil, nil
		}
		v, ok := x.values[name]
		if !ok {
			return nil, &Problem{Status: 503, Slug: "store_locked", Name: name, Message: "the value was not resolved"}
		}
		escaped, err := escape(v.Reveal())
		if err != nil {
			return nil, notAllowed(u)
		}
		x.proxy.cfg.observer().Expanded(kindOf(u.Place))
		return escaped, nil
	})
	return string(b), err
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

func unescaped(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
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
