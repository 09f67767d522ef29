package mitm

import (
	"net/http"
	"net/textproto"
	"strings"
)

// maxReadings is how many ways of reading one request policy is asked about.
const maxReadings = 16

// readings are the ways in which servers may take the request that u stands in:
// some believe fields that name another method or another path, or both, which
// a binding must allow as well. CGI makes no difference between - and _ in their
// names. More than maxReadings are a *Problem.
func readings(u Use, h http.Header) ([]Use, error) {
	methods, paths := []string{u.Method}, []string{u.Path}
	for field, lines := range h {
		for _, line := range lines {
			line = textproto.TrimString(line)
			switch {
			case isAny(field, "x-http-method-override", "x-http-method", "x-method-override"):
				methods = appendNew(methods, strings.ToUpper(line))
			case isAny(field, "x-original-url", "x-rewrite-url"):
				path, _, _ := strings.Cut(line, "?")
				paths = appendNew(paths, path)
			}
			if len(methods)*len(paths) > maxReadings {
				return nil, &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: "the request names too many other methods and paths"}
			}
		}
	}
	var all []Use
	for _, u.Method = range methods {
		for _, u.Path = range paths {
			all = append(all, u)
		}
	}
	return all, nil
}

// isAny allocates nothing: each use of a request looks at each of its fields.
func isAny(field string, names ...string) bool {
	for _, name := range names {
		if len(field) != len(name) {
			continue
		}
		same := true
		for i := 0; same && i < len(name); i++ {
			c := field[i]
			switch {
			case c == '_':
				c = '-'
			case 'A' <= c && c <= 'Z':
				c += 'a' - 'A'
			}
			same = c == name[i]
		}
		if same {
			return true
		}
	}
	return false
}
