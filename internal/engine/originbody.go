package engine

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// response is the head that was read as net/http has it.
func (c *originConn) response(req *http.Request) *http.Response {
	r, f := &c.resp, c.resp.Framing
	h := http1.Header(r.Fields)
	resp := &http.Response{
		Status: strconv.Itoa(r.Status) + " " + string(r.Reason), StatusCode: r.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: r.Minor,
		Header: h, Request: req, ContentLength: -1, Close: !r.KeepsAlive(),
	}
	delete(h, "Transfer-Encoding")
	b := &originBody{c: c, resp: resp}
	resp.Body = b
	switch f.Kind {
	case http1.Chunked:
		resp.TransferEncoding = []string{"chunked"}
		resp.Trailer = announced(h)
	case http1.Sized, http1.Announced:
		resp.ContentLength = f.Length
	case http1.NoBody:
		if req.Method != http.MethodHead {
			resp.ContentLength = 0
		}
	}
	c.body.Reset(c.br, f)
	if r.Status == http.StatusSwitchingProtocols {
		c.release() // who asked may have said all, and go on reading
		resp.Body = &switched{b}
	}
	return resp
}

// originBody reads a response's body, and gives its connection back when it is
// closed.
type originBody struct {
	c      *originConn
	resp   *http.Response
	filled bool
	closed bool
}

func (b *originBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.c.body.Read(p)
	if err == io.EOF && !b.filled {
		b.filled = true
		if t := b.c.body.Trailers(); len(t) > 0 {
			if b.resp.Trailer == nil {
				b.resp.Trailer = http.Header{}
			}
			maps.Copy(b.resp.Trailer, http1.Header(t))
		}
	}
	return n, err
}

func (b *originBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	c := b.c
	switch {
	case !c.body.Ended() || !c.resp.KeepsAlive() || c.half:
		c.close()
	case !c.release(): // from here on nobody interrupts: requests end with their handlers
		c.conn.Close()
	case c.sending == nil:
		c.finish(nil)
	default:
		select {
		case <-c.sending:
			c.finish(c.sendErr)
		default:
			go c.awaitSent()
		}
	}
	return nil
}

// sendGrace is how long a request's body may still be under way when all of the
// response has been read: the origin may be quicker than our own goroutine.
const sendGrace = 100 * time.Millisecond

func (c *originConn) awaitSent() {
	timer := time.NewTimer(sendGrace)
	defer timer.Stop()
	select {
	case <-c.sending:
		c.finish(c.sendErr)
	case <-timer.C:
		c.close()
	}
}

// finish gives the connection back after an exchange.
func (c *originConn) finish(err error) {
	if err != nil {
		c.conn.Close()
		return
	}
	c.resp.Release()
	c.body.Release()
	clear(c.own) // they hold on to the client's head
	c.t.put(c)
}

// switched is the connection once both sides speak another protocol.
type switched struct{ *originBody }

func (s *switched) Read(p []byte) (int, error)  { return s.c.br.Read(p) }
func (s *switched) Write(p []byte) (int, error) { return s.c.conn.Write(p) }

// CloseWrite tells the origin that we have said all.
func (s *switched) CloseWrite() error {
	if c, ok := s.c.conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (s *switched) Close() error { return s.c.conn.Close() }
