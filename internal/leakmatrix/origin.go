package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/agentsecrets/agentsecrets/ca"
)

// origin answers on one port for each version of HTTP. What it says to a path is
// the cell of that number.
type origin struct {
	root   *ca.Authority
	host   string
	values []kind
	cells  []*cell
	ports  map[string]string // by version of HTTP

	slow    atomic.Int32  // exchanges over HTTP/2 that are written byte by byte
	server  *http.Server  // of HTTP/2
	conns   chan net.Conn // of HTTP/2, less their TLS
	running sync.WaitGroup

	mu    sync.Mutex // guards what follows
	ended bool
	open  map[io.Closer]bool
}

// startOrigin listens on address, and for HTTP/2 on the port behind it.
func startOrigin(root *ca.Authority, host, address string) (*origin, error) {
	o := &origin{root: root, host: host, ports: map[string]string{}, open: map[io.Closer]bool{}, conns: make(chan net.Conn)}
	// The server is given connections in clear: it would not take a TLS connection
	// of another type, and it is the records that come byte by byte.
	o.server = &http.Server{Handler: http.HandlerFunc(o.serveHTTP2), Protocols: new(http.Protocols), ErrorLog: log.New(io.Discard, "", 0)}
	o.server.Protocols.SetUnencryptedHTTP2(true)
	for _, protocol := range []string{http1, http2v} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			o.close()
			return nil, fmt.Errorf("listen for %s: %w", protocol, err)
		}
		o.keep(l)
		var port string
		if _, port, err = net.SplitHostPort(l.Addr().String()); err == nil {
			o.ports[protocol] = port
			address, err = behind(address)
		}
		if err != nil {
			o.close()
			return nil, err
		}
		if protocol == http2v {
			o.running.Go(func() { _ = o.server.Serve(&tunnels{l, o.conns}) }) // ends with close
		}
		o.running.Go(func() { o.accept(l, protocol) })
	}
	return o, nil
}

// behind is the address with the next port; any port is followed by any other.
func behind(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(port)
	if err == nil && n != 0 {
		n++
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), err
}

func (o *origin) authority(protocol string) string {
	return net.JoinHostPort(o.host, o.ports[protocol])
}

// keep has c closed at the end; it reports false where that has come.
func (o *origin) keep(c io.Closer) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		c.Close()
		return false
	}
	o.open[c] = true
	return true
}

func (o *origin) drop(c io.Closer) {
	c.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.open, c)
}

func (o *origin) close() {
	o.mu.Lock()
	o.ended = true
	for c := range o.open {
		c.Close()
	}
	o.mu.Unlock()
	_ = o.server.Close()
	o.running.Wait()
}

func (o *origin) accept(l net.Listener, protocol string) {
	cfg := &tls.Config{NextProtos: []string{alpn(protocol)}, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "" {
			return o.root.Leaf(o.host)
		}
		return o.root.Leaf(hello.ServerName)
	}}
	var shaking sync.WaitGroup
	for {
		raw, err := l.Accept()
		if err != nil {
			break
		}
		if !o.keep(raw) {
			break
		}
		shaking.Go(func() {
			c := tls.Server(raw, cfg)
			switch {
			case c.Handshake() != nil:
				o.drop(raw)
			case protocol == http1:
				defer o.drop(raw)
				o.serveHTTP1(c)
			default:
				o.conns <- &splitting{c, &o.slow}
			}
		})
	}
	shaking.Wait()
	if protocol == http2v {
		close(o.conns)
	}
}

// splitting writes byte by byte while some exchange wants it.
type splitting struct {
	net.Conn
	slow *atomic.Int32
}

func (s *splitting) Write(b []byte) (int, error) {
	if s.slow.Load() == 0 {
		return s.Conn.Write(b)
	}
	return dripping{s.Conn}.Write(b)
}

// dripping writes each byte by itself.
type dripping struct{ io.Writer }

func (d dripping) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := d.Writer.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// find is the cell that r asks for. What the proxy has not put in where the
// client named it is not worth an echo.
func (o *origin) find(path string, h http.Header) (*cell, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(path, "/cell/"))
	if err != nil || n < 0 || n >= len(o.cells) {
		return nil, fmt.Errorf("there is no %s", path)
	}
	c := o.cells[n]
	if sent := h.Get("Authorization"); c.kind.inField() && sent != "Bearer "+c.kind.value {
		return nil, errNotPutIn
	}
	return c, nil
}

// putIn looks at an upgrade, which is asked for with any of the values, or none.
func (o *origin) putIn(h http.Header) error {
	sent := h.Get("Authorization")
	if sent == "" || slices.ContainsFunc(o.values, func(k kind) bool { return sent == "Bearer "+k.value }) {
		return nil
	}
	return errNotPutIn
}

var errNotPutIn = errors.New("the value was not put in")

// release tells whether the values came, in a body.
func (o *origin) release(body []byte) error {
	var got map[string]string
	if err := json.Unmarshal(body, &got); err != nil {
		return err
	}
	for _, k := range o.values {
		if got[k.name] != k.value {
			return fmt.Errorf("%w: %s", errNotPutIn, k.name)
		}
	}
	return nil
}

func (o *origin) serveHTTP1(c net.Conn) {
	br := bufio.NewReader(c)
	for {
		_ = c.SetDeadline(time.Now().Add(patience))
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		switch r.URL.Path {
		case "/ws":
			if err = o.putIn(r.Header); err == nil {
				o.serveWebSocket(c, br, r)
				return
			}
			_, err = io.WriteString(c, plainAnswer(err))
		case "/release":
			_, err = io.WriteString(c, plainAnswer(o.release(body)))
		default:
			cell, missing := o.find(r.URL.Path, r.Header)
			if err = missing; err != nil {
				_, err = io.WriteString(c, plainAnswer(missing))
			} else {
				err = cell.writeHTTP1(c)
			}
		}
		if err != nil {
			return
		}
	}
}

func plainAnswer(err error) string {
	status, text := "200 OK", "released\n"
	if err != nil {
		status, text = "417 Expectation Failed", err.Error()+"\n"
	}
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
}

func (o *origin) serveHTTP2(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.URL.Path == "/release" {
		if err := o.release(body); err != nil {
			http.Error(w, err.Error(), http.StatusExpectationFailed)
		}
		return
	}
	c, err := o.find(r.URL.Path, r.Header)
	if err != nil {
		http.Error(w, err.Error(), http.StatusExpectationFailed)
		return
	}
	if c.chunks == oneByte && !c.trickles() {
		o.slow.Add(1)
		defer o.slow.Add(-1)
	}
	c.writeHTTP2(w)
}

// serveWebSocket answers each message, which is a path, with a cell.
func (o *origin) serveWebSocket(conn net.Conn, br *bufio.Reader, r *http.Request) {
	hello := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		accept(r.Header.Get("Sec-Websocket-Key")) + "\r\n\r\n"
	if _, err := io.WriteString(conn, hello); err != nil {
		return
	}
	rw := struct {
		io.Reader
		io.Writer
	}{br, conn}
	for {
		_ = conn.SetDeadline(time.Now().Add(patience))
		path, err := wsutil.ReadClientText(rw)
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimPrefix(string(path), "/cell/"))
		if err != nil || n < 0 || n >= len(o.cells) || o.cells[n].writeMessage(conn) != nil {
			return
		}
	}
}
