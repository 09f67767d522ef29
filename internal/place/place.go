// Package place names the places of a request where a placeholder may stand.
//
//	place.Of(place.Header, "X-Api-Key") // "header:x-api-key"
//	place.Of(place.Body, "auth.token")  // "body:auth.token"
//	place.Of(place.Path, "")            // "path"
//	p, err := place.Parse("header:Authorization")
//	place.Match(p, "header:authorization") // true
//
// A place is a plain string that holds no value. An actual place says where a
// placeholder stood; a pattern, which is what a binding keeps, is an actual place
// or a kind alone.
package place

import (
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// The kinds of place.
const (
	Header = "header"
	Query  = "query"
	Path   = "path"
	Basic  = "basic"
	Body   = "body"
	Form   = "form"
)

// Of is the place of that kind and field. A kind without fields, or an empty
// field, gives the kind alone.
func Of(kind, field string) string {
	switch {
	case field == "" || kind == Path || kind == Basic:
		return kind
	case kind == Header: // RFC 9110, 5.1: field names ignore case
		return kind + ":" + strings.ToLower(field)
	}
	return kind + ":" + field
}

// Parse reads what a user may write for a pattern.
func Parse(pattern string) (string, error) {
	kind, field, hasField := strings.Cut(pattern, ":")
	var ok bool
	switch kind {
	case Header:
		ok = !hasField || httpguts.ValidHeaderFieldName(field)
	case Query, Form:
		ok = !hasField || field != ""
	case Path, Basic, Body:
		ok = !hasField
	}
	if !ok {
		return "", fmt.Errorf("no such place %q: use header, header:FIELD, query, query:PARAM, basic, body, form, form:FIELD or path", pattern)
	}
	return Of(kind, field), nil
}

// Match reports whether pattern covers the place actual. A kind covers each of
// its fields; an empty pattern covers nothing.
func Match(pattern, actual string) bool {
	rest, ok := strings.CutPrefix(actual, pattern)
	return ok && pattern != "" && (rest == "" || rest[0] == ':' && !strings.Contains(pattern, ":"))
}
