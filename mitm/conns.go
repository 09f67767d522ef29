package mitm

import (
	"net"
	"sync"
)

// conns knows the tunnels that are open, so that they can be closed with the
// run that opened them.
type conns struct {
	mu   sync.Mutex
	open map[*tunnel]struct{}
}

func (c *conns) add(t *tunnel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[*tunnel]struct{}{}
	}
	c.open[t] = struct{}{}
}

func (c *conns) remove(t *tunnel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, t)
}

func (c *conns) closeOf(r *Run) { c.closeIf(func(t *tunnel) bool { return t.run.root() == r }) }
func (c *conns) closeAll()      { c.closeIf(func(*tunnel) bool { return true }) }

func (c *conns) closeIf(want func(*tunnel) bool) {
	c.mu.Lock()
	var list []*tunnel
	for t := range c.open {
		if want(t) {
			list = append(list, t)
		}
	}
	c.mu.Unlock()
	for _, t := range list {
		t.ours.Store(true)
		t.Close() // takes c.mu to leave the registry
	}
}

// handover is the listener of the inner server: its connections are tunnels
// whose TLS handshake is done.
type handover struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), done: make(chan struct{})}
}

// give passes c on; false when nobody will take it any more.
func (h *handover) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.done:
		return false
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handover) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
