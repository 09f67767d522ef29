package mitm

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
)

// Observer counts. metrics.Metrics is one. What it is told may be text that a
// client chose: it is for the Observer to bound that.
type Observer interface {
	Observe(audit.Event)
	Expanded(place string)
	Mentioned(place string) // a placeholder passed as text
	CodedBody()             // a body that might have held one came compressed
	Redacted(form string, n int)
	Refused(reason string) // what never came to be an exchange
	Unresolved()
	Overhead(time.Duration)
	Connection(state string, delta int)
	Holdback(delta int)
	AuditFailed()
	Panicked(in string) // a fault of our own in an exchange, a relay, …
}

func (c *Config) observer() Observer {
	if c.Observer == nil {
		return nobody{}
	}
	return c.Observer
}

type nobody struct{}

func (nobody) Observe(audit.Event)    {}
func (nobody) Expanded(string)        {}
func (nobody) Mentioned(string)       {}
func (nobody) CodedBody()             {}
func (nobody) Redacted(string, int)   {}
func (nobody) Refused(string)         {}
func (nobody) Unresolved()            {}
func (nobody) Overhead(time.Duration) {}
func (nobody) Connection(string, int) {}
func (nobody) Holdback(int)           {}
func (nobody) AuditFailed()           {}
func (nobody) Panicked(string)        {}

// refused counts what is refused before there is an exchange.
func (p *Proxy) refused(why *Problem) *Problem {
	p.cfg.observer().Refused(why.Slug)
	return why
}

// clock tells what of an exchange's time is ours: all of it up to sending and
// from the response's head on, less what we waited for the client and for the
// origin. What streams upstream, or after an upgrade, is the origin's time too.
type clock struct {
	own    time.Duration
	from   time.Time
	waited time.Duration
}

// stop ends a stretch of ours.
func (c *clock) stop(now time.Time) {
	c.own += now.Sub(c.from) - c.waited
	c.waited = 0
}

// waitedSince notes that what was begun at t was not ours.
func (x *exchange) waitedSince(t time.Time) { x.clock.waited += x.proxy.since(t) }

// awaited is the body of a response: to read it is to wait for the origin.
type awaited struct {
	io.ReadCloser
	x *exchange
}

// Unwrap is for those who ask how the origin wrote its trailers.
func (a awaited) Unwrap() io.ReadCloser { return a.ReadCloser }

func (a awaited) Read(b []byte) (int, error) {
	defer a.x.waitedSince(a.x.proxy.cfg.now())
	return a.ReadCloser.Read(b)
}

// heldBack tells that n bytes of the response have come and not been released.
func (x *exchange) heldBack(n int) {
	if n != x.held {
		x.proxy.cfg.observer().Holdback(n - x.held)
		x.held = n
	}
}

// counted is a connection that is counted until it closes.
type counted struct {
	net.Conn
	once   sync.Once
	closed func()
}

// NetConn is the connection below, for those who look for a socket.
func (c *counted) NetConn() net.Conn { return c.Conn }

// CloseWrite is for who finds it on the connection: see closeWrite.
func (c *counted) CloseWrite() error { return closeWrite(c.Conn) }

func (c *counted) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

// countClient follows connections that are not tunnels, or not yet.
func (p *Proxy) countClient(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateIdle:
		if c := clientOf(conn); c != nil {
			p.gate.rest(c)
		}
	case http.StateNew:
		p.cfg.observer().Connection("client", 1)
	case http.StateHijacked, http.StateClosed:
		p.cfg.observer().Connection("client", -1)
	}
}

// followTunnel tells tunnels that are in use from those that are idle.
func (p *Proxy) followTunnel(conn net.Conn, state http.ConnState) {
	c := clientOf(conn)
	switch {
	case c == nil:
	case state == http.StateActive, state == http.StateHijacked:
		p.gate.use(c)
	case state == http.StateNew, state == http.StateIdle:
		p.gate.rest(c)
	}
}

func (cfg *Config) countOrigin(c net.Conn) net.Conn {
	cfg.observer().Connection("origin", 1)
	return &counted{Conn: c, closed: func() { cfg.observer().Connection("origin", -1) }}
}
