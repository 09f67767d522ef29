package mitm

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/engine"
)

// origins holds the ways out. Exchanges that carry a value and those that do
// not never share a connection: the latter may reach private addresses and
// verify under more roots. Nor do those whose rules say different things of it.
type origins struct {
	cfg *Config

	mu   sync.RWMutex
	ways map[wayKey]way
	our  map[netip.AddrPort]struct{} // own listeners
}

// way is two transports: HTTP/2 cannot carry an upgrade (RFC 9113, 8.2.2).
type way struct {
	any   *byProtocol
	http1 *engine.Transport
}

const (
	dialTimeout = 10 * time.Second
	poolPerHost = 256
	poolIdle    = 90 * time.Second
	pingAfter   = 30 * time.Second
	maxRespHead = 256 << 10
	ioBuffer    = 16 << 10 // one TLS record
	tlsSessions = 1024
	continueFor = time.Second
)

func (o *origins) init(cfg *Config) {
	o.cfg, o.our, o.ways = cfg, map[netip.AddrPort]struct{}{}, map[wayKey]way{}
}

func (o *origins) newWay(k wayKey) way {
	d := &dialer{origins: o, kind: k, roots: o.cfg.Roots, sessions: tls.NewLRUClientSessionCache(tlsSessions)}
	if !k.guarded && o.cfg.PlainRoots != nil {
		d.roots = o.cfg.PlainRoots
	}
	return way{any: newByProtocol(d), http1: d.http1("http/1.1")}
}

// relayed is how tunnels that are relayed are dialled.
func (o *origins) relayed(guard bool) *dialer {
	return &dialer{origins: o, kind: wayKey{guarded: guard}}
}

func (o *origins) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closeIdleLocked()
}

// renew has exchanges from now on take new ways: what is under way on the old ones
// ends there, and no other meets a connection, or a TLS session, of before.
func (o *origins) renew() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closeIdleLocked()
	clear(o.ways)
}

// leave closes the connections of a run that has ended. Those that are in use end with their exchanges.
func (o *origins) leave(run string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, w := range o.ways {
		if k.run == run {
			w.any.CloseIdleConnections()
			w.http1.CloseIdleConnections()
			delete(o.ways, k)
		}
	}
}

func (o *origins) closeIdleLocked() {
	for _, w := range o.ways {
		w.any.CloseIdleConnections()
		w.http1.CloseIdleConnections()
	}
}

// NeverDial makes a, another listener of this program, no origin for anybody.
func (p *Proxy) NeverDial(a net.Addr) { p.origins.own(a) }

func (o *origins) own(a net.Addr) {
	if t, ok := a.(*net.TCPAddr); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.our[unmap(t.AddrPort())] = struct{}{}
	}
}

// isOwn reports whether to would reach one of our listeners. Linux takes the
// unspecified address for loopback.
func (o *origins) isOwn(to netip.AddrPort) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for l := range o.our {
		if l.Port() == to.Port() && (l.Addr() == to.Addr() || to.Addr().IsUnspecified() || l.Addr().IsUnspecified()) {
			return true
		}
	}
	return false
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// guardError is an address that may not be dialled.
type guardError struct {
	addr   netip.Addr
	always bool // by no exchange
	plain  bool // with a value over http
}

func (e *guardError) Error() string { return fmt.Sprintf("refused to dial %s", e.addr) }

// dialer makes verified connections to origins. Proxy variables are not read.
type dialer struct {
	*origins
	kind     wayKey
	roots    func(host string) *x509.CertPool
	sessions tls.ClientSessionCache
}

func (d *dialer) dial(ctx context.Context, network, addr string) (_ net.Conn, err error) {
	defer d.cfg.rescue("dial", &err)
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", addr, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("port of %q: %w", addr, err)
	}
	pinned := false
	if d.cfg.Pin != nil {
		if to, ok := d.cfg.Pin(host, port); ok {
			addr, pinned = to.String(), true
		}
	}
	if d.kind.loopback && !pinned && isLocalhost(host) {
		return d.dialLoopback(ctx, network, portText)
	}
	if d.cfg.Parent != nil && !pinned && !d.kind.loopback {
		if parent := d.cfg.Parent(host, port); parent != nil {
			return d.dialThrough(ctx, parent, host, port)
		}
	}
	return d.dialAddr(ctx, network, addr, pinned)
}

func (d *dialer) dialAddr(ctx context.Context, network, addr string, pinned bool) (net.Conn, error) {
	nd := net.Dialer{Timeout: dialTimeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return d.checkAddr(address, pinned)
	}}
	conn, err := nd.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return d.cfg.countOrigin(conn), nil
}

