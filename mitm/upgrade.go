package mitm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/engine"
	"github.com/agentsecrets/agentsecrets/redact"
)

// Upgrades. After 101 both sides speak another protocol on the connection.
// Messages of WebSocket are read both ways. Of other protocols bytes pass: what the
// origin says is searched as it comes, where a protocol is known to leave what
// programs say readable. Any other is refused where an echo is possible.

// plainUpgrades leave what programs say as it is: SPDY/3.1, of which Kubernetes makes
// exec, attach and port-forward, compresses heads of streams and nothing else; tcp
// is what Docker calls the bytes of a terminal.
var plainUpgrades = []string{"spdy/3.1", "tcp"}

func isWebSocket(protocol string) bool { return strings.EqualFold(protocol, "websocket") }

func (x *exchange) upgrade(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	origin, ok := resp.Body.(io.ReadWriteCloser)
	asked := upgradeOf(r.Header)
	if !ok || asked == "" || !strings.EqualFold(asked, resp.Header.Get("Upgrade")) {
		x.refuse(w, &Problem{Status: 502, Slug: "origin_protocol", Message: "the origin switched to a protocol that was not asked for"})
		return
	}
	if err := x.checkUpgrade(asked, resp.Header); err != nil {
		x.refuse(w, err)
		return
	}
	x.answered = true
	client, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // send closes the origin's side
	}
	defer client.Close()
	if err := x.writeSwitch(client, resp); err != nil {
		x.stopIfOver()
		return
	}
	from, to := side{conn: client, src: rw.Reader}, side{conn: origin, src: origin}
	l := &lull{cfg: &x.proxy.cfg, cut: func() {
		client.Close()
		origin.Close()
	}}
	if isWebSocket(asked) {
		s := newWebSocket(x, client, origin)
		from.pass, to.pass, l.wait = s.up, s.down, endWait
	} else {
		from.pass = func(src io.Reader) error { _, err := io.Copy(origin, src); return err }
		to.pass = func(src io.Reader) error { return x.copyBytes(client, src, l.cut) }
	}
	l.relay(x.run.live, from, to) // the request's context ends when the client has said all
}

func (x *exchange) checkUpgrade(protocol string, h http.Header) error {
	if isWebSocket(protocol) {
		if len(h["Sec-Websocket-Extensions"]) > 0 {
			return &Problem{Status: 502, Slug: "origin_protocol", Message: "the origin chose an extension of WebSocket that was not offered"}
		}
		return nil
	}
	for _, plain := range plainUpgrades {
		if strings.EqualFold(protocol, plain) {
			return nil
		}
	}
	if x.reaches || !x.run.released.Empty() {
		return &Problem{Status: 502, Slug: "undecodable_response", Message: "the upgraded protocol cannot be searched for values"}
	}
	return nil
}

// writeSwitch answers 101 by hand: the connection is ours from here on.
func (x *exchange) writeSwitch(client net.Conn, resp *http.Response) error {
	h := resp.Header.Clone()
	upgrade := h.Get("Upgrade")
	removeHopByHop(h)
	h.Del("Alt-Svc")
	x.coverSpanning(h)
	x.coverNames(h, engine.FieldsOf(resp))
	x.echoes.Add(x.released.Header(h))
	if err := x.withinBudget(); err != nil {
		return err
	}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", upgrade)
	h.Set(exchangeField, x.id)
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	h.Write(&b)
	b.WriteString("\r\n")
	if _, err := client.Write(b.Bytes()); err != nil {
		return fmt.Errorf("answer upgrade: %w", err)
	}
	return nil
}

// side is one end of an upgraded connection: src is what it says, and pass gives
// that to the other.
type side struct {
	conn io.WriteCloser
	src  io.Reader
	pass func(src io.Reader) error
}

// relay passes on what both say until both have ended: a program may go on
// reading when it has said all. Where one breaks off, or the run ends, so do both.
func (l *lull) relay(ctx context.Context, a, b side) {
	defer l.cut()
	defer context.AfterFunc(ctx, l.cut)()
	defer l.end()
	var wg sync.WaitGroup
	pass := func(from, to side) {
		l.over(to.conn, l.cfg.safely("upgrade", func() error { return from.pass(heard{from.src, l}) })())
	}
	wg.Go(func() { pass(a, b) })
	wg.Go(func() { pass(b, a) })
	wg.Wait()
}

// quiet is how long an origin may be silent before what is held back of its bytes
// is let go: in a terminal nothing may come before somebody has read it. What is
// held follows from the text alone, so that this tells nothing of values.
const quiet = 20 * time.Millisecond

// copyBytes passes on what the origin says in a protocol that is not read, as a
// stream: its framing stays true, since the number of bytes does. It uses cut where
// what was held back may not be let go.
func (x *exchange) copyBytes(client io.Writer, origin io.Reader, cut func()) error {
	s := &covering{dst: client, rw: x.released.Rewriter(), within: x.withinBudget}
	s.timer = time.AfterFunc(time.Hour, func() {
		// A fault of dst shows at the next write.
		if x.proxy.cfg.safely("upgrade", func() error { return s.flush(false) })() != nil && x.overspent.Load() {
			cut()
		}
	})
	defer func() { x.echoes.Add(s.rw.Counts()) }()
	defer s.timer.Stop()
	_, err := io.Copy(s, origin)
	if err = s.end(err); err != nil {
		x.stopIfOver()
	}
	return err
}

// covering is a writer that covers echoes in what goes to dst.
type covering struct {
	dst    io.Writer
	timer  *time.Timer
	within func() error // see withinBudget

	mu   sync.Mutex // guards what follows, and dst
	rw   *redact.Rewriter
	out  []byte
	over bool
}

func (s *covering) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, _ = s.rw.Feed(s.out[:0], b)
	if err := s.within(); err != nil {
		return 0, err
	}
	if len(s.out) > 0 {
		if _, err := s.dst.Write(s.out); err != nil {
			return 0, err
		}
	}
	s.timer.Reset(quiet)
	return len(b), nil
}

// flush lets go what is held back.
func (s *covering) flush(last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	s.over = last
	s.out, _ = s.rw.Flush(s.out[:0])
	if err := s.within(); err != nil || len(s.out) == 0 {
		return err
	}
	_, err := s.dst.Write(s.out)
	return err
}

// end lets the rest go, and returns err if there is one.
func (s *covering) end(err error) error {
	if flushed := s.flush(true); err == nil {
		err = flushed
	}
	return err
}
