package mitm

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/engine"
)

// Timeouts are how long a client, or an origin, may keep us waiting. 0 means the default.
type Timeouts struct {
	// Head is for a head, a TLS handshake, and each part of a body that is read
	// before anything is sent; 10 s.
	Head time.Duration
	// Idle is for the next request on a connection; 60 s.
	Idle time.Duration
	// Stall is for the next part of a body whose length was announced, and for
	// taking a part of a response; 5 min. A body of unknown length may be silent for
	// as long as it likes: that is how both sides talk at once.
	Stall time.Duration
	// Ping is for the silence of an origin that speaks HTTP/2: then it is asked
	// whether it is still there, and has half as long to answer; 30 s.
	Ping time.Duration
	// Pool is for the next request on a connection to an origin; 90 s.
	Pool time.Duration
}

func (t Timeouts) head() time.Duration  { return cmp.Or(t.Head, headTimeout) }
func (t Timeouts) idle() time.Duration  { return cmp.Or(t.Idle, idleTimeout) }
func (t Timeouts) stall() time.Duration { return cmp.Or(t.Stall, stallTimeout) }
func (t Timeouts) ping() time.Duration  { return cmp.Or(t.Ping, pingAfter) }
func (t Timeouts) pool() time.Duration  { return cmp.Or(t.Pool, poolIdle) }

func (t Timeouts) towardOrigins() *http.HTTP2Config {
	return &http.HTTP2Config{SendPingTimeout: t.ping(), PingTimeout: t.ping() / 2, WriteByteTimeout: t.stall()}
}

func (t Timeouts) towardClients() *http.HTTP2Config {
	return &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: t.stall()}
}

// stall cuts off who does not move while we wait for it.
type stall struct {
	after time.Duration
	cut   func()

	mu      sync.Mutex
	waiting bool
	timer   *time.Timer
}

func (s *stall) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = true
	if s.timer == nil {
		s.timer = time.AfterFunc(s.after, s.fire)
	} else {
		s.timer.Reset(s.after)
	}
}

// moved returns when cut is not under way and will not be.
func (s *stall) moved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	s.timer.Stop()
}

func (s *stall) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting {
		s.cut()
	}
}

// moving is a request body of known length that has to go on coming.
type moving struct {
	io.ReadCloser
	stall *stall
}

func (m moving) Unwrap() io.ReadCloser { return m.ReadCloser }

func (m moving) Read(b []byte) (int, error) {
	m.stall.wait()
	defer m.stall.moved()
	return m.ReadCloser.Read(b)
}

// mustMove is r's body, which ends the exchange when it stalls. What is at hand does not.
func (x *exchange) mustMove(r *http.Request) io.ReadCloser {
	if a, ok := r.Body.(interface{ AtHand() bool }); ok && a.AtHand() || r.ContentLength < 0 {
		return r.Body
	}
	return moving{r.Body, &stall{after: x.proxy.cfg.Timeouts.stall(), cut: func() {
		x.mu.Lock()
		x.bodyStop = &Problem{Status: http.StatusRequestTimeout, Slug: "bad_request", Message: "no more of the request body came"}
		x.mu.Unlock()
		x.cancel()
	}}}
}

var errNotTaken = errors.New("the client does not take the response")

// taking returns what waits for the client to take a part of the response. Our
// own engine sees to that by itself.
func (x *exchange) taking(w http.ResponseWriter) *stall {
	if engine.Serves(w) {
		return nil
	}
	rc := http.NewResponseController(w)
	return &stall{after: x.proxy.cfg.Timeouts.stall(), cut: func() { _ = rc.SetWriteDeadline(time.Unix(1, 0)) }}
}

// give passes b on; flush, what was given. Both may have to wait for the client.
func (x *exchange) give(w io.Writer, b []byte) error {
	return x.toClient(func() error { _, err := w.Write(b); return err })
}

func (x *exchange) flush(rc *http.ResponseController) error {
	return x.toClient(func() error {
		if err := rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		return nil
	})
}

func (x *exchange) toClient(f func() error) error {
	defer x.waitedSince(x.proxy.cfg.now())
	if x.taken != nil {
		x.taken.wait()
		defer x.taken.moved()
	}
	if err := f(); err != nil {
		return errors.Join(errNotTaken, err)
	}
	return nil
}
