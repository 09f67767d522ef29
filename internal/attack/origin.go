//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

// origin is a server that writes down all that it is sent, behind TLS, and
// echoes it.
type origin struct {
	host string // as may and verdicts name it
	addr net.Addr

	listener net.Listener
	serve    func(net.Conn)

	mu    sync.Mutex
	conns []*record
}

// newOrigin listens on at. With an authority it speaks TLS, with the certificate
// for the name that it is asked for; protocols as ALPN names them.
func newOrigin(host, at string, authority *ca.Authority, protocols ...string) (*origin, error) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("origin %s: %w", host, err)
	}
	o := &origin{host: host, addr: l.Addr(), listener: l}
	o.serve = o.plain
	if authority != nil {
		cfg := &tls.Config{NextProtos: protocols, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if name := hello.ServerName; name != "" {
				return authority.Leaf(name)
			}
			return authority.Leaf("127.0.0.1")
		}}
		o.serve = func(conn net.Conn) { o.secure(tls.Server(conn, cfg)) }
	}
	go o.accept()
	return o, nil
}

func (o *origin) accept() {
	for {
		conn, err := o.listener.Accept()
		if err != nil {
			return
		}
		go o.serve(conn)
	}
}

func (o *origin) port() int { return o.addr.(*net.TCPAddr).Port }

// record is a new one for a connection that has just come.
func (o *origin) record(r *record) *record {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conns = append(o.conns, r)
	return r
}

func (o *origin) records() []*record {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.conns)
}

// secure is recorded from before its handshake on: to have been dialled at all
// can be a fault.
func (o *origin) secure(conn *tls.Conn) {
	rec := o.record(&record{})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if conn.Handshake() != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	if conn.ConnectionState().NegotiatedProtocol == "h2" {
		rec.mu.Lock()
		rec.unpack = newUnpacker()
		rec.mu.Unlock()
	}
	serveOne(&recorded{conn, rec}, echo)
}

func (o *origin) plain(conn net.Conn) {
	serveOne(&recorded{conn, o.record(&record{})}, echo)
}

func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// serveOne serves HTTP on conn until it ends.
func serveOne(conn net.Conn, h http.HandlerFunc) {
	l := &single{conn: make(chan net.Conn, 1), over: make(chan struct{})}
	l.conn <- conn
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // as far as the server can see: it is given no *tls.Conn
	s := &http.Server{Handler: h, ErrorLog: silent(), Protocols: protocols, ReadHeaderTimeout: patience, ConnState: func(_ net.Conn, now http.ConnState) {
		if now == http.StateClosed || now == http.StateHijacked {
			l.end.Do(func() { close(l.over) })
		}
	}}
	_ = s.Serve(l) // ends with its connection
}

// single is a listener of one connection.
type single struct {
	conn chan net.Conn
	over chan struct{}
	end  sync.Once
}

func (l *single) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return &net.TCPAddr{} }

// echo answers with everything that it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Echo", r.Header.Get("Authorization"))
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "%s %s %s\n", r.Method, r.RequestURI, r.Host)
	r.Header.Write(w)
	fmt.Fprintf(w, "\n%s\n", body)
	r.Trailer.Write(w)
}

// lines joins header lines as they go on the wire.
func lines(all ...string) string {
	return strings.Join(all, "\r\n") + "\r\n"
}
