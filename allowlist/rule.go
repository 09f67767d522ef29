package allowlist

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

const defaultPort = 443

// Rule allows one host, or the hosts one label below it, on one port; all of their requests, or some; and says how they
// may be made.
type Rule struct {
	Host     string // in the form of NormalHost; below a wildcard, what follows "*."
	Port     int    // 0 means 443
	Wildcard bool
	Method   string   // as ParseMethod writes it; "": any
	Path     string   // as ParsePath writes it; "": any
	Places   []string // patterns of internal/place; none: any that the binding allows
	Options
	AddedBy string
	AddedAt time.Time
}

// RuleError says what is wrong with the text of a rule.
type RuleError struct {
	Text   string
	Reason string
	try    string
}

func (e *RuleError) Error() string { return fmt.Sprintf("the rule %q %s", e.Text, e.Reason) }

// Hint is an example of a rule that would do.
func (e *RuleError) Hint() string { return "agentsecrets workspace allowlist add " + quote(e.try) }

// ParseRule reads a rule as people write it: api.stripe.com, api.acme.test:9443, *.example.com, [2001:db8::1]:8443.
// A wildcard stands for exactly one label and may not stand directly below a public suffix, where anybody can have a
// name (publicsuffix.org). Errors are of type *RuleError.
func ParseRule(s string) (Rule, error) {
	r, try, err := parseRule(s)
	if err != nil {
		if try == "" {
			try = "api.stripe.com"
		}
		return Rule{}, &RuleError{Text: s, Reason: err.Error(), try: try}
	}
	return r, nil
}

// parseRule returns with an error a text that could have been meant, or "".
func parseRule(s string) (r Rule, try string, err error) {
	if try, err := notHost(s); err != nil {
		return Rule{}, try, err
	}
	host, port, err := splitPort(s)
	if err != nil {
		return Rule{}, "", err
	}
	if r.Port, err = parsePort(port); err != nil {
		return Rule{}, "api.stripe.com:8443", err
	}
	if strings.HasPrefix(s, "[") {
		if r.Host, err = bracketed(host); err != nil {
			return Rule{}, "[2001:db8::1]:8443", err
		}
		return r, "", nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		return Rule{}, "[" + addr.WithZone("").String() + "]", errors.New("is an IPv6 address without brackets")
	}
	if host, r.Wildcard = strings.CutPrefix(host, "*."); r.Wildcard {
		if r.Host, err = wildcardBase(host); err != nil {
			return Rule{}, belowExample(host), err
		}
		return r, "", nil
	}
	r.Host, err = NormalHost(host)
	return r, example(host), err
}

// notHost finds the usual mistakes, which are better named than taken for odd hosts.
func notHost(s string) (try string, err error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("is empty")
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		rest, _, _ = strings.Cut(rest, "/")
		return example(rest), fmt.Errorf("has a scheme (%.16q): give the host alone", scheme)
	}
	if i := strings.IndexByte(s, '@'); i >= 0 {
		return example(s[i+1:]), errors.New("has a user name: give the host alone")
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return example(s[:i]), errors.New("has a path: give the host alone")
	}
	if s == "*" {
		return "", errors.New("would allow every host")
	}
	return "", nil
}

// example is host if that alone is a rule.
func example(host string) string {
	if r, err := NormalHost(host); err == nil && !strings.Contains(r, ":") {
		return r
	}
	return "stripe.com"
}

// belowExample is a name that *.host might have stood for, or host where that is an address.
func belowExample(host string) string {
	base := example(host)
	if looksNumeric(base) {
		return base
	}
	return "api." + base
}

// splitPort returns ":port" with its colon, so that an empty port is not taken for none.
func splitPort(s string) (host, port string, err error) {
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return "", "", errors.New("has no ] to close its [")
		}
		return s[1:i], s[i+1:], nil
	}
	if strings.Count(s, ":") == 1 {
		i := strings.IndexByte(s, ':')
		return s[:i], s[i:], nil
	}
	return s, "", nil
}

// parsePort makes 443 the 0 that stands for it, so that two texts of one rule are equal.
func parsePort(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(s, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n == 0 || digits[0] == '0' {
		return 0, fmt.Errorf("has no valid port: %.16q is not a number from 1 to 65535", digits)
	}
	if n == defaultPort {
		return 0, nil
	}
	return int(n), nil
}

func bracketed(host string) (string, error) {
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil || !addr.Is6():
		return "", errors.New("has brackets around something that is not an IPv6 address")
	case addr.Zone() != "":
		return "", errors.New("has a zone: which interface an address is behind means nothing to others")
	}
	return addr.String(), nil
}

func wildcardBase(host string) (string, error) {
	if strings.Contains(host, "*") {
		return "", errors.New("has more than one *: a * stands for one label, at the front")
	}
	base, err := NormalHost(host)
	if err != nil {
		return "", err
	}
	if _, err := netip.ParseAddr(base); err == nil {
		return "", errors.New("has a * before an IP address")
	}
	if anybodys(base) {
		return "", fmt.Errorf("reaches below %s, where anybody can have a name", base)
	}
	if isPublic("any." + base) {
		return "", fmt.Errorf("reaches below the public suffix %s, where anybody can have a name", base)
	}
	return base, nil
}

// isPublic reports whether anybody may have a name directly at or below the parent of host.
func isPublic(host string) bool {
	suffix, _ := publicsuffix.PublicSuffix(host)
	_, parent, _ := strings.Cut(host, ".")
	return suffix == host || suffix == parent || anybodys(parent)
}

// anybodys reports whether anybody may have a name directly below host. These are hosts of pages, previews and
// tunnels that have not entered themselves at publicsuffix.org.
func anybodys(host string) bool {
	switch host {
	case "codesandbox.io", "gitpod.io", "glitch.me", "stackblitz.io", "surge.sh", "webcontainer.io", "wordpress.com",
		"loca.lt", "localhost.run", "localtunnel.me", "railway.app", "serveo.net",
		"m.pipedream.net", "oast.fun", "oast.live", "oast.me", "oast.online", "oast.pro", "oast.site", "requestcatcher.com", "webhook.site":
		return true
	}
	// Here a name spells the address that it leads to, at whatever depth.
	return isBelow(host, "nip.io") || isBelow(host, "sslip.io")
}

func isBelow(host, top string) bool { return host == top || strings.HasSuffix(host, "."+top) }

// String is the rule as ParseRequestRule reads it; see Text for its places.
func (r Rule) String() string {
	if r.Method != "" {
		return r.Method + " " + r.host() + r.Path
	}
	return r.host() + r.Path
}

// host is the part that ParseRule reads.
func (r Rule) host() string {
	host := r.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if r.Wildcard {
		host = "*." + host
	}
	if r.port() == defaultPort {
		return host
	}
	return host + ":" + strconv.Itoa(r.Port)
}

func (r Rule) port() int {
	if r.Port == 0 {
		return defaultPort
	}
	return r.Port
}

// Match reports whether the rule allows host, in any spelling that NormalHost takes, on port. A wildcard does not
// match the host that it stands before, nor two labels, nor a name that is itself a public suffix.
func (r Rule) Match(host string, port int) bool {
	normal, err := NormalHost(host)
	return err == nil && r.match(normal, port)
}

func (r Rule) match(host string, port int) bool {
	if r.Host == "" || port != r.port() {
		return false
	}
	if !r.Wildcard {
		return host == r.Host
	}
	label, parent, ok := strings.Cut(host, ".")
	return ok && label != "" && parent == r.Host && !isPublic(host)
}

func hostPort(host string, port int) string {
	if port == 0 || port == defaultPort {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
