package mitm

import (
	"net/http"
	"net/textproto"
	"strings"
)

// readings are the ways in which servers may take the request that u stands in:
// some believe fields that name another method or another path, which a binding
// must allow as well. CGI makes no difference between - and _ in their names.
func readings(u Use, h http.Header) []Use {
	all := []Use{u}
	for field, lines := range h {
		for _, line := range lines {
			other, line := u, textproto.TrimString(line)
			switch strings.ToLower(strings.ReplaceAll(field, "_", "-")) {
			case "x-http-method-override", "x-http-method", "x-method-override":
				other.Method = strings.ToUpper(line)
			case "x-original-url", "x-rewrite-url":
				other.Path, _, _ = strings.Cut(line, "?")
			default:
				continue
			}
			all = append(all, other)
		}
	}
	return all
}
