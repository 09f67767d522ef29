package mitm

import (
	"errors"
	"net/http"
	"net/textproto"
	"sync"

	"github.com/agentsecrets/agentsecrets/internal/engine"
	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// earlyHints passes 1xx responses on, redacted. The transport calls it on a
// goroutine of its own while send waits.
type earlyHints struct {
	mu    sync.Mutex
	done  bool
	seen  int
	http1 bool // the client may be sent 1xx at all (not HTTP/1.0)
	asks  bool // it may wait to be asked for its body, and is not once another 1xx was sent
	w     http.ResponseWriter
	x     *exchange
}

// maxEarly is how many 1xx one response may have before it: each is passed on at once.
const maxEarly = 10

var errEarly = errors.New("more than 10 responses before the final one")

func (e *earlyHints) forward(code int, header textproto.MIMEHeader) error {
	return e.pass(code, header, nil)
}

// forwardAsWritten is forward for what came over HTTP/1.
func (e *earlyHints) forwardAsWritten(r *http1.Response) error {
	return e.pass(r.Status, textproto.MIMEHeader(http1.Header(r.Fields)), r)
}

// pass passes a response on, as it was written where that is known.
func (e *earlyHints) pass(code int, header textproto.MIMEHeader, written *http1.Response) (err error) {
	defer e.x.proxy.cfg.rescue("hints", &err) // on a goroutine of the transport
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen++; e.seen > maxEarly {
		return errEarly
	}
	if e.done || !e.http1 || code == http.StatusContinue {
		return nil // 100 is sent when we read the client's body
	}
	if e.asks {
		e.asks = false
		e.w.WriteHeader(http.StatusContinue)
	}
	h := e.w.Header()
	for k, vs := range header {
		h[k] = append([]string(nil), vs...)
	}
	removeHopByHop(h)
	h.Del("Alt-Svc")
	if !e.x.run.released.Empty() {
		dropDigests(h)
	}
	e.x.coverSpanning(h)
	if written != nil {
		e.x.coverNames(h, written.Fields)
	}
	e.x.echoes.Add(e.x.released.Header(h))
	if written != nil {
		reason, echoes := e.x.released.Value(written.Reason)
		e.x.echoes.Add(echoes)
		engine.Keep(e.w, written.Fields)
		engine.Say(e.w, string(reason))
	}
	if e.x.withinBudget() != nil { // the final response will say so
		clear(h)
		return nil
	}
	e.w.WriteHeader(code)
	clear(h)
	return nil
}

func (e *earlyHints) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = true
}
