// Package style puts placeholders into a request in the six ways that a call
// can ask for: bearer, basic, header, query, body field and form field.
//
//	s := style.Styles{Bearer: "STRIPE_KEY", Query: []style.Pair{{"version", "2024-06-20"}}}
//	err := s.Apply(req) // Authorization: Bearer AS_SECRET_STRIPE_KEY, ?version=2024-06-20
//	s.Places()          // header:authorization, query:version
//
// A text that is a valid name of a secret becomes its placeholder; any other is
// a literal and goes in as it is. No value is known here.
package style

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"golang.org/x/net/http/httpguts"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Pair is a field and what goes into it: a name, or a literal.
type Pair struct{ Field, Text string }

// Styles are what a call asks for; all of them may be combined.
type Styles struct {
	Bearer string
	Basic  string // stored, or written, as user:password
	Header []Pair
	Query  []Pair
	Body   []Pair // dotted paths in a JSON object
	Form   []Pair
}

// MaxBody is how long a body may be that a field is put into.
const MaxBody = 1 << 20

// Error is a request that cannot be made as asked. Its text holds field names
// and no literal.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// text is what goes in for t.
func text(t string) string {
	if placeholder.Valid(t) {
		return placeholder.For(t)
	}
	return t
}

// Apply changes r. Its body is read only where a field goes into it.
func (s Styles) Apply(r *http.Request) error {
	if s.Bearer != "" && s.Basic != "" {
		return refuse("bearer and basic both want the Authorization field: give one")
	}
	if s.Bearer != "" {
		r.Header.Set("Authorization", "Bearer "+text(s.Bearer))
	}
	if s.Basic != "" {
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(text(s.Basic))))
	}
	for _, p := range s.Header {
		if !httpguts.ValidHeaderFieldName(p.Field) || !httpguts.ValidHeaderFieldValue(p.Text) {
			return refuse("%q cannot be a header field with this value", p.Field)
		}
		r.Header.Set(p.Field, text(p.Text))
	}
	if err := s.applyQuery(r); err != nil {
		return err
	}
	return s.applyBody(r)
}

// applyQuery replaces a parameter that is there already, whatever its case: a
// header of the local API loses the case of names on its way through libraries.
func (s Styles) applyQuery(r *http.Request) error {
	for _, p := range s.Query {
		params, done := strings.Split(r.URL.RawQuery, "&"), false
		for i, param := range params {
			k, _, _ := strings.Cut(param, "=")
			name, err := url.QueryUnescape(k)
			if err == nil && strings.EqualFold(name, p.Field) && !done {
				params[i], done = k+"="+url.QueryEscape(text(p.Text)), true
			}
		}
		if !done {
			params = append(params, url.QueryEscape(p.Field)+"="+url.QueryEscape(text(p.Text)))
		}
		r.URL.RawQuery = strings.TrimPrefix(strings.Join(params, "&"), "&")
	}
	return nil
}

func (s Styles) applyBody(r *http.Request) error {
	if len(s.Body) == 0 && len(s.Form) == 0 {
		return nil
	}
	if len(s.Body) > 0 && len(s.Form) > 0 {
		return refuse("a body is either JSON or a form: give body fields or form fields")
	}
	body, err := read(r)
	if err != nil {
		return err
	}
	if len(s.Form) > 0 {
		body, err = s.form(r, body)
	} else {
		body, err = s.json(r, body)
	}
	if err != nil {
		return err
	}
	r.ContentLength = int64(len(body))
	r.Header.Del("Content-Length")
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return nil
}

func read(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, errors.New("the request body ended early")
	case len(body) > MaxBody:
		return nil, refuse("fields go only into bodies up to 1 MiB")
	}
	return body, nil
}

// json merges fields into an object, byte for byte around them; parents that
// are missing are made.
func (s Styles) json(r *http.Request, body []byte) ([]byte, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !gjson.ValidBytes(body) || !gjson.ParseBytes(body).IsObject() {
		return nil, refuse("body fields go into a JSON object, which the body is not")
	}
	for _, p := range s.Body {
		path, err := jsonPath(body, p.Field)
		if err != nil {
			return nil, err
		}
		if body, err = sjson.SetBytes(body, path, text(p.Text)); err != nil {
			return nil, refuse("the body has no place for a field %q", p.Field)
		}
	}
	defaultType(r, "application/json")
	return body, nil
}

// jsonPath is a dotted path in sjson's notation. Where the body has the same
// name in another case, that one is meant.
func jsonPath(body []byte, field string) (string, error) {
	at := gjson.ParseBytes(body)
	var path []string
	for part := range strings.SplitSeq(field, ".") {
		if part == "" {
			return "", refuse("%q is no path of a body field: a name is empty", field)
		}
		name := part
		if at.IsObject() && !at.Get(gjson.Escape(part)).Exists() {
			at.ForEach(func(k, _ gjson.Result) bool {
				if strings.EqualFold(k.Str, part) {
					name = k.Str
				}
				return name == part
			})
		}
		escaped := gjson.Escape(name)
		if at.Exists() && !at.IsObject() && !at.IsArray() {
			return "", refuse("%q goes through a value that is no object", field)
		}
		if !at.IsArray() && isNumber(name) {
			escaped = ":" + name // a name, where sjson would make an array
		}
		path = append(path, escaped)
		at = at.Get(gjson.Escape(name))
	}
	return strings.Join(path, "."), nil
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" || s == "-1" }

// form adds fields to a form, in place of those of the same name.
func (s Styles) form(r *http.Request, body []byte) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "" && kind != "application/x-www-form-urlencoded" {
		return nil, refuse("form fields go into a body of the type application/x-www-form-urlencoded")
	}
	form := &http.Request{URL: &url.URL{RawQuery: string(bytes.TrimSpace(body))}}
	if err := (Styles{Query: s.Form}).applyQuery(form); err != nil {
		return nil, err
	}
	defaultType(r, "application/x-www-form-urlencoded")
	return []byte(form.URL.RawQuery), nil
}

func defaultType(r *http.Request, kind string) {
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", kind)
	}
}

// Places are those that the styles ask for, as internal/place writes them: asked
// for so plainly, a placeholder there is never text.
func (s Styles) Places() []string {
	var list []string
	for _, k := range []struct {
		kind  string
		pairs []Pair
	}{{place.Header, s.Header}, {place.Query, s.Query}, {place.Body, s.Body}, {place.Form, s.Form}} {
		for _, p := range k.pairs {
			list = append(list, place.Of(k.kind, p.Field))
		}
	}
	if s.Bearer != "" {
		list = append(list, place.Of(place.Header, "authorization"))
	}
	if s.Basic != "" {
		list = append(list, place.Basic)
	}
	return list
}
