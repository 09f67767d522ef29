// Package webpage tells the requests that a browser makes for a page from those
// of programs on this machine.
//
//	if webpage.Asks(r) {
//		… // 403: a page that a browser shows must not use its user's secrets
//	}
//
// Guarantees: a request is a page's if a browser said so, by Origin or Sec-Fetch-*
// fields (Fetch Standard, Fetch Metadata), or if it names a host that is not
// loopback, as after DNS rebinding.
package webpage

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Asks reports whether r is a page's.
func Asks(r *http.Request) bool { return !IsLoopback(r.Host) || marked(r.Header) }

func marked(h http.Header) bool {
	if _, ok := h["Origin"]; ok { // also an empty one
		return true
	}
	for field := range h {
		if strings.HasPrefix(field, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

// IsLoopback reports whether a host, with or without a port, is this machine.
func IsLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}
