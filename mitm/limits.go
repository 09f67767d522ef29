package mitm

import (
	"cmp"
	"container/list"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// How much may be open at a time: connections of clients, and exchanges, in all
// and of one run. What comes beyond is answered with 503 and counted. Idle
// connections make room for new ones, those of the run that has most first: so
// who holds many keeps nobody else out.

// Limits where Config sets none.
const (
	DefaultMaxConns    = 10_000
	DefaultMaxRunConns = 2_048
)

const (
	maxShed  = 64              // connections that are told at a time that there is no room
	shedTime = 2 * time.Second // and how long each may take to ask
	shedLog  = time.Minute     // between lines in the log that say so
)

// load is what one run has open.
type load struct {
	conns     int
	exchanges int
	idle      list.List // of *clientConn; the one that is idle longest is first
}

// gate lets connections and exchanges in. All of it, and of loads and clients, is
// guarded by mu, but for what clients have that is atomic.
type gate struct {
	proxy *Proxy

	mu        sync.Mutex
	strangers load // connections of which it is not known yet whose they are
	loads     map[*load]struct{}
	conns     int
	shed      int
	exchanges int
	refused   int // since the last line in the log
	said      time.Time
}

// clientConn is a connection to the proxy.
type clientConn struct {
	net.Conn
	gate    *gate
	load    *load         // nil: there was no room, and it is told so
	idle    *list.Element // nil while it is in use
	evicted atomic.Bool
	once    sync.Once
}

// gated is a listener whose connections have passed the gate.
type gated struct {
	net.Listener
	gate *gate
}

func (l gated) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.gate.accept(conn); c != nil {
			return c, nil
		}
		_ = conn.Close()
		l.gate.refuse("connections", "--max-connections", l.gate.proxy.cfg.maxConns())
	}
}

// accept returns nil if there is no room even to say so.
func (g *gate) accept(conn net.Conn) *clientConn {
	c := &clientConn{Conn: conn, gate: g}
	g.mu.Lock()
	var victim *clientConn
	if g.conns >= g.proxy.cfg.maxConns() {
		if victim = g.idlestLocked(); victim != nil {
			victim.evicted.Store(true)
			g.leaveLocked(victim)
		}
	}
	switch {
	case g.conns < g.proxy.cfg.maxConns():
		g.joinLocked(c, &g.strangers)
		c.idle = c.load.idle.PushBack(c)
	case g.shed < maxShed:
		g.shed++
		time.AfterFunc(shedTime, func() { _ = c.Close() })
	default:
		c = nil
	}
	g.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
	return c
}

// idlestLocked is the connection that was idle longest, of the run that has most:
// among equals, of those that have asked for nothing.
func (g *gate) idlestLocked() *clientConn {
	var most *load
	for l := range g.loads {
		if l.idle.Len() > 0 && (most == nil || l.conns > most.conns || l.conns == most.conns && l == &g.strangers) {
			most = l
		}
	}
	if most == nil {
		return nil
	}
	return most.idle.Front().Value.(*clientConn)
}

func (g *gate) joinLocked(c *clientConn, l *load) {
	c.load = l
	l.conns++
	g.conns++
	if g.loads == nil {
		g.loads = map[*load]struct{}{}
	}
	g.loads[l] = struct{}{}
}

// leaveLocked is for one that closes, or goes over to another run.
func (g *gate) leaveLocked(c *clientConn) {
	if c.load == nil {
		return
	}
	g.useLocked(c)
	c.load.conns--
	g.conns--
	if c.load.conns == 0 {
		delete(g.loads, c.load)
	}
	c.load = nil
}

func (g *gate) useLocked(c *clientConn) {
	if c.idle != nil {
		c.load.idle.Remove(c.idle)
		c.idle = nil
	}
}

// use and rest follow what a connection of a run does.
func (g *gate) use(c *clientConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.useLocked(c)
}

func (g *gate) rest(c *clientConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.load != nil && c.idle == nil {
		c.idle = c.load.idle.PushBack(c)
	}
}

