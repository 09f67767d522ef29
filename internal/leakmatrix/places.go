package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// place is where in a response an echo stands.
type place struct {
	name   string
	only   string                            // the one version of HTTP that has it; "": both
	body   bool                              // codings apply to it
	named  bool                              // it is a field's name
	unfit  func(c *cell) string              // why it cannot hold the echo; "" if it can
	around func(r *rand.Rand, c *cell)       // what is before and behind the echo
	seen   func(a *answer, c *cell) []string // what came where it was planted
}

const (
	http1  = "HTTP/1.1"
	http2v = "HTTP/2"
)

// The name of the field that is planted in, and of what marks one by its value.
const (
	echoField = "X-Echo"
	markValue = "marked"
)

func places() []place {
	return []place{
		{name: "body", body: true, around: aroundBody, seen: func(a *answer, _ *cell) []string { return []string{string(a.body)} }},
		{name: "header", unfit: noControls, around: aroundField, seen: inFields(echoField)},
		{name: "name", named: true, unfit: noToken, around: aroundName, seen: func(a *answer, _ *cell) []string { return a.fields.marked() }},
		{name: "cookie", unfit: noCookie, around: aroundCookie, seen: inFields("Set-Cookie")},
		{name: "Location", unfit: noURI, around: aroundLocation, seen: inFields("Location")},
		{name: "trailer", unfit: noControls, around: aroundField, seen: func(a *answer, _ *cell) []string { return a.trailers.get(echoField) }},
		{name: "reason", only: http1, unfit: noControls, around: aroundReason, seen: func(a *answer, _ *cell) []string { return []string{a.reason} }},
		{name: "1xx", unfit: noControls, around: aroundHint, seen: func(a *answer, _ *cell) []string { return a.early.get("Link") }},
		{name: "WebSocket", only: http1, around: aroundBody, seen: func(a *answer, _ *cell) []string { return []string{string(a.body)} }},
		{name: "gRPC", only: http2v, around: aroundBody, seen: func(a *answer, _ *cell) []string { return []string{unframed(a.body)} }},
		{name: "trailer's name", named: true, unfit: noToken, around: aroundName, seen: func(a *answer, _ *cell) []string { return a.trailers.marked() }},
		{name: "1xx name", named: true, unfit: noToken, around: aroundName, seen: func(a *answer, _ *cell) []string { return a.early.marked() }},
		{name: "second value", unfit: noControls, around: aroundField, seen: second},
	}
}

func inFields(name string) func(*answer, *cell) []string {
	return func(a *answer, _ *cell) []string { return a.fields.get(name) }
}

// second is the echo behind another value of the same field.
func second(a *answer, _ *cell) []string {
	values := a.fields.get(echoField)
	if len(values) != 2 || values[0] != markValue {
		return nil
	}
	return values[1:]
}

// marked are the names of fields that have the value that marks them.
func (list fields) marked() (names []string) {
	for _, f := range list {
		if f.value == markValue {
			names = append(names, f.name)
		}
	}
	return names
}

func noControls(c *cell) string {
	if bytes.ContainsFunc(c.text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "a field or reason has no control bytes (RFC 9110, 5.5)"
	}
	if len(bytes.TrimSpace(c.text)) < len(c.text) {
		return "white space around a field's value is none of it (RFC 9110, 5.5)"
	}
	return ""
}

func noToken(c *cell) string {
	switch {
	case !within(c.text, letters+digits+"!#$%&'*+-.^_`|~"):
		return "a field's name is a token (RFC 9110, 5.6.2)"
	case c.protocol == http2v && bytes.ContainsAny(c.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
		return "a field's name in HTTP/2 is in lower case (RFC 9113, 8.2)"
	}
	return ""
}

func noCookie(c *cell) string {
	if why := noControls(c); why != "" {
		return why
	}
	if bytes.ContainsAny(c.text, ";\t") {
		return "a cookie ends at a semicolon (RFC 6265, 5.2)"
	}
	return ""
}

func noURI(c *cell) string {
	if !within(c.text, letters+digits+"-._~:/?#[]@!$&'()*+,;=%") {
		return "Location is a URI (RFC 9110, 10.2.2)"
	}
	return ""
}

func within(text []byte, alphabet string) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !strings.ContainsRune(alphabet, r) })
}

// words are those of the text around an echo.
var words = strings.Fields("account request origin checked before result pending customer invoice total amount retry created updated region status")

// prose has about n bytes.
func prose(r *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))] + " ")
	}
	return b.String()
}

func id(r *rand.Rand) string { return fmt.Sprintf("%08x", r.Uint32()) }

// aroundBody is a text of the kind that the encoder's results stand in.
func aroundBody(r *rand.Rand, c *cell) {
	family := c.family
	if family != "json" && family != "html" {
		family = []string{"json", "html", "text"}[r.IntN(3)]
	}
	before, after := r.IntN(120), r.IntN(60)
	switch family {
	case "json":
		c.mime = "application/json"
		c.before = fmt.Sprintf(`{"id":"%s","note":"%s","request":{"retries":%d,"echo":`, id(r), prose(r, before), r.IntN(9))
		c.after = fmt.Sprintf(`,"ok":true},"text":"%s"}`, prose(r, after))
	case "html":
		c.mime = "text/html; charset=utf-8"
		c.before = fmt.Sprintf("<!doctype html>\n<p class=\"m%s\">%s</p>\n<input name=k value=\"", id(r), prose(r, before))
		c.after = fmt.Sprintf("\">\n<p>%s</p>\n", prose(r, after))
	default:
		c.mime = "text/plain"
		c.before = fmt.Sprintf("%s\nrequest %s came with key=", prose(r, before), id(r))
		c.after = fmt.Sprintf(" at %d\n%s\n", r.IntN(1e9), prose(r, after))
	}
}

func aroundField(r *rand.Rand, c *cell) {
	c.before = fmt.Sprintf("t=%s; %s; echo=", id(r), prose(r, r.IntN(40)))
	c.after = fmt.Sprintf("; n=%d", r.IntN(1e6))
}

func aroundName(r *rand.Rand, c *cell) { c.before, c.after = "x-"+id(r)+"-", "-"+id(r) }

func aroundCookie(r *rand.Rand, c *cell) {
	c.before, c.after = "sid="+id(r)+"."[:r.IntN(2)], "; Path=/; Secure; HttpOnly"
}

func aroundLocation(r *rand.Rand, c *cell) {
	c.before, c.after = "/callback/"+id(r)+"?code=", "&state="+id(r)
}

func aroundReason(r *rand.Rand, c *cell) {
	c.before, c.after = "Not so well: "+prose(r, r.IntN(30)), " ("+id(r)+")"
}

func aroundHint(r *rand.Rand, c *cell) {
	c.before, c.after = "</assets/"+id(r)+`.css>; rel=preload; title="`, `"; as=style`
}
