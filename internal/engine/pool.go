package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Transport asks origins, one request at a time on each connection. Its fields
// are not changed once it is used.
type Transport struct {
	// Dial connects to addr, "host:port", with TLS verified if scheme is https.
	// It is called concurrently; its errors are returned as they are.
	Dial func(ctx context.Context, scheme, addr string) (net.Conn, error)

	MaxIdle      int           // connections that wait for each origin
	IdleTimeout  time.Duration // for how long
	ContinueWait time.Duration // how long a request that expects 100 waits for it
	// Panicked is told that sending a request's body did, as Server's is; nil: nobody.
	Panicked func(v any)

	mu   sync.Mutex
	idle map[string][]*originConn
}

// take returns an idle connection to key that the origin has not closed, the one
// used last: nil if there is none.
func (t *Transport) take(key string) *originConn {
	for {
		c := t.pop(key)
		if c == nil {
			return nil
		}
		if c.timer.Stop() && c.quiet() && c.holdsNothing() {
			c.reused = true
			return c
		}
		c.conn.Close()
	}
}

// holdsNothing reports whether none of what was read from the origin is left, be
// it in a record of TLS that came with the one before.
func (c *originConn) holdsNothing() bool {
	c.conn.SetReadDeadline(longAgo) // nothing more is read, and nothing waited for
	_, err := c.br.Peek(1)
	c.conn.SetReadDeadline(time.Time{})
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func (t *Transport) pop(key string) *originConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	t.drop(key, len(list)-1)
	return c
}

// drop takes one out of the list of key. t.mu is held.
func (t *Transport) drop(key string, i int) {
	list := t.idle[key]
	copy(list[i:], list[i+1:])
	list[len(list)-1] = nil
	if list = list[:len(list)-1]; len(list) == 0 {
		delete(t.idle, key)
		return
	}
	t.idle[key] = list
}

// put makes c wait for the next request.
func (t *Transport) put(c *originConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle[c.key]) >= t.MaxIdle {
		c.conn.Close()
		return
	}
	if t.idle == nil {
		t.idle = map[string][]*originConn{}
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(t.IdleTimeout, func() { t.expire(c) })
	} else {
		c.timer.Reset(t.IdleTimeout) // it was stopped in time, or c would have been closed
	}
	t.idle[c.key] = append(t.idle[c.key], c)
}

func (t *Transport) expire(c *originConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.idle[c.key] {
		if other == c {
			t.drop(c.key, i)
			c.conn.Close()
			return
		}
	}
}

// CloseIdleConnections closes the connections that wait.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, list := range t.idle {
		for _, c := range list {
			c.timer.Stop()
			c.conn.Close()
		}
	}
	clear(t.idle)
}

func (t *Transport) connect(req *http.Request, key string) (*originConn, error) {
	if c := t.take(key); c != nil {
		return c, nil
	}
	conn, err := t.Dial(req.Context(), req.URL.Scheme, req.URL.Host)
	if err != nil {
		return nil, err
	}
	return newOriginConn(t, key, conn), nil
}
