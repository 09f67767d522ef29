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
			switch strings.ToLower(strings.ReplaceAll(field, "_", "-")) {
			case "x-http-method-override", "x-http-method", "x-method-override":
				methods = appendNew(methods, strings.ToUpper(line))
			case "x-original-url", "x-rewrite-url":
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
