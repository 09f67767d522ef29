package engine

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// RoundTrip sends req and returns the head of its response. It takes another
// connection only where one that was idle turns out to be closed, and all of the
// request can be sent again.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	key := req.URL.Scheme + " " + req.URL.Host
	for {
		c, err := t.connect(req, key)
		if err != nil {
			return nil, err
		}
		if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Conn: c.conn, Reused: c.reused})
		}
		resp, err := c.roundTrip(req)
		if err == nil {
			return resp, nil
		}
		c.close()
		again := c.reused && c.unanswered && req.Context().Err() == nil
		if !again || !rewind(req) {
			return nil, err
		}
	}
}

// rewind makes req as it was before it was sent, if it may be sent twice (RFC
// 9110, 9.2.2): the origin may have acted on it and been unable to say so.
func rewind(req *http.Request) bool {
	switch req.Method {
	case "GET", "HEAD", "OPTIONS":
	default:
		if req.Header.Get("Idempotency-Key") == "" {
			return false
		}
	}
	if req.Body == nil || req.Body == http.NoBody {
		return true
	}
	if req.GetBody == nil {
		return false
	}
	body, err := req.GetBody()
	req.Body = body
	return err == nil
}

// longAgo is the deadline of what is to end, or not to wait.
var longAgo = time.Unix(1, 0)

// originConn is one connection to an origin.
type originConn struct {
	t      *Transport
	key    string
	conn   net.Conn
	br     *bufio.Reader
	bw     *bufio.Writer
	w      http1.Writer
	resp   http1.Response
	body   http1.Body
	own    []http1.Field
	timer  *time.Timer // ends its idleness; nil before the first
	quiet  func() bool // nothing has come since the last response, not even the end
	reused bool

	unanswered bool          // not a byte of a response has come
	release    func() bool   // ends watching the request's context
	sending    chan struct{} // closed when the request's body was sent; nil if it was at once
	sendErr    error         // valid then
	half       bool          // the request has a body that was not wanted
	readErr    error         // of the source of the body
}

func newOriginConn(t *Transport, key string, conn net.Conn) *originConn {
	c := &originConn{t: t, key: key, conn: conn, br: bufio.NewReaderSize(conn, bufferSize), bw: bufio.NewWriterSize(conn, bufferSize), quiet: quietness(conn)}
	c.w.Reset(c.bw)
	return c
}

func (c *originConn) roundTrip(req *http.Request) (*http.Response, error) {
	c.unanswered, c.sending, c.sendErr, c.readErr, c.half = true, nil, nil, nil, false
	c.release = context.AfterFunc(req.Context(), func() { c.conn.SetDeadline(longAgo) })
	if err := c.send(req); err != nil {
		return nil, err
	}
	for {
		err := c.readHead(req)
		if err != nil {
			return nil, c.failure(err)
		}
		if c.resp.Status >= 200 || c.resp.Status == 101 {
			return c.response(req), nil
		}
		if err := c.early(req); err != nil {
			return nil, err
		}
	}
}

// failure prefers what went wrong with the request's body, which made us close.
func (c *originConn) failure(err error) error {
	if c.sending != nil {
		c.conn.SetDeadline(longAgo)
		<-c.sending
		if c.readErr != nil {
			return c.readErr
		}
	}
	return err
}

func (c *originConn) readHead(req *http.Request) error {
	if _, err := c.br.Peek(1); err != nil {
		return fmt.Errorf("read response: %w", err)
	}
	c.unanswered = false
	if err := c.resp.Read(c.br, req.Method, http1.Limits{}); err != nil {
		return fmt.Errorf("read response: %w", err)
	}
	return nil
}

