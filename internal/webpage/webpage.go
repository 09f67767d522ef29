// Package webpage tells the requests that a browser makes for a page from those
// of programs on this machine.
//
//	if webpage.Asks(r) {
//		… // 403: a page that a browser shows must not use its user's secrets
//	}
//
// Guarantees: a request is a page's if a browser said so, by Origin or Sec-Fetch-*
// fields (Fetch Standard, Fetch Metadata), or if it names a host that is not
// loopback, as after DNS rebinding; AsksFor says which others no browser can have sent.
package webpage

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Asks reports whether r is a page's.
func Asks(r *http.Request) bool { return !IsLoopback(r.Host) || marked(r.Header) }

// AsksFor is Asks where a request for target, a host with its port where that is not
// the scheme's, comes in at port. Clients that are led to us by a hook (httpx) keep
// target in Host. A page's Host has the port that the browser has connected to: one
// that names target and another port was written by a program. It has to be target,
// so that even a page which something forwards to us asks for nothing but its own host.
func AsksFor(r *http.Request, target string, port int) bool {
	if marked(r.Header) {
		return true
	}
	named, ok := portOf(r.Host)
	kept := ok && target != "" && port != 0 && named != port && strings.EqualFold(r.Host, target)
	return !kept && !IsLoopback(r.Host)
}

// portOf is the port in the URL that a Host field was made from, if a page's.
func portOf(hostport string) (int, bool) {
	if !strings.Contains(hostport, ":") {
		return 80, true // our listeners speak no TLS
	}
	_, text, err := net.SplitHostPort(hostport)
	if err != nil {
		return 0, false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return int(port), err == nil
}

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
