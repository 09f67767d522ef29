package engine

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// body is that of a request, as a handler reads it: on any goroutine, and until
// the exchange is over.
type body struct {
	http1.Body
	c       *conn
	mu      sync.Mutex // held while it is read
	done    bool
	waits   bool // the client waits for 100
	unasked bool // and did not get it
	begun   atomic.Bool
	ended   atomic.Bool
	left    atomic.Int64 // of one with a length, else -1
	trailer http.Header  // where those go that come; nil for a body without chunks
	like    *like
}

func (b *body) begin(f http1.Framing, waits bool) {
	b.Reset(b.c.br, f)
	b.done, b.waits, b.unasked, b.trailer, b.like = false, waits, waits, nil, nil
	b.left.Store(-1)
	if f.Kind == http1.Sized {
		b.left.Store(f.Length)
	}
	b.begun.Store(false)
	b.ended.Store(b.Ended())
}

var errOver = errors.New("read the body of a request whose exchange is over")

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return 0, errOver
	}
	if b.waits {
		b.waits, b.unasked = false, false
		if err := b.c.goOn(); err != nil {
			return 0, err
		}
	}
	b.begun.Store(true)
	n, err := b.Body.Read(p)
	if b.left.Load() >= 0 {
		b.left.Add(-int64(n))
	}
	if err == io.EOF {
		if b.trailer != nil && !b.ended.Load() {
			maps.Copy(b.trailer, http1.Header(b.Trailers()))
			b.like.trailers = copied(b.Trailers())
		}
		b.ended.Store(true)
	}
	return n, err
}

func (b *body) Close() error { return nil }

// AtHand reports whether all of the body can be read without waiting.
func (b *body) AtHand() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.left.Load()
	return !b.waits && left >= 0 && int64(b.c.br.Buffered()) >= left
}

// unwanted reports whether there is more of the body, when the response begins, than
// is sure to be read before its end: the client waits to be asked for it, in vain, and
// whether it then sends it nobody can tell; or it is too much to be read for the
// connection's sake alone; or nobody knows how much it is, and an origin that it is
// passed on to has answered already. The client is then told not to use the
// connection again (RFC 9112, 9.6).
func (b *body) unwanted() bool {
	left := b.left.Load()
	switch {
	case b.ended.Load():
		return false
	case left > maxLeft, left < 0 && b.begun.Load():
		return true
	case !b.mu.TryLock():
		return false // it is being read
	}
	defer b.mu.Unlock()
	return b.waits
}

// over ends reading, and reports whether there was nothing left. Who still reads
// is interrupted, and what is left of a body with a length can be read behind them;
// where in a chunk they were, nobody knows.
func (b *body) over() bool {
	if !b.mu.TryLock() {
		b.c.raw.SetReadDeadline(longAgo)
		b.mu.Lock()
		if left := b.left.Load(); left < 0 {
			b.c.closes = true
		} else {
			b.Reset(b.c.br, http1.Framing{Kind: http1.Sized, Length: left})
		}
	}
	defer b.mu.Unlock()
	b.done = true
	return b.Ended()
}

// goOn tells a client that waits to send its body (RFC 9110, 10.1.1).
func (c *conn) goOn() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.began {
		return nil // the response has begun
	}
	return errors.Join(c.w.Response(100, []byte("Continue"), nil, http1.Framing{}), c.w.End(nil))
}

// watch notices that the client leaves while the origin is waited for. Most
// exchanges are over before it begins.
type watch struct {
	c     *conn
	timer *time.Timer // of all exchanges of the connection; nil before the first

	mu       sync.Mutex
	gone     func()        // nil: nobody waits
	again    time.Duration // until one that has ended its side is looked at again
	watching chan struct{} // closed when nobody reads any more; nil: nobody does
}

// watchAfter is how long an exchange takes before a client may be seen to leave.
// One that has ended its side may be about to leave, as TLS says its end before the
// connection does: it is looked at again soon, and then less and less often, every
// waitsAgain in the end.
const (
	watchAfter = 20 * time.Millisecond
	waitsAgain = time.Second
)

// start has gone called when the client leaves, until stop.
func (w *watch) start(gone func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone, w.again = gone, watchAfter
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.look)
	} else {
		w.timer.Reset(watchAfter)
	}
}

// look may come late, in the next exchange: that is then looked at early.
func (w *watch) look() {
	w.mu.Lock()
	if w.gone == nil || w.watching != nil {
		w.mu.Unlock()
		return
	}
	if !w.c.body.ended.Load() {
		w.timer.Reset(watchAfter) // who reads the body notices
		w.mu.Unlock()
		return
	}
	over := make(chan struct{})
	w.watching = over
	w.mu.Unlock()
	defer close(over)
	_, err := w.c.br.Peek(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watching == over {
		w.watching = nil // nothing is read any more
	}
	switch {
	case err == nil || w.gone == nil:
	case err == io.EOF && w.c.srv.Waits != nil && w.c.srv.Waits(socket(w.c.raw)):
		w.timer.Reset(w.again)
		w.again = min(2*w.again, waitsAgain)
	default:
		w.gone()
	}
}

// stop returns when the connection may be read again.
func (w *watch) stop() {
	if w.timer == nil {
		return
	}
	w.timer.Stop()
	w.mu.Lock()
	over := w.watching
	w.gone, w.watching = nil, nil
	w.mu.Unlock()
	if over != nil {
		w.c.raw.SetReadDeadline(longAgo)
		<-over
		w.c.raw.SetReadDeadline(time.Time{})
	}
}
