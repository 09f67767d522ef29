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

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// tunnel is the client's connection after CONNECT: it carries who asked and
// where to, underneath TLS, where http.Server leaves it in place.
type tunnel struct {
	net.Conn
	proxy *Proxy
	run   *Run
	dest  authority
	state string // as connections are counted
	began time.Time
	once  sync.Once
	took
}

// NetConn is the connection below, for those who look for a socket.
func (t *tunnel) NetConn() net.Conn { return t.Conn }

func (t *tunnel) Close() error {
	t.once.Do(func() {
		t.proxy.conns.remove(t)
		t.proxy.cfg.observer().Connection(t.state, -1)
		if c := clientOf(t.Conn); c != nil && c.evicted.Load() {
			t.ours.Store(true)
		}
		t.left()
	})
	return t.Conn.Close()
}

// Read keeps the end of what a client sends until it has sent a request.
func (t *tunnel) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 && t.shown.Load() && !t.asked.Load() {
		t.last.add(b[:n])
	}
	return n, err
}

// intercept ends the client's TLS and hands the connection to the inner server.
// goproxy runs it on the goroutine of the hijacked connection.
func (p *Proxy) intercept(r *http.Request, client net.Conn, _ *goproxy.ProxyCtx) {
	a, ok := r.Context().Value(edgeKey{}).(admitted)
	if !ok {
		client.Close()
		return
	}
	t := &tunnel{Conn: client, proxy: p, run: a.run, dest: a.dest, state: "tunnel", began: p.cfg.now()}
	defer func() {
		if v := recover(); v != nil {
			p.cfg.panicked("connection", v)
			t.Close() // it has been taken from the HTTP server, which would
		}
	}()
	p.conns.add(t)
	p.cfg.observer().Connection(t.state, 1)
	if a.run.live.Err() != nil { // revoked since it was admitted
		t.Close()
		return
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		t.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), p.cfg.Timeouts.head())
	defer cancel()
	conn := tls.Server(t, p.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		p.handshakeFailed(t, err)
		t.Close()
		return
	}
	t.open.Store(p.cfg.now().UnixNano())
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		// On a goroutine of its own: this one holds what answered CONNECT.
		go p.http1.Serve(context.WithValue(context.WithoutCancel(r.Context()), tunnelKey{}, t), conn)
	} else if !p.tunnels.give(conn) {
		t.Close()
	}
}

// unreadable answers what came instead of a request.
func (p *Proxy) unreadable(ctx context.Context, w http.ResponseWriter, e *http1.Error) {
	why := &Problem{Status: e.Status, Slug: "bad_request", Message: "the request can be read in more than one way, or in none: " + strings.ReplaceAll(e.Reason, "_", " ")}
	if t, ok := ctx.Value(tunnelKey{}).(*tunnel); ok {
		t.request()
		why.Domain = t.dest.short("https")
	}
	if e.Status == http.StatusRequestHeaderFieldsTooLarge {
		why.Slug, why.Message = "header_too_large", "a request has at most 100 header fields, and 64 KiB of them"
	}
	w.Header().Set("Connection", "close")
	p.refused(why).write(w, "")
}

// handshakeFailed says so. Who sends something else than TLS is told why it ends.
func (p *Proxy) handshakeFailed(t *tunnel, err error) {
	var s Shown
	s.Sign, s.Alert = signOf(err, &t.last)
	t.failed.Store(s)
	var record tls.RecordHeaderError
	if !errors.As(err, &record) || record.Conn == nil {
		p.cfg.log().Warn("client ended the TLS handshake", "host", t.dest.host, "cause", handshakeCause(err))
		return
	}
	t.ours.Store(true)
	p.cfg.log().Warn("refused", "reason", "not_tls", "host", t.dest.host)
	why := &Problem{
		Status: http.StatusBadRequest, Slug: "not_tls", Domain: t.dest.short("https"),
		Message: "the tunnel holds something else than TLS, which only a host that is relayed may be sent",
		Hint:    "agentsecrets run --intercept --tunnel " + t.dest.short("https") + " -- COMMAND",
	}
	p.recordTunnel(t, why.Status, why)
	_, _ = t.Write(why.response(nil))
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

// checkServerName runs for every ClientHello. An SNI other than the authority is
// answered with an alert.
func checkServerName(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	t, ok := hello.Conn.(*tunnel)
	if !ok {
		return nil, errServerName
	}
	if !t.dest.named(hello.ServerName) {
		t.ours.Store(true)
		return nil, errServerName
	}
	return nil, nil
}

func (p *Proxy) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	t, ok := hello.Conn.(*tunnel)
	if !ok {
		return nil, errServerName
	}
	leaf, err := p.cfg.Leaf(t.dest.host)
	if err == nil {
		t.whose()
		t.speaks.Store(len(hello.SupportedProtos) > 0)
		t.shown.Store(true)
	}
	return leaf, err
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
	defer p.recovered(w)
	t, ok := r.Context().Value(tunnelKey{}).(*tunnel)
	if !ok {
		(&Problem{Status: 400, Slug: "bad_request", Message: "not an intercepted connection"}).write(w, "")
		return
	}
	t.request()
	if why := p.enter(t.run); why != nil {
		overloaded(w, r, why)
		return
	}
	defer p.leave(t.run)
	p.newExchange(t.run, "https", t.dest).serve(w, r)
}

// since is time.Since on the configured clock.
func (p *Proxy) since(t time.Time) time.Duration { return p.cfg.now().Sub(t) }
