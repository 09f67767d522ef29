// Package engine makes HTTP/1 exchanges with one goroutine a connection, on the
// strict reader and the writer of internal/http1.
//
//	srv := &engine.Server{Handler: h, HeadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
//	err := srv.Accept(listener) // or, for a connection: srv.Serve(ctx, conn)
//
// Server is the side of clients and speaks to an http.Handler; Transport is the
// side of origins and is an http.RoundTripper. Nothing is added that a handler or
// a request does not hold: no Date, no Content-Type, no User-Agent. Fields keep
// the order and case of the message that they come from: see Keep.
package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// Server answers requests. Its fields are not changed once it serves.
type Server struct {
	Handler     http.Handler
	HeadTimeout time.Duration // for a head, from its first byte on; 0: no limit
	IdleTimeout time.Duration // for the first byte of a head; 0: no limit
	// StallTimeout is for the client to take a part of a response, give or take a
	// quarter; 0: no limit.
	StallTimeout time.Duration
	// Refused answers a message that is no request; nil: with the status alone.
	Refused func(ctx context.Context, w http.ResponseWriter, e *http1.Error)
	// ConnState is told when a connection waits for a request (first as new, then
	// as idle), when one is under way, and at its end: closed, or taken away by a
	// handler. Nil: nobody.
	ConnState func(net.Conn, http.ConnState)
	// Waits reports whether a client that has ended its side still waits for the
	// response; nil: none does. It is called concurrently.
	Waits func(net.Conn) bool
	// Panicked is told that a handler did, while its stack is still there, and with
	// what; nil: nobody.
	Panicked func(v any)
	// ConnContext makes the context of what comes on a connection; nil: as it is.
	ConnContext func(context.Context, net.Conn) context.Context

	mu     sync.Mutex
	conns  map[*conn]bool // whether it is in an exchange
	doors  []net.Listener
	ending bool
	empty  chan struct{} // closed with the last connection; nil unless somebody waits
}

const bufferSize = 4 << 10

// conn is one connection of a client, with what is used again for each exchange.
type conn struct {
	srv  *Server
	raw  net.Conn
	br   *bufio.Reader
	bw   *bufio.Writer
	req  http1.Request
	body body

	remote string // as requests have it
	watch  watch

	wmu sync.Mutex // guards w: a 100 may be sent while a response begins
	w   http1.Writer

	own     []http1.Field // what the response is made of
	text    []byte        // that these are parts of
	reason  []byte        // that it gives, if its handler says so
	kept    []byte        // of its body, until its head is sent
	began   bool          // its head was written
	toClose bool          // its body ends with the connection
	closes  bool          // after this exchange
	taken   bool          // by a handler
}

// Serve answers the requests of raw until it ends, and closes it, unless a
// handler took it away.
func (s *Server) Serve(ctx context.Context, raw net.Conn) {
	c := &conn{srv: s, raw: raw, br: bufio.NewReaderSize(raw, bufferSize), bw: bufio.NewWriterSize(&patient{Conn: raw, stall: s.StallTimeout}, bufferSize)}
	c.w.Reset(c.bw)
	c.body.c, c.watch.c, c.remote = c, c, raw.RemoteAddr().String()
	if !s.add(c) {
		raw.Close()
		return
	}
	defer s.remove(c)
	defer c.end()
	if s.ConnContext != nil {
		ctx = s.ConnContext(ctx, raw)
	}
	c.tell(http.StateNew)
	for c.await() && c.exchange(ctx) && !c.closes && s.active(c, false) {
		c.tell(http.StateIdle)
	}
}

// end is deferred: a fault of ours ends one connection.
func (c *conn) end() {
	if v := recover(); v != nil && c.srv.Panicked != nil {
		c.srv.Panicked(v)
	}
	if !c.taken {
		c.raw.Close()
		c.tell(http.StateClosed)
	}
}

func (c *conn) tell(state http.ConnState) {
	if c.srv.ConnState != nil {
		c.srv.ConnState(c.raw, state)
	}
}

// await waits for the first byte of a request.
func (c *conn) await() bool {
	c.raw.SetReadDeadline(after(c.srv.IdleTimeout))
	if _, err := c.br.Peek(1); err != nil {
		return false
	}
	if !c.srv.active(c, true) {
		return false
	}
	c.tell(http.StateActive)
	return true
}

