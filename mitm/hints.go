package mitm

import (
	"errors"
	"net/http"
	"net/textproto"
	"sync"
)

// earlyHints passes 1xx responses on, redacted. The transport calls it on a
// goroutine of its own while send waits.
type earlyHints struct {
	mu    sync.Mutex
	done  bool
	seen  int
	http1 bool // the client may be sent 1xx at all (not HTTP/1.0)
	w     http.ResponseWriter
	x     *exchange
}

// maxEarly is how many 1xx one response may have before it: each is passed on at once.
const maxEarly = 10

var errEarly = errors.New("more than 10 responses before the final one")

func (e *earlyHints) forward(code int, header textproto.MIMEHeader) (err error) {
	defer e.x.proxy.cfg.rescue("hints", &err) // on a goroutine of the transport
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen++; e.seen > maxEarly {
		return errEarly
	}
	if e.done || !e.http1 || code == http.StatusContinue {
		return nil // 100 is sent when we read the client's body
	}
	h := e.w.Header()
	for k, vs := range header {
		h[k] = append([]string(nil), vs...)
	}
	removeHopByHop(h)
	h.Del("Alt-Svc")
	dropDigests(h)
	e.x.echoes.Add(e.x.run.released.Header(h))
	e.w.WriteHeader(code)
	clear(h)
	return nil
}

func (e *earlyHints) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = true
}
