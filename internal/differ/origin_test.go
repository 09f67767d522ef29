package differ

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// origin answers on one address, by the name that it is asked for, over HTTP/1 or
// HTTP/2, with what the exchange says whose number a request bears.
type origin struct {
	listener net.Listener
	clear    net.Listener // without TLS
	any      atomic.Bool  // the client chooses the protocol, whatever the name: it comes straight

	mu        sync.Mutex
	exchanges map[string]*exchange
	got       map[string][]*message // requests, since they were last taken
	open      map[net.Conn]bool
}

// patience ends what hangs: nothing else is timed.
const patience = 60 * time.Second

func startOrigin(t *testing.T, leaf func(string) (*tls.Certificate, error)) *origin {
	t.Helper()
	o := &origin{exchanges: map[string]*exchange{}, got: map[string][]*message{}, open: map[net.Conn]bool{}}
	cfg := &tls.Config{
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			protocols := []string{"http/1.1"}
			if o.any.Load() {
				protocols = hello.SupportedProtos
			} else if strings.Contains(hello.ServerName, ".h2.") {
				protocols = []string{"h2"}
			}
			return &tls.Config{NextProtos: protocols, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return leaf(h.ServerName) }}, nil
		},
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.listener = l
	if o.clear, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	for _, l := range []net.Listener{o.listener, o.clear} {
		open.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				open.Go(func() { o.serve(c.(duplex)) })
			}
		})
	}
	t.Cleanup(func() {
		l.Close()
		o.clear.Close()
		o.end() // a transport may still keep a connection that has just become idle
		open.Wait()
	})
	return o
}

func (o *origin) port() int { return o.listener.Addr().(*net.TCPAddr).Port }

// end closes all connections.
func (o *origin) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.open {
		c.Close()
	}
}

// leave closes c when the other side has read what it was sent: what it has sent
// itself meanwhile would reset the connection.
func leave(c duplex) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	c.CloseWrite()
	if t, ok := c.(*tls.Conn); ok {
		t.NetConn().(*net.TCPConn).CloseWrite()
	}
	io.Copy(io.Discard, c)
}

func (o *origin) keep(c net.Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open[c] = true
}

func (o *origin) serve(c duplex) {
	o.keep(c)
	defer leave(c)
	c.SetDeadline(time.Now().Add(patience))
	if t, ok := c.(*tls.Conn); ok {
		if t.Handshake() != nil {
			return
		}
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			o.serveHTTP2(t)
			return
		}
	}
	for br := bufio.NewReader(c); o.exchange(c, br); {
		c.SetDeadline(time.Now().Add(patience))
	}
}

// know makes o ready for the exchanges of a session, and forget the others.
func (o *origin) know(exchanges []*exchange) {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.exchanges)
	clear(o.got)
	for _, x := range exchanges {
		o.exchanges[strconv.Itoa(x.id)] = x
	}
}

func (o *origin) find(m *message) *exchange {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ids := m.get("X-Exchange"); len(ids) == 1 {
		return o.exchanges[ids[0]]
	}
	return nil
}

func (o *origin) note(x *exchange, m *message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := strconv.Itoa(x.id)
	o.got[id] = append(o.got[id], m.clone())
}

// take returns what the origin got of x, which has to be once.
func (o *origin) take(x *exchange) (*message, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := strconv.Itoa(x.id)
	got := o.got[id]
	delete(o.got, id)
	if len(got) != 1 {
		return nil, fmt.Errorf("the origin got it %d times", len(got))
	}
	return got[0], nil
}

// exchange plays one, and reports whether the connection stays open.
func (o *origin) exchange(c duplex, br *bufio.Reader) bool {
	m, err := readHead(br)
	if err != nil {
		return false
	}
	x := o.find(m)
	if x == nil {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		m.readBody(br, "")
		return true
	}
	if x.ungiving {
		m.framing = m.framed("")
		o.note(x, m)
		c.Write(x.wire())
		return false
	}
	if x.expects && m.has("Expect", "100-continue") {
		fmt.Fprintf(c, "HTTP/1.1 100 Go on\r\n\r\n")
	}
	m.readBody(br, "")
	o.note(x, m)
	if x.slow {
		time.Sleep(150 * time.Millisecond)
	}
	_, err = c.Write(x.wire())
	return err == nil && !m.cut && !x.answer.closes() && !m.has("Connection", "close")
}

// wire is the answer with what is before it.
func (x *exchange) wire() []byte {
	var b []byte
	for _, m := range x.early {
		b = append(b, m.head()...)
	}
	b = append(b, x.answer.head()...)
	if x.bodiless() {
		return b
	}
	m := x.answer.clone()
	if m.cut {
		m.body = m.body[:len(m.body)/2]
	}
	return slices.Concat(b, m.encoded(x.ansSizes, x.ansExt))
}
