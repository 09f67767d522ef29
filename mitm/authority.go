package mitm

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// authority is where an exchange goes. There is one per tunnel, taken from the
// request-target of CONNECT; whatever else names a host must equal it.
type authority struct {
	host string // A-label form or IP literal, lower case, no brackets, no trailing dot
	port int
}

var errAuthority = errors.New("not a host and port")

// parseAuthority reads "host:port". With defaultPort 0 the port is required
// (RFC 9110, 9.3.6).
func (p *Proxy) parseAuthority(s string, defaultPort int) (authority, error) {
	host, port := s, strconv.Itoa(defaultPort)
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	bracketed := len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']'
	if bracketed {
		host = host[1 : len(host)-1]
	}
	if ip, err := netip.ParseAddr(host); bracketed != (err == nil && ip.Is6()) {
		return authority{}, errAuthority
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port[0] == '0' {
		return authority{}, errAuthority
	}
	normal, err := p.cfg.NormalHost(host)
	if err != nil {
		return authority{}, errAuthority
	}
	return authority{normal, int(n)}, nil
}

// same reports whether text names a, where the scheme's default port may be left out.
func (p *Proxy) same(a authority, text string, defaultPort int) bool {
	b, err := p.parseAuthority(text, defaultPort)
	return err == nil && a == b
}

// String is "host:port", brackets where an IPv6 literal needs them.
func (a authority) String() string { return net.JoinHostPort(a.host, strconv.Itoa(a.port)) }

// short leaves the default port out, as the Host field and people do.
func (a authority) short(scheme string) string {
	if scheme == "https" && a.port == 443 || scheme == "http" && a.port == 80 {
		if strings.Contains(a.host, ":") {
			return "[" + a.host + "]"
		}
		return a.host
	}
	return a.String()
}

// portOf is the port that a scheme means by none.
func portOf(scheme string) (port int, known bool) {
	switch scheme {
	case "http":
		return 80, true
	case "https":
		return 443, true
	}
	return 0, false
}

// target is a request-target as the client wrote it, in its two parts.
type target struct {
	path  string // escaped; "*" for OPTIONS *
	query string
	asked bool // a "?" was there, even with nothing behind it
}

// parseTarget splits origin-form or absolute-form (RFC 9112, 3.2).
func parseTarget(uri string) target {
	if i := strings.Index(uri, "://"); i > 0 && !strings.HasPrefix(uri, "/") {
		rest := uri[i+3:]
		if j := strings.IndexAny(rest, "/?"); j >= 0 {
			uri = rest[j:]
		} else {
			uri = "/"
		}
	}
	path, query, asked := strings.Cut(uri, "?")
	if path == "" {
		path = "/"
	}
	return target{path, query, asked}
}

// valid reports whether t is what an origin may be sent: origin-form, or "*" of
// OPTIONS, without a byte that would end the request line or a field. Anything
// else, such as "https:/other.test/x", some gateways would route by.
func (t target) valid(r *http.Request) bool {
	if t.path == "*" {
		return r.Method == http.MethodOptions && !t.asked
	}
	outside := func(c rune) bool { return c <= ' ' || c == 0x7f }
	return strings.HasPrefix(t.path, "/") && strings.IndexFunc(t.path+t.query, outside) < 0
}

// url builds what the transport sends. Opaque keeps the path byte for byte;
// two leading slashes would make it an authority, so those take the other way.
func (t target) url(scheme string, a authority) *url.URL {
	u := &url.URL{Scheme: scheme, Host: a.String(), RawQuery: t.query, ForceQuery: t.asked && t.query == ""}
	if strings.HasPrefix(t.path, "//") {
		if path, err := url.PathUnescape(t.path); err == nil {
			u.Path, u.RawPath = path, t.path
			return u
		}
	}
	u.Opaque = t.path
	return u
}