// isLocalhost: names that are this machine's, whatever DNS says (RFC 6761, 6.3).
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func (d *dialer) dialLoopback(ctx context.Context, network, port string) (net.Conn, error) {
	conn, err := d.dialAddr(ctx, network, net.JoinHostPort("127.0.0.1", port), false)
	if err != nil {
		if six, err := d.dialAddr(ctx, network, net.JoinHostPort("::1", port), false); err == nil {
			return six, nil
		}
	}
	return conn, err
}

// checkAddr runs between resolving and connecting, on the very address that is
// about to be used, so that a name cannot change its mind in between.
func (d *dialer) checkAddr(address string, pinned bool) (err error) {
	defer d.cfg.rescue("dial", &err) // two families are dialled on two goroutines
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address %q: %w", address, err)
	}
	to = unmap(to)
	switch {
	case d.isOwn(to), d.cfg.GuardAlways(to.Addr()) != nil:
		return &guardError{addr: to.Addr(), always: true}
	case d.kind.loopback && !to.Addr().IsLoopback():
		return &guardError{addr: to.Addr(), plain: true}
	case !d.kind.guarded, pinned, d.kind.loopback:
		return nil
	case d.kind.private && d.cfg.GuardPrivate != nil && d.cfg.GuardPrivate(to.Addr()) == nil:
		return nil
	case d.cfg.Guard(to.Addr()) != nil:
		return &guardError{addr: to.Addr()}
	}
	return nil
}

func (d *dialer) dialTLS(ctx context.Context, network, addr string, protocols []string) (_ net.Conn, err error) {
	defer d.cfg.rescue("dial", &err)
	raw, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("split %q: %w", addr, err)
	}
	cfg := &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: protocols, ClientSessionCache: d.sessions,
		RootCAs:          d.verifiedBy(host),
		VerifyConnection: strongKeys,
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// originProblem says in fixed words why the origin could not be asked.
func originProblem(err error, scheme, domain string) *Problem {
	var guard *guardError
	var cert *tls.CertificateVerificationError
	var timeout net.Error
	var op *net.OpError
	var record tls.RecordHeaderError
	var parent *parentError
	p := &Problem{Status: http.StatusBadGateway, Domain: domain}
	switch {
	case errors.Is(err, errPanicked):
		ours := internalError()
		p.Slug, p.Message = ours.Slug, ours.Message
	case errors.As(err, &guard) && guard.always:
		p.Status, p.Slug, p.Message = http.StatusForbidden, "private_address", "this address is never dialled"
	case errors.As(err, &guard) && guard.plain:
		p.Status, p.Slug, p.Message = http.StatusForbidden, "plaintext_denied", "values go over plaintext http to loopback addresses alone, and the host has another"
		p.Hint = "write the URL with https://"
	case errors.As(err, &guard):
		p.Status, p.Slug, p.Message = http.StatusForbidden, "private_address", "the host has a private address, where no value is sent"
		p.Hint = "agentsecrets run --intercept --allow-private -- COMMAND"
	case errors.As(err, &parent):
		return parent.problem(domain)
	case errors.As(err, &cert):
		p.Slug, p.Message = "origin_untrusted", "the origin's certificate was not accepted: "+certCause(cert.Err)
		p.Hint = "agentsecrets run --intercept --origin-ca FILE -- COMMAND"
	case errors.As(err, &record), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // as crypto/tls calls an alert
		p.Slug, p.Message = "origin_protocol", "the origin did not complete TLS 1.2 or later"
	case errors.Is(err, errNoHTTP2):
		p.Slug, p.Message = "origin_protocol", "the origin speaks HTTP/1.1, and gRPC needs HTTP/2 all the way"
	case errors.As(err, &op) && op.Op == "dial":
		p = noConnection(op)
		p.Domain, p.Hint = domain, "agentsecrets allowlist test "+scheme+"://"+domain // says what the name leads to
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		p.Status, p.Slug, p.Message = http.StatusGatewayTimeout, "origin_timeout", "the origin did not answer in time"
	default:
		p.Slug, p.Message = "origin_protocol", "the origin broke off or answered with something that is not HTTP"
	}
	return p
}

// minRSA is what public authorities may sign at least (CA/Browser Forum,
// Baseline Requirements, 6.1.5). crypto/x509 takes half of it.
const minRSA = 2048

var errWeakKey = errors.New("a key of the chain is too short")

// strongKeys wants a chain without a key that can be broken. It runs for resumed
// sessions too.
func strongKeys(s tls.ConnectionState) error {
	for _, chain := range s.VerifiedChains {
		if !slices.ContainsFunc(chain, weakKey) {
			return nil
		}
	}
	return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: errWeakKey}
}

func weakKey(c *x509.Certificate) bool {
	k, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && k.N.BitLen() < minRSA
}

// certCause names the fault without the certificate's own texts.
func certCause(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "unknown authority"
	case errors.As(err, &name):
		return "made for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired or not yet valid"
	case errors.Is(err, errWeakKey):
		return "a key shorter than RSA's 2048 bits"
	}
	return "not valid"
}