func after(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

var headEnd = []byte("\r\n\r\n")

// exchange answers one request; false where the connection was aborted, or is not
// ours any more.
func (c *conn) exchange(ctx context.Context) bool {
	if b, _ := c.br.Peek(c.br.Buffered()); !bytes.Contains(b, headEnd) { // else nothing is waited for
		c.raw.SetReadDeadline(after(c.srv.HeadTimeout))
	}
	err := c.req.Read(c.br, http1.Limits{})
	c.raw.SetReadDeadline(time.Time{})
	defer c.req.Release()
	if err != nil {
		c.refuse(ctx, err)
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.request(ctx)
	if err != nil {
		c.refuse(ctx, &http1.Error{Status: 400, Reason: "bad_target", Close: true})
		return true
	}
	w := &response{c: c, method: r.Method, minor: c.req.Minor, header: http.Header{}}
	c.closes = !c.req.KeepsAlive()
	c.began, c.toClose, c.kept = false, false, c.kept[:0]
	c.watch.start(cancel)
	whole := c.handle(w, r)
	c.watch.stop()
	switch {
	case w.hijacked:
		return false
	case !whole || w.finish() != nil:
		c.abort()
		return false
	}
	c.leave()
	return true
}

// handle reports whether the handler came to its end. net/http's way to abort a
// response is a panic; any other ends this connection and no more than that.
func (c *conn) handle(w http.ResponseWriter, r *http.Request) (whole bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler && c.srv.Panicked != nil {
			c.srv.Panicked(p)
		}
	}()
	c.srv.Handler.ServeHTTP(w, r)
	return true
}

func (c *conn) refuse(ctx context.Context, err error) {
	c.closes = true
	var bad *http1.Error
	if !errors.As(err, &bad) {
		return // the client has left, or was too slow
	}
	w := &response{c: c, method: http.MethodGet, minor: 1, header: http.Header{}}
	if c.srv.Refused != nil {
		c.srv.Refused(ctx, w, bad)
	} else {
		w.WriteHeader(bad.Status)
	}
	c.body.Reset(c.br, http1.Framing{Kind: http1.ToClose})
	if w.finish() == nil {
		c.linger()
	}
}

// request is the head as net/http has it.
func (c *conn) request(ctx context.Context) (*http.Request, error) {
	h := http1.Header(c.req.Fields)
	target := string(c.req.Target)
	l := &like{fields: c.req.Fields}
	r := new(http.Request).WithContext(withLike(ctx, l))
	r.Method, r.RequestURI, r.Host, r.Header = string(c.req.Method), target, string(c.req.Host), h
	r.Proto, r.ProtoMajor, r.ProtoMinor, r.RemoteAddr, r.Body = "HTTP/1.1", 1, c.req.Minor, c.remote, http.NoBody
	if c.req.Minor == 0 {
		r.Proto = "HTTP/1.0"
	}
	var err error
	if c.req.Form == http1.AuthorityForm {
		r.URL = &url.URL{Host: target}
	} else if r.URL, err = url.ParseRequestURI(target); err != nil {
		return nil, err
	}
	if c.req.Authority != nil {
		r.Host = r.URL.Host
	}
	delete(h, "Host")
	delete(h, "Transfer-Encoding")
	c.body.begin(c.req.Framing, c.req.ExpectsContinue())
	switch f := c.req.Framing; f.Kind {
	case http1.Chunked:
		r.ContentLength, r.TransferEncoding, r.Body = -1, []string{"chunked"}, &c.body
		if r.Trailer = announced(h); r.Trailer == nil {
			r.Trailer = http.Header{} // not all that come are announced
		}
		c.body.trailer, c.body.like = r.Trailer, l
	case http1.Sized:
		if r.ContentLength = f.Length; f.Length > 0 {
			r.Body = &c.body
		}
	}
	return r, nil
}

// elements are those of a list.
func elements(line string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for e := range strings.SplitSeq(line, ",") {
			if e = strings.Trim(e, " \t"); e != "" && !yield(e) {
				return
			}
		}
	}
}

// announced are the names of the trailers that h tells of.
func announced(h http.Header) http.Header {
	var t http.Header
	for _, line := range h["Trailer"] {
		for name := range elements(line) {
			if t == nil {
				t = http.Header{}
			}
			t[http.CanonicalHeaderKey(name)] = nil
		}
	}
	return t
}

// abort closes the connection so that what was sent of a response cannot be
// taken for the whole: without TLS's own end, and by a reset where nothing else
// would tell.
func (c *conn) abort() {
	if t, ok := socket(c.raw).(interface{ SetLinger(int) error }); ok && c.toClose {
		t.SetLinger(0)
	}
	if t, ok := c.raw.(interface{ NetConn() net.Conn }); ok {
		t.NetConn().Close()
	} else {
		c.raw.Close()
	}
}

// socket is the connection under all that wraps it.
func socket(c net.Conn) net.Conn {
	for {
		t, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = t.NetConn()
	}
}

// maxLeft is how much of a request body that nobody read is read after the
// response, to keep the connection; lingerFor, how long a client may take to
// read what it was told before the connection goes.
const (
	maxLeft   = 256 << 10
	lingerFor = 500 * time.Millisecond
)

// leave sees to what is left of the request body.
func (c *conn) leave() {
	over := c.body.over()
	switch {
	case c.closes || !over && c.body.unasked:
		c.closes = true
		c.linger() // also where the body was read: the client may have sent more, at least that it sends no more
		return
	case over:
		return
	}
	c.raw.SetReadDeadline(time.Now().Add(lingerFor))
	if _, err := io.CopyN(io.Discard, &c.body.Body, maxLeft); err != io.EOF || !c.body.Ended() {
		c.closes = true
	}
}

// linger ends our side and reads on for a moment: closing at once would reset
// the connection, and the client lose the response.
func (c *conn) linger() {
	for _, conn := range []net.Conn{c.raw, socket(c.raw)} { // TLS's end, then the connection's
		if w, ok := conn.(interface{ CloseWrite() error }); ok {
			w.CloseWrite()
		}
	}
	c.raw.SetReadDeadline(time.Now().Add(lingerFor))
	io.Copy(io.Discard, c.br)
}

// patient gives a client some time to take each part of what is written.
type patient struct {
	net.Conn
	stall time.Duration
	until time.Time // the deadline that is set
}

func (p *patient) Write(b []byte) (int, error) {
	if p.stall > 0 {
		if now := time.Now(); p.until.Sub(now) < p.stall { // to set one costs more than to look
			p.until = now.Add(p.stall + p.stall/4)
			p.Conn.SetWriteDeadline(p.until)
		}
	}
	return p.Conn.Write(b)
}
