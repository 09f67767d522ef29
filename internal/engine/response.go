package engine

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// response is what a handler writes to. Its head leaves with the first bytes
// that do, so that a small response is one write; what is whole by then gets a
// length.
type response struct {
	c            *conn
	method       string
	minor        int
	header       http.Header
	like         []http1.Field
	said         bool // c.reason is to be given
	status       int  // 0: not decided yet
	sent         bool
	chunked      bool
	trailers     []string
	likeTrailers []http1.Field
	hijacked     bool
	err          error
}

const maxKept = 2 << 10

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if w.status != 0 || w.hijacked {
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.early(status)
		return
	}
	w.status = status
	for _, line := range w.header["Trailer"] {
		for name := range elements(line) {
			w.trailers = append(w.trailers, http.CanonicalHeaderKey(name))
		}
	}
	w.c.own = http1.Merge(w.c.own[:0], w.like, w.header)
	w.c.own = slices.DeleteFunc(w.c.own, func(f http1.Field) bool { return isTrailerKey(f.Name) })
	w.like = nil
	w.c.keep()
}

// keep makes the fields of the response our own: the origin's head, of which
// they may be parts, is gone before ours is sent.
func (c *conn) keep() {
	c.text = c.text[:0]
	for _, f := range c.own {
		c.text = append(append(c.text, f.Name...), f.Value...)
	}
	rest := c.text
	for i, f := range c.own {
		n, end := len(f.Name), len(f.Name)+len(f.Value)
		c.own[i] = http1.Field{Name: rest[:n:n], Value: rest[n:end:end]}
		rest = rest[end:]
	}
}

func isTrailerKey(name []byte) bool { return strings.HasPrefix(string(name), http.TrailerPrefix) }

func (w *response) early(status int) {
	w.c.wmu.Lock()
	defer w.c.wmu.Unlock()
	fields := http1.Merge(nil, w.like, w.header)
	w.err = errors.Join(w.err, w.c.w.Response(status, w.reason(status), fields, http1.Framing{}), w.c.w.End(nil))
	w.like, w.said = nil, false
}

func (w *response) reason(status int) []byte {
	if w.said {
		return w.c.reason
	}
	return []byte(http.StatusText(status))
}

func (w *response) Write(b []byte) (int, error) {
	switch {
	case w.hijacked:
		return 0, http.ErrHijacked
	case w.status == 0:
		w.WriteHeader(http.StatusOK)
	}
	if w.err != nil {
		return 0, w.err
	}
	if !w.bodyAllowed() {
		if w.method == http.MethodHead {
			return len(b), nil
		}
		return 0, http.ErrBodyNotAllowed
	}
	w.c.wmu.Lock()
	defer w.c.wmu.Unlock()
	if !w.sent && len(w.c.kept)+len(b) <= maxKept {
		w.c.kept = append(w.c.kept, b...)
		return len(b), nil
	}
	if w.err = w.sendHead(false); w.err == nil {
		_, w.err = w.c.w.Write(b)
	}
	return len(b), w.err
}

func (w *response) bodyAllowed() bool {
	return w.method != http.MethodHead && w.status >= 200 && w.status != 204 && w.status != 304
}

// sendHead writes the head and what was kept of the body. c.wmu is held.
func (w *response) sendHead(whole bool) error {
	if w.sent {
		return nil
	}
	w.sent, w.c.began = true, true
	f, err := w.framing(whole)
	w.chunked = f.Kind == http1.Chunked
	if err != nil {
		return err
	}
	if f.Kind == http1.ToClose {
		w.c.closes, w.c.toClose = true, true
	}
	w.c.closes = w.c.closes || w.c.body.unwanted()
	w.connection()
	if err := w.c.w.Response(w.status, w.reason(w.status), w.c.own, f); err != nil {
		return err
	}
	if len(w.c.kept) > 0 {
		_, err = w.c.w.Write(w.c.kept)
	}
	return err
}

func (w *response) framing(whole bool) (http1.Framing, error) {
	length := w.header.Get("Content-Length")
	n, err := strconv.ParseInt(length, 10, 64)
	switch {
	case length != "" && (err != nil || n < 0):
		return http1.Framing{}, http1.ErrHead
	case w.status < 200 || w.status == 204:
		return http1.Framing{}, nil
	case !w.bodyAllowed() && length != "":
		return http1.Framing{Kind: http1.Announced, Length: n}, nil
	case !w.bodyAllowed():
		return http1.Framing{}, nil
	case length != "" && len(w.trailers) == 0:
		return http1.Framing{Kind: http1.Sized, Length: n}, nil
	case whole && len(w.trailers) == 0 && !w.hasTrailers():
		return http1.Framing{Kind: http1.Sized, Length: int64(len(w.c.kept))}, nil
	}
	return http1.Framing{Kind: http1.Chunked}.For(w.minor), nil
}

func (w *response) hasTrailers() bool {
	for name := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// connection says whether the connection stays open, where that is not plain.
func (w *response) connection() {
	asked := false
	w.c.closes = w.c.closes || w.c.srv.isEnding()
	for _, f := range w.c.own {
		if strings.EqualFold(string(f.Name), "Connection") {
			asked = true
			w.c.closes = w.c.closes || strings.EqualFold(string(f.Value), "close")
		}
	}
	switch {
	case asked:
	case w.c.closes:
		w.c.own = append(w.c.own, http1.Field{Name: []byte("Connection"), Value: []byte("close")})
	case w.minor == 0:
		w.c.own = append(w.c.own, http1.Field{Name: []byte("Connection"), Value: []byte("keep-alive")})
	}
}

// FlushError sends what was written so far.
func (w *response) FlushError() error {
	if w.hijacked {
		return http.ErrHijacked
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.c.wmu.Lock()
	defer w.c.wmu.Unlock()
	if w.err == nil {
		w.err = w.sendHead(false)
	}
	if w.err == nil {
		w.err = w.c.w.Flush()
	}
	return w.err
}

func (w *response) Flush() { w.FlushError() }

// finish ends the response when its handler has returned.
func (w *response) finish() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.c.wmu.Lock()
	defer w.c.wmu.Unlock()
	if w.err == nil {
		w.err = w.sendHead(true)
	}
	if w.err == nil {
		w.err = w.c.w.End(w.written())
	}
	return w.err
}

// written are the trailers: those that were announced, and those whose names say
// that they are.
func (w *response) written() []http1.Field {
	if !w.chunked {
		return nil
	}
	h := http.Header{}
	for _, name := range w.trailers {
		if values, ok := w.header[name]; ok {
			h[name] = values
		}
	}
	for name, values := range w.header {
		if after, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			h[after] = values
		}
	}
	return trailersOf(w.likeTrailers, h)
}

func (w *response) SetReadDeadline(t time.Time) error  { return w.c.raw.SetReadDeadline(t) }
func (w *response) SetWriteDeadline(t time.Time) error { return w.c.raw.SetWriteDeadline(t) }
func (w *response) EnableFullDuplex() error            { return nil } // it always is

// Hijack gives the connection away, with what was read of it.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	w.c.watch.stop()
	c := w.c
	w.hijacked, c.taken = true, true
	c.tell(http.StateHijacked)
	c.body.over()
	c.raw.SetDeadline(time.Time{})
	c.srv.remove(c) // Shutdown does not wait for what is not ours
	return c.raw, bufio.NewReadWriter(c.br, c.bw), nil
}
