package mitm

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/agentsecrets/agentsecrets/internal/engine"
)

// byProtocol asks origins in the protocol that they choose (RFC 7301): HTTP/1 by
// our engine, HTTP/2 by net/http.
type byProtocol struct {
	dialer *dialer
	http1  *engine.Transport
	http2  *http.Transport

	mu    sync.Mutex
	chose map[string]bool // addresses that chose HTTP/2 when they were last dialled
}

// maxChose is how many addresses are kept in mind.
const maxChose = 4096

func newByProtocol(d *dialer) *byProtocol {
	b := &byProtocol{dialer: d, http1: d.http1("h2", "http/1.1"), chose: map[string]bool{}}
	b.http2 = &http.Transport{
		DialContext:            d.dial,
		DialTLSContext:         b.dialHTTP2,
		DisableCompression:     true, // what the client asked for is its own business
		MaxIdleConnsPerHost:    poolPerHost,
		IdleConnTimeout:        d.cfg.Timeouts.pool(),
		ExpectContinueTimeout:  continueFor,
		MaxResponseHeaderBytes: maxRespHead,
		ReadBufferSize:         ioBuffer,
		WriteBufferSize:        ioBuffer,
		ForceAttemptHTTP2:      true,
		HTTP2:                  d.cfg.Timeouts.towardOrigins(),
	}
	return b
}

// http1 is a transport for HTTP/1 that offers protocols.
func (d *dialer) http1(protocols ...string) *engine.Transport {
	return &engine.Transport{
		MaxIdle: poolPerHost, IdleTimeout: d.cfg.Timeouts.pool(), ContinueWait: continueFor,
		Panicked: func(v any) { d.cfg.panicked("body", v) },
		Dial: func(ctx context.Context, scheme, addr string) (net.Conn, error) {
			if scheme != "https" {
				return d.dial(ctx, "tcp", addr)
			}
			conn, err := d.dialTLS(ctx, "tcp", addr, protocols)
			if err == nil && negotiated(conn) == "h2" {
				return nil, &choseHTTP2{conn}
			}
			return conn, err
		},
	}
}

func negotiated(c net.Conn) string {
	if t, ok := c.(*tls.Conn); ok {
		return t.ConnectionState().NegotiatedProtocol
	}
	return ""
}

// choseHTTP2 is a new connection on which the origin wants to speak HTTP/2.
type choseHTTP2 struct{ conn net.Conn }

func (*choseHTTP2) Error() string { return "the origin speaks HTTP/2" }

func (b *byProtocol) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Value(onlyHTTP2{}) != nil {
		return b.roundTripHTTP2(req)
	}
	if b.known(req.URL.Host) {
		return b.http2.RoundTrip(req)
	}
	resp, err := b.http1.RoundTrip(req)
	var other *choseHTTP2
	if !errors.As(err, &other) {
		return resp, err
	}
	b.note(req.URL.Host, true)
	made := &handed{conn: other.conn}
	defer made.close()
	return b.http2.RoundTrip(req.WithContext(context.WithValue(req.Context(), handedKey{}, made)))
}

// onlyHTTP2 is the key of a context whose request is for HTTP/2 alone, as gRPC's are.
type onlyHTTP2 struct{}

var errNoHTTP2 = errors.New("the origin does not speak HTTP/2")

func (b *byProtocol) roundTripHTTP2(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		return nil, errNoHTTP2
	}
	resp, err := b.http2.RoundTrip(req)
	if err == nil && resp.ProtoMajor != 2 { // on a connection from when it did not
		resp.Body.Close()
		return nil, errNoHTTP2
	}
	return resp, err
}

func (b *byProtocol) known(addr string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chose[addr]
}

func (b *byProtocol) note(addr string, http2 bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !http2 {
		delete(b.chose, addr)
		return
	}
	if len(b.chose) >= maxChose {
		clear(b.chose)
	}
	b.chose[addr] = true
}

type handedKey struct{}

// handed is a connection that the next dial of one request takes.
type handed struct {
	mu   sync.Mutex
	conn net.Conn // nil once it was taken
}

func (h *handed) take() net.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.conn
	h.conn = nil
	return c
}

func (h *handed) close() {
	if c := h.take(); c != nil {
		c.Close()
	}
}

// dialHTTP2 also takes an origin that has come to choose HTTP/1: net/http then
// speaks that on this connection, and later requests take the other way.
func (b *byProtocol) dialHTTP2(ctx context.Context, network, addr string) (net.Conn, error) {
	if h, ok := ctx.Value(handedKey{}).(*handed); ok {
		if c := h.take(); c != nil {
			return c, nil
		}
	}
	conn, err := b.dialer.dialTLS(ctx, network, addr, []string{"h2", "http/1.1"})
	if err != nil {
		return nil, err
	}
	http2 := negotiated(conn) == "h2"
	b.note(addr, http2)
	if !http2 && ctx.Value(onlyHTTP2{}) != nil {
		conn.Close()
		return nil, errNoHTTP2
	}
	return conn, nil
}

// CloseIdleConnections closes the connections that no exchange uses.
func (b *byProtocol) CloseIdleConnections() {
	b.http1.CloseIdleConnections()
	b.http2.CloseIdleConnections()
}
