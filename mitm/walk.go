package mitm

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// The texts of a request's head in which placeholders may stand. Finding and
// expanding take the same walk, so that nothing is expanded that policy was not
// asked about.

// slot is what a text of the head stands in.
type slot struct {
	place, style string
	as           placeholder.Encoding         // how a placeholder may be written in it
	escape       func([]byte) ([]byte, error) // what a value must look like in it
	text         bool                         // nothing in it is ever expanded
}

// visit is shown a text and what it stands in, and returns what takes its place.
type visit func(s slot, text string) (string, error)

func textIn(kind string) slot { return slot{place: kind, as: placeholder.Plain, text: true} }

// neverExpanded are fields that tell a server where a client came from or who
// it is, or speak of the connection alone; a placeholder there is text.
func neverExpanded(field string) bool {
	switch field {
	case "Referer", "User-Agent", "Forwarded", "Via", "Host", "Origin", "Accept-Encoding", "Content-Length", "Upgrade":
		return true
	}
	return strings.HasPrefix(field, "X-Forwarded-")
}

// walkHead shows v the path, the query and the fields of out. Texts that cannot
// hold a placeholder, which are nearly all, it leaves out.
func (x *exchange) walkHead(out *http.Request, v visit) error {
	if err := x.walkTarget(out, v); err != nil {
		return err
	}
	for field, lines := range out.Header {
		for i, line := range lines {
			if !placeholder.MayHold(line, placeholder.InHeader) {
				continue
			}
			text, err := walkField(field, line, v)
			if err != nil {
				return err
			}
			lines[i] = text
		}
	}
	return nil
}

func (x *exchange) walkTarget(out *http.Request, v visit) error {
	t := x.target // what audit shows stays as the client wrote it
	var err error
	if placeholder.MayHold(t.path, placeholder.InPath) {
		if t.path, err = walkList(t.path, "/", func(segment string) (string, error) {
			return v(slot{place: place.Path, style: "path", as: placeholder.InPath, escape: pathSegment}, segment)
		}); err != nil {
			return err
		}
	}
	if placeholder.MayHold(t.query, placeholder.InQuery) {
		if t.query, err = walkList(t.query, "&", func(param string) (string, error) { return walkParam(param, v) }); err != nil {
			return err
		}
	}
	if t != x.target {
		out.URL = t.url(x.scheme, x.dest)
	}
	return nil
}

func walkList(list, separator string, each func(string) (string, error)) (string, error) {
	all := strings.Split(list, separator)
	for i, text := range all {
		var err error
		if all[i], err = each(text); err != nil {
			return "", err
		}
	}
	return strings.Join(all, separator), nil
}

func walkParam(param string, v visit) (string, error) {
	name, value, has := strings.Cut(param, "=")
	if _, err := v(textIn(place.Query), name); err != nil || !has {
		return param, err
	}
	value, err := v(slot{place: place.Of(place.Query, unescaped(name)), style: "query", as: placeholder.InQuery, escape: escapeQuery}, value)
	return name + "=" + value, err
}

func walkField(field, line string, v visit) (string, error) {
	switch pair, basic := basicPair(field, line); {
	case neverExpanded(field):
		return v(textIn(place.Header), line)
	case field == "Cookie":
		return walkCookies(line, v)
	case basic:
		text, err := v(slot{place: place.Basic, style: "basic", as: placeholder.Plain, escape: verbatim}, string(pair))
		if err != nil || text == string(pair) {
			return line, err // not even the encoding's spelling changes
		}
		return line[:len("Basic ")] + base64.StdEncoding.EncodeToString([]byte(text)), nil
	}
	style := "header"
	if field == "Authorization" && len(line) > 7 && strings.EqualFold(line[:7], "Bearer ") {
		style = "bearer"
	}
	return v(slot{place: place.Of(place.Header, field), style: style, as: placeholder.InHeader, escape: fieldValue}, line)
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

// walkCookies takes a Cookie field apart (RFC 6265, 4.2.1). What has no name among
// the cookies stands for the field itself: it may be all of them.
func walkCookies(line string, v visit) (string, error) {
	whole := slot{place: place.Of(place.Header, "Cookie"), style: "header", as: placeholder.InHeader, escape: cookieValue}
	if quotesSemicolon(line) {
		return v(whole, line)
	}
	return walkList(line, ";", func(cookie string) (string, error) {
		name, value, named := strings.Cut(cookie, "=")
		if !named {
			whole.escape = fieldValue
			return v(whole, cookie)
		}
		if _, err := v(textIn(place.Cookie), name); err != nil {
			return "", err
		}
		s := slot{place: place.Of(place.Cookie, strings.Trim(name, " \t")), style: "header", as: placeholder.InHeader, escape: cookieValue}
		value, err := v(s, value)
		return name + "=" + value, err
	})
}

// quotesSemicolon reports whether some cookie ends inside quotes: some servers
// take the semicolon there for part of its value, and what follows for no cookie.
func quotesSemicolon(line string) bool {
	for cookie := range strings.SplitSeq(line, ";") {
		if strings.Count(cookie, `"`)%2 != 0 {
			return true
		}
	}
	return false
}

func unescaped(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}
