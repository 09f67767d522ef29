package mitm

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A relayed tunnel passes bytes both ways unread, all but the ClientHello: what
// names another host there would make the tunnel a way to that one.

// serveRelay dials before it answers, so that the client is told in a status
// line why not.
func (p *Proxy) serveRelay(w http.ResponseWriter, r *http.Request, a admitted, route Route) {
	if why := p.enter(a.run); why != nil {
		refuseConnect(w, why)
		return
	}
	defer p.leave(a.run)
	t := &tunnel{proxy: p, run: a.run, dest: a.dest, state: "relay", began: p.cfg.now()}
	origin, err := p.origins.relayed(route.Guarded).dial(r.Context(), "tcp", a.dest.String())
	if err != nil {
		why := originProblem(err, "https", a.dest.short("https"))
		p.cfg.log().Warn("refused", "reason", why.Slug, "host", a.dest.host)
		p.recordTunnel(t, 0, why)
		refuseConnect(w, why)
		return
	}
	defer origin.Close()
	client, _, err := earlyBytes{w}.Hijack()
	if err != nil {
		p.recordTunnel(t, statusClientLeft, nil)
		return
	}
	t.Conn = client
	if !p.openRelay(t) {
		t.Close()
		p.recordTunnel(t, 0, needCredential())
		return
	}
	defer p.relays.Done()
	defer t.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		p.recordTunnel(t, statusClientLeft, nil)
		return
	}
	p.recordTunnel(t, http.StatusOK, passOn(t, origin))
}

// openRelay registers t, unless the proxy or t's run is over.
func (p *Proxy) openRelay(t *tunnel) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns.add(t)
	p.cfg.observer().Connection(t.state, 1)
	if p.ended || t.run.live.Err() != nil {
		return false
	}
	p.relays.Add(1)
	return true
}

// passOn copies until both sides have ended, and says what the client did wrong.
func passOn(t *tunnel, origin net.Conn) (why *Problem) {
	var wg sync.WaitGroup
	cut := func() {
		t.Close()
		origin.Close()
	}
	l := &lull{cfg: &t.proxy.cfg, cut: cut}
	defer l.end()
	wg.Go(func() { l.pump(t, origin) })
	first, err := firstBytes(t, t.dest, t.proxy.cfg.Timeouts.head())
	if err != nil {
		why = err.(*Problem) // it returns no other
		t.proxy.cfg.log().Warn("refused", "reason", why.Slug, "host", t.dest.host)
		cut()
	} else if first != nil {
		l.pump(origin, &replayed{t, first})
	} else {
		cut()
	}
	wg.Wait()
	return why
}

// lull ends a relay of which one side has said all, once the other has been
// silent for a while: there are origins that never close first.
type lull struct {
	cfg  *Config
	cut  func()
	wait time.Duration // 0: idleTimeout

	mu    sync.Mutex
	timer *time.Timer // nil while both sides may speak
}

// pump copies from src to dst.
func (l *lull) pump(dst, src net.Conn) {
	l.over(dst, l.cfg.safely("relay", func() error { _, err := io.Copy(dst, heard{src, l}); return err })())
}

// over tells dst that the other side has said all, or broken off with err.
func (l *lull) over(dst io.Writer, err error) {
	if err != nil || closeWrite(dst) != nil {
		l.cut()
		return
	}
	l.begin()
}

func (l *lull) silence() time.Duration {
	if l.wait == 0 {
		return idleTimeout
	}
	return l.wait
}

func (l *lull) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(l.silence(), l.cut)
	}
}

func (l *lull) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

func (l *lull) heard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil && l.timer.Stop() { // one that has fired stays so
		l.timer.Reset(l.silence())
	}
}

// heard is a side of a relay that may still speak.
type heard struct {
	io.Reader
	lull *lull
}

func (h heard) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b)
	if n > 0 {
		h.lull.heard()
	}
	return n, err
}

// closeWrite ends one direction of the connection under c.
func closeWrite(c io.Writer) error {
	switch c := c.(type) {
	case *tunnel:
		return closeWrite(c.Conn)
	case *replayed:
		return closeWrite(c.Conn)
	case *clientConn:
		return closeWrite(c.Conn)
	case interface{ CloseWrite() error }:
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

const recordHandshake = 22 // RFC 8446, 5.1: the first byte of a TLS connection

// firstBytes returns what the client says, from its first byte on, once that
// may be passed on: nil where it says nothing, a *Problem where it may not.
func firstBytes(c net.Conn, dest authority, timeout time.Duration) (io.Reader, error) {
	first := make([]byte, 1)
	if _, err := io.ReadFull(c, first); err != nil {
		return nil, nil
	}
	src := io.MultiReader(bytes.NewReader(first), c)
	if first[0] != recordHandshake {
		return src, nil
	}
	hello := &helloConn{Conn: c, src: src}
	_ = c.SetReadDeadline(time.Now().Add(timeout))
	name, ok := hello.serverName()
	_ = c.SetReadDeadline(time.Time{})
	switch {
	case !ok:
		return nil, &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: "the tunnel begins with TLS that cannot be read"}
	case !dest.named(name):
		_, _ = c.Write(unrecognizedName)
		return nil, &Problem{Status: http.StatusMisdirectedRequest, Slug: "authority_mismatch", Message: "the TLS server name is another host than the tunnel goes to"}
	}
	return io.MultiReader(&hello.read, c), nil
}

// unrecognizedName is a fatal alert (RFC 8446, 6).
var unrecognizedName = []byte{21, 3, 3, 0, 2, 2, 112}

// helloConn lets crypto/tls read a ClientHello, keeps its bytes and answers nothing.
type helloConn struct {
	net.Conn
	src  io.Reader
	read bytes.Buffer
}

func (h *helloConn) Read(b []byte) (int, error) {
	n, err := h.src.Read(b)
	h.read.Write(b[:n])
	return n, err
}

func (h *helloConn) Write(b []byte) (int, error) { return len(b), nil }

var errSeen = errors.New("the ClientHello has been read")

func (h *helloConn) serverName() (name string, ok bool) {
	_ = tls.Server(h, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name, ok = hello.ServerName, true
		return nil, errSeen
	}}).Handshake()
	return name, ok
}