func (c *originConn) early(req *http.Request) error {
	if f, ok := req.Context().Value(earlyKey{}).(func(*http1.Response) error); ok {
		return f(&c.resp)
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.Got1xxResponse != nil {
		return trace.Got1xxResponse(c.resp.Status, textproto.MIMEHeader(http1.Header(c.resp.Fields)))
	}
	return nil
}

// send writes the request: whole where its body is at hand, else with its body
// on a goroutine of its own, since an origin may answer before it has read all.
func (c *originConn) send(req *http.Request) error {
	l := likeOf(req.Context())
	host := http1.Field{Name: []byte("Host"), Value: []byte(cmp.Or(req.Host, req.URL.Host))} // which net/http keeps beside the others
	c.own = http1.Merge(c.own[:0], l.fields, withTrailer(req, l), host)
	f := outgoing(req, l)
	if err := c.w.Request([]byte(req.Method), []byte(req.URL.RequestURI()), c.own, f); err != nil {
		return err
	}
	if f.Kind == http1.NoBody || f.Kind == http1.Sized && f.Length == 0 {
		return c.w.End(nil)
	}
	if req.Header.Get("Expect") != "" {
		if asked, err := c.awaitContinue(req); !asked || err != nil {
			c.half = true
			return err
		}
	} else if a, ok := req.Body.(interface{ AtHand() bool }); ok && a.AtHand() || req.GetBody != nil && f.Length <= bufferSize {
		return c.sendBody(req)
	}
	if err := c.w.Flush(); err != nil { // the body may be long in coming
		return err
	}
	c.sending = make(chan struct{})
	go func() {
		defer close(c.sending)
		c.sendErr = c.sendSafely(req)
		if c.readErr != nil {
			c.conn.SetDeadline(longAgo) // the response to half a request is none
		}
	}()
	return nil
}

// awaitContinue reports whether the body is to be sent.
func (c *originConn) awaitContinue(req *http.Request) (bool, error) {
	if err := c.w.Flush(); err != nil {
		return false, err
	}
	asked, err := c.awaitAsked(req, time.Now().Add(c.t.ContinueWait))
	c.readBy(req, time.Time{})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true, nil
	}
	return asked, err
}

// awaitAsked reports whether 100 comes before the response that is the last, which
// it does not read. Other 1xx may come before either.
func (c *originConn) awaitAsked(req *http.Request, end time.Time) (bool, error) {
	for {
		c.readBy(req, end)
		b, err := c.br.Peek(len("HTTP/1.1 100"))
		if status := b[min(len(b), len("HTTP/1.1 ")):]; err != nil || status[0] != '1' || string(status) == "101" {
			return false, err
		}
		c.readBy(req, time.Time{}) // a head that has begun is read to its end
		if err := c.readHead(req); err != nil {
			return false, err
		}
		if err := c.early(req); err != nil || c.resp.Status == 100 {
			return err == nil, err
		}
	}
}

// readBy limits reading until end, unless the request is over.
func (c *originConn) readBy(req *http.Request, end time.Time) {
	c.conn.SetReadDeadline(end)
	if req.Context().Err() != nil { // which may have been said meanwhile
		c.conn.SetDeadline(longAgo)
	}
}

// withTrailer are the fields with the one that announces trailers, which net/http
// has elsewhere.
func withTrailer(req *http.Request, l *like) http.Header {
	if len(req.Trailer) == 0 {
		return req.Header
	}
	h := req.Header.Clone()
	if h["Trailer"] = l.values("Trailer"); h["Trailer"] == nil {
		h["Trailer"] = slices.Sorted(maps.Keys(req.Trailer))
	}
	return h
}

// trailersOf are those that may be written: what is none over HTTP/1 is left out,
// as it is where HTTP/1 is read.
func trailersOf(like []http1.Field, h http.Header) []http1.Field {
	return slices.DeleteFunc(http1.Merge(nil, like, h), func(f http1.Field) bool { return !http1.MayTrail(f.Name) })
}

func outgoing(req *http.Request, l *like) http1.Framing {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		given := req.Header.Get("Content-Length") != ""
		usual := l.fields == nil && (req.Method == "POST" || req.Method == "PUT" || req.Method == "PATCH") // RFC 9110, 8.6
		if given || usual {
			return http1.Framing{Kind: http1.Sized}
		}
		return http1.Framing{}
	case req.ContentLength > 0:
		return http1.Framing{Kind: http1.Sized, Length: req.ContentLength}
	}
	return http1.Framing{Kind: http1.Chunked}
}

var errPanicked = errors.New("sending the request's body met a fault of our own")

// sendSafely is sendBody on a goroutine above which nobody stands who recovers.
func (c *originConn) sendSafely(req *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if c.t.Panicked != nil {
				c.t.Panicked(v)
			}
			c.readErr, err = errPanicked, errPanicked
		}
	}()
	return c.sendBody(req)
}

func (c *originConn) sendBody(req *http.Request) error {
	defer req.Body.Close()
	buf := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := req.Body.Read(buf[:])
		if n > 0 {
			if _, err := c.w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return c.w.End(trailersOf(likeOf(req.Context()).trailers, req.Trailer))
		}
		if err != nil {
			c.readErr = err
			return err
		}
		if n < len(buf) {
			if err := c.w.Flush(); err != nil {
				return err
			}
		}
	}
}

// close ends the connection. Who still sends a body on it ends with the
// exchange that the body is of.
func (c *originConn) close() {
	c.release()
	c.conn.Close()
}