func (c *clientConn) Close() error {
	c.once.Do(func() {
		c.gate.mu.Lock()
		defer c.gate.mu.Unlock()
		if c.load == nil && !c.evicted.Load() {
			c.gate.shed--
		}
		c.gate.leaveLocked(c)
	})
	return c.Conn.Close()
}

// NetConn is the connection below, for those who look for a socket.
func (c *clientConn) NetConn() net.Conn { return c.Conn }

// clientOf finds the client's connection under what is made of it.
func clientOf(conn net.Conn) *clientConn {
	for {
		switch c := conn.(type) {
		case *clientConn:
			return c
		case *tls.Conn:
			conn = c.NetConn()
		case *tunnel:
			conn = c.Conn
		case *replayed:
			conn = c.Conn
		default:
			return nil
		}
	}
}

// shedding reports whether r came where there was no room.
func (p *Proxy) shedding(r *http.Request) *Problem {
	c, ok := r.Context().Value(connKey{}).(*clientConn)
	if !ok {
		return nil
	}
	p.gate.mu.Lock()
	over := c.load == nil
	p.gate.mu.Unlock()
	if !over {
		return nil
	}
	return p.gate.refuse("connections", "--max-connections", p.cfg.maxConns())
}

type connKey struct{}

// join makes the connection of r one of run, in use.
func (p *Proxy) join(r *http.Request, run *Run) *Problem {
	c, ok := r.Context().Value(connKey{}).(*clientConn)
	if !ok {
		return nil
	}
	g := p.gate
	g.mu.Lock()
	switch {
	case c.load == run.load:
		g.useLocked(c)
	case run.load.conns >= p.cfg.maxRunConns():
		g.mu.Unlock()
		return g.refuse("connections of one run", "--max-run-connections", p.cfg.maxRunConns())
	case c.load != nil: // it is none that was evicted meanwhile
		g.leaveLocked(c)
		g.joinLocked(c, run.load)
	}
	g.mu.Unlock()
	return nil
}

// enter begins an exchange, or a relayed tunnel, of run. If it returns nil, leave
// ends it.
func (p *Proxy) enter(run *Run) *Problem {
	g := p.gate
	g.mu.Lock()
	limit, flag := 0, ""
	switch {
	case run.load.exchanges >= p.cfg.maxRunConns():
		limit, flag = p.cfg.maxRunConns(), "--max-run-connections"
	case g.exchanges >= p.cfg.maxConns():
		limit, flag = p.cfg.maxConns(), "--max-connections"
	default:
		run.load.exchanges++
		g.exchanges++
	}
	g.mu.Unlock()
	if flag != "" {
		return g.refuse("exchanges at a time", flag, limit)
	}
	return nil
}

func (p *Proxy) leave(run *Run) {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	run.load.exchanges--
	p.gate.exchanges--
}

// refuse counts one more that there is no room for. The log has a line a minute
// of it: an overload must not become one of the disk.
func (g *gate) refuse(what, flag string, limit int) *Problem {
	g.mu.Lock()
	g.refused++
	n, now := g.refused, g.proxy.cfg.now()
	say := g.said.IsZero() || now.Sub(g.said) >= shedLog
	if say {
		g.refused, g.said = 0, now
	}
	g.mu.Unlock()
	if say {
		g.proxy.cfg.log().Warn("refused", "reason", "overloaded", "of", what, "limit", limit, "flag", flag, "times", n)
	}
	return g.proxy.refused(&Problem{
		Status: http.StatusServiceUnavailable, Slug: "overloaded", Message: fmt.Sprintf("there are %d %s, and no more are taken", limit, what),
		Hint: cmp.Or(g.proxy.cfg.Command, "agentsecrets proxy start") + fmt.Sprintf(" %s %d", flag, 2*limit),
	})
}

// overloaded answers a request that there is no room for.
func overloaded(w http.ResponseWriter, r *http.Request, why *Problem) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		leaveBody(w)
	}
	why.write(w, "")
}

func (c *Config) maxConns() int    { return cmp.Or(c.MaxConns, DefaultMaxConns) }
func (c *Config) maxRunConns() int { return cmp.Or(c.MaxRunConns, DefaultMaxRunConns) }
