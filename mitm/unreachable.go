package mitm

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"syscall"
)

// noConnection says why none to an origin came about: what there is to look at
// differs.
func noConnection(op *net.OpError) *Problem {
	p := &Problem{Status: http.StatusBadGateway, Slug: "origin_unreachable"}
	var name *net.DNSError
	switch {
	case errors.As(op, &name) && name.IsNotFound:
		p.Message = "the host's name leads to no address: look at its spelling, and at the network"
	case errors.As(op, &name):
		p.Message = "the name server did not say where the host is: look at the network"
	case isErrno(op, refused):
		p.Message = "the host refused the connection: nothing listens at its port"
	case isErrno(op, noRoute):
		p.Message = "no route leads to the host's address: look at the network"
	case op.Timeout():
		p.Status, p.Slug = http.StatusGatewayTimeout, "origin_timeout"
		p.Message = "no connection to the host came about in time: nothing is at its address, or a firewall is before it"
	default:
		p.Message = "no connection to the host could be made"
	}
	return p
}

// Windows has numbers of its own, which mean nothing elsewhere.
var (
	refused = []syscall.Errno{syscall.ECONNREFUSED, 10061}
	noRoute = []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, 10051, 10065}
)

func isErrno(err error, codes []syscall.Errno) bool {
	var code syscall.Errno
	return errors.As(err, &code) && slices.Contains(codes, code)
}

// problem says what the parent proxy did in place of a tunnel, never where it is:
// its URL may hold a password.
func (e *parentError) problem(domain string) *Problem {
	p := &Problem{Status: http.StatusBadGateway, Slug: "parent_refused", Domain: domain, Hint: "agentsecrets doctor"} // tells which it is
	switch e.status {
	case 0:
		p.Slug, p.Message = "parent_unreachable", "the parent proxy, which --parent or HTTPS_PROXY names, cannot be reached, or did not answer"
	case http.StatusProxyAuthRequired:
		p.Message = "the parent proxy refused a tunnel to the origin, with status 407: it wants another user and password"
		p.Hint = "export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
	default:
		p.Message = fmt.Sprintf("the parent proxy refused a tunnel to the origin, with status %d: whoever runs it decides where it leads", e.status)
	}
	return p
}
