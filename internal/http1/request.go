package http1

import (
	"bufio"
	"bytes"
	"net/netip"
)

// Form is how a request-target is written (RFC 9112, 3.2).
type Form byte

const (
	OriginForm    Form = iota // /path?query
	AbsoluteForm              // http://host/path?query
	AuthorityForm             // host:port, of CONNECT
	AsteriskForm              // *, of OPTIONS
)

// Request is the head of a request. The zero value is ready for Read.
type Request struct {
	Method    []byte
	Target    []byte
	Form      Form
	Authority []byte // in Target; nil unless AbsoluteForm or AuthorityForm
	Minor     int    // HTTP/1.Minor
	Host      []byte // the value of the field; nil if there is none, which HTTP/1.0 allows
	Fields    []Field
	Framing   Framing

	head    *head
	options options
	goesOn  bool
	upgrade []byte
}

// Read reads the next head. io.EOF means that the connection has ended between
// messages; an *Error, that the message has to be refused.
func (r *Request) Read(br *bufio.Reader, lim Limits) error {
	h := r.head.take()
	*r = Request{head: h}
	if err := h.gather(br, lim.or(64<<10, 100)); err != nil {
		return err
	}
	first, rest := line(h.buf)
	if err := r.readLine(first); err != nil {
		return err
	}
	if err := h.parse(rest); err != nil {
		return err
	}
	s, err := h.summary()
	if err != nil {
		return err
	}
	if err := r.conclude(&s); err != nil {
		return err
	}
	r.Fields = h.trimmed()
	return nil
}

// Release gives r's buffer away: no part of r may be used any more.
func (r *Request) Release() {
	r.head.release()
	*r = Request{}
}

func (r *Request) readLine(l []byte) error {
	method, rest, ok := bytes.Cut(l, []byte(" "))
	target, version, ok2 := bytes.Cut(rest, []byte(" "))
	if !ok || !ok2 {
		return refuse(400, badRequestLine)
	}
	if !isToken(method) {
		return refuse(400, badMethod)
	}
	var err error
	if r.Minor, err = parseVersion(version); err != nil {
		return err
	}
	r.Method, r.Target = method[:len(method):len(method)], target[:len(target):len(target)]
	if !r.readTarget() {
		return refuse(400, badTarget)
	}
	return nil
}

// parseVersion returns the minor version of HTTP/1.
func parseVersion(v []byte) (int, error) {
	switch string(v) {
	case "HTTP/1.1":
		return 1, nil
	case "HTTP/1.0":
		return 0, nil
	}
	if len(v) == 8 && string(v[:5]) == "HTTP/" && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]) {
		return 0, refuse(505, otherVersion)
	}
	return 0, refuse(400, badVersion)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (r *Request) readTarget() bool {
	t := r.Target
	switch {
	case string(r.Method) == "CONNECT":
		r.Form, r.Authority = AuthorityForm, t
		return isAuthority(t, true)
	case string(t) == "*":
		r.Form = AsteriskForm
		return string(r.Method) == "OPTIONS"
	case len(t) > 0 && t[0] == '/':
		r.Form = OriginForm
		return isPath(t)
	}
	r.Form = AbsoluteForm
	rest := t
	switch {
	case startsWith(t, "http://"):
		rest = t[len("http://"):]
	case startsWith(t, "https://"):
		rest = t[len("https://"):]
	default:
		return false
	}
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	r.Authority = rest[:end:end]
	return isAuthority(r.Authority, false) && isPath(rest[end:])
}

// isPath reports whether t is a path and a query: no control, space or fragment,
// and in the path no percent sign without its digits. Bytes above ASCII pass,
// since clients do send them.
func isPath(t []byte) bool {
	if !isText(t) || bytes.ContainsAny(t, " \t#") {
		return false
	}
	path, _, _ := bytes.Cut(t, []byte("?"))
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return true
		}
		if path = path[i+1:]; len(path) < 2 || hexDigit(path[0]) < 0 || hexDigit(path[1]) < 0 {
			return false
		}
	}
}

// isAuthority reports whether a is a host, or a host and a port: no user, no
// escapes, nothing beyond ASCII.
func isAuthority(a []byte, needsPort bool) bool {
	name, port := a, []byte(nil)
	if i := bytes.LastIndexByte(a, ':'); i >= 0 && !bytes.HasSuffix(a, []byte("]")) {
		name, port = a[:i], a[i+1:]
		if len(port) == 0 || len(port) > 5 {
			return false
		}
	}
	for _, c := range port {
		if !isDigit(c) {
			return false
		}
	}
	return isHost(name) && (len(port) > 0 || !needsPort)
}

func isHost(b []byte) bool {
	if len(b) > 2 && b[0] == '[' && b[len(b)-1] == ']' {
		ip, err := netip.ParseAddr(string(b[1 : len(b)-1]))
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	for _, c := range b {
		switch {
		case isDigit(c), 'a' <= c|0x20 && c|0x20 <= 'z', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return len(b) > 0
}

// conclude sees to what the fields say of the message.
func (r *Request) conclude(s *summary) (err error) {
	switch {
	case s.hosts > 1:
		return refuse(400, repeatedHost)
	case s.hosts == 0 && r.Minor > 0:
		return refuse(400, noHost) // RFC 9112, 3.2
	case s.hosts == 1:
		if r.Host = trim(s.host); !isAuthority(r.Host, false) {
			return refuse(400, badHost)
		}
	}
	if s.lengths == 1 && s.codings == 0 && !tight(s.length) {
		return refuse(400, badLength)
	}
	if s.codings == 1 && !tight(s.coding) {
		return refuse(400, badCoding)
	}
	if r.Framing, err = s.framing(r.Minor); err != nil {
		return err
	}
	if s.expects && r.Minor > 0 {
		return refuse(417, badExpect)
	}
	r.options, r.goesOn, r.upgrade = s.options, s.goesOn, s.upgrade
	return nil
}
