// Package place names the places of a request where a placeholder may stand.
//
//	place.Of(place.Header, "X-Api-Key") // "header:x-api-key"
//	place.Of(place.Body, "auth.token")  // "body:auth.token"
//	place.Of(place.Path, "")            // "path"
//	p, err := place.Parse("body:messages.*.content")
//	place.Match(p, "body:messages.0.content") // true
//	place.Covers("header", "cookie:session")  // true: one pattern within another
//
// A place is a plain string that holds no value. An actual place says where a
// placeholder stood; a pattern, which is what a binding keeps, is an actual place,
// a kind alone, or has a * in a body's path. No pattern but body:any matches what
// is not the whole of a value.
package place

import (
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// The kinds of place. Fields of multipart/form-data are of the kind form.
const (
	Header = "header"
	Cookie = "cookie"
	Query  = "query"
	Path   = "path"
	Basic  = "basic"
	Body   = "body"
	Form   = "form"
)

// Text is the actual place of a placeholder in a body that is not the whole of a
// value there, or in a body of a type that has no values. It is no pattern: a user
// writes [Any] for it.
const Text = "text"

// Any is the pattern for all of a body: every occurrence, in any content type.
const Any = "body:any"

// cookieField is the field that cookies stand in: both names are one place.
const cookieField = Header + ":" + Cookie

// Defaults are the patterns of a secret that is bound to no places. A path ends up
// in logs and history, and text is text: nothing goes there unasked.
func Defaults() []string { return []string{Header, Query, Basic, Body, Form} }

// Of is the place of that kind and field. A kind without fields, or an empty
// field, gives the kind alone.
func Of(kind, field string) string {
	switch {
	case field == "" || kind == Path || kind == Basic || kind == Text:
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
	case Header, Cookie: // both are tokens (RFC 9110, 5.6.2; RFC 6265, 4.1.1)
		ok = !hasField || httpguts.ValidHeaderFieldName(field)
	case Query, Form:
		ok = !hasField || field != ""
	case Body:
		ok = !hasField || validPath(field)
	case Path, Basic:
		ok = !hasField
	}
	if !ok {
		return "", fmt.Errorf("no such place %q: use header, header:FIELD, cookie, cookie:NAME, query, query:PARAM, "+
			"basic, body, body:PATH, body:any, form, form:FIELD or path", pattern)
	}
	return Of(kind, field), nil
}

// Match reports whether pattern covers the place actual. A kind covers each of
// its fields, header each cookie; an empty pattern covers nothing.
func Match(pattern, actual string) bool {
	kind, field, one := strings.Cut(pattern, ":")
	inKind, inField, inOne := strings.Cut(actual, ":")
	switch {
	case pattern == "" || pattern == Text:
		return false
	case pattern == Any:
		return inKind == Text || inKind == Body || inKind == Form
	case pattern == cookieField || pattern == Cookie:
		return actual == cookieField || inKind == Cookie
	case pattern == Header && inKind == Cookie:
		return true
	case kind != inKind || !one:
		return kind == inKind && !one
	case kind == Body && inOne:
		return matchPath(field, inField)
	}
	return pattern == actual
}

// Covers reports whether the pattern wide matches all that the pattern narrow
// matches.
func Covers(wide, narrow string) bool {
	// A * of narrow is a name like any other to a * of wide; any is not.
	return (narrow != Any || wide == Any) && Match(wide, narrow)
}
