package mitm

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/elazarl/goproxy"
)

// tunnel is the client's connection after CONNECT: it carries who asked and
// where to, underneath TLS, where http.Server leaves it in place.
type tunnel struct {
	net.Conn
	proxy *Proxy
	run   *Run
	dest  authority
	once  sync.Once
}

func (t *tunnel) Close() error {
	t.once.Do(func() {
		t.proxy.conns.remove(t)
		t.proxy.cfg.observer().Connection("tunnel", -1)
	})
	return t.Conn.Close()
}

// intercept ends the client's TLS and hands the connection to the inner server.
// goproxy runs it on the goroutine of the hijacked connection.
func (p *Proxy) intercept(r *http.Request, client net.Conn, _ *goproxy.ProxyCtx) {
	a, ok := r.Context().Value(edgeKey{}).(admitted)
	if !ok {
		client.Close()
		return
	}
	t := &tunnel{Conn: client, proxy: p, run: a.run, dest: a.dest}
	p.conns.add(t)
	p.cfg.observer().Connection("tunnel", 1)
	if a.run.live.Err() != nil { // revoked since it was admitted
		t.Close()
		return
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		t.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), headTimeout)
	defer cancel()
	conn := tls.Server(t, p.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		p.cfg.log().Warn("client ended the TLS handshake", "host", t.dest.host, "cause", handshakeCause(err))
		t.Close()
		return
	}
	if !p.tunnels.give(conn) {
		t.Close()
	}
}

// handshakeCause tells the one thing worth telling apart: a client that does
// not trust our CA. Libraries say so in different words, Node by just leaving.
func handshakeCause(err error) string {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return "not TLS"
	case errors.Is(err, errServerName):
		return "server name differs from the CONNECT authority"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "the client does not trust the agentsecrets CA, or left"
}

var errServerName = errors.New("server name differs from the CONNECT authority")

// checkServerName runs for every ClientHello, resumed sessions included, where
// GetCertificate is not asked. An SNI other than the authority is answered with
// an alert; none at all is how clients ask for an IP address (RFC 6066, 3).
func checkServerName(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	t, ok := hello.Conn.(*tunnel)
	if !ok {
		return nil, errServerName
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if name != "" && name != t.dest.host {
		return nil, errServerName
	}
	return nil, nil
}

func (p *Proxy) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	t, ok := hello.Conn.(*tunnel)
	if !ok {
		return nil, errServerName
	}
	return p.cfg.Leaf(t.dest.host)
}

type tunnelKey struct{}

// tunnelContext finds the tunnel under the TLS connection. http.Server must be
// given the bare *tls.Conn, or it does not speak HTTP/2 on it.
func tunnelContext(ctx context.Context, c net.Conn) context.Context {
	conn, ok := c.(*tls.Conn)
	if !ok {
		return ctx
	}
	t, ok := conn.NetConn().(*tunnel)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, tunnelKey{}, t)
}

// serveInner answers one request inside an intercepted connection.
func (p *Proxy) serveInner(w http.ResponseWriter, r *http.Request) {
	t, ok := r.Context().Value(tunnelKey{}).(*tunnel)
	if !ok {
		(&Problem{Status: 400, Slug: "bad_request", Message: "not an intercepted connection"}).write(w, "")
		return
	}
	p.newExchange(t.run, "https", t.dest).serve(w, r)
}

// since is time.Since on the configured clock.
func (p *Proxy) since(t time.Time) time.Duration { return p.cfg.now().Sub(t) }
