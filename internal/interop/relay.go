package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

// half is a connection whose directions end one by one: TCP, and TLS on it.
type half interface {
	net.Conn
	CloseWrite() error
}

// relay passes what connects to its listener on to what dial gives.
type relay struct {
	listener net.Listener
	dial     func() (half, error)
	up       func(io.Reader) io.Reader // what becomes of what a client says; nil: nothing

	mu      sync.Mutex
	open    map[half]bool
	closed  bool
	tunnels sync.WaitGroup
}

// newRelay serves l until the relay is closed.
func newRelay(l net.Listener, dial func() (half, error)) *relay {
	r := &relay{listener: l, dial: dial, open: map[half]bool{}}
	r.tunnels.Go(r.serve)
	return r
}

func (r *relay) port() string { return portOf(r.listener) }

// close ends the relay and what it passes.
func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for c := range r.open {
		c.Close()
	}
	r.mu.Unlock()
	r.tunnels.Wait()
}

func (r *relay) serve() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.tunnels.Go(func() { r.pass(c.(half)) })
	}
}

// pass relays one connection. Either side's end reaches the other as it is.
func (r *relay) pass(client half) {
	defer client.Close()
	origin, err := r.dial()
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop: relay:", err)
		return
	}
	defer origin.Close()
	for _, c := range []half{client, origin} {
		if !r.keep(c) {
			return
		}
		defer r.forget(c)
	}
	said := io.Reader(client)
	if r.up != nil {
		said = r.up(client)
	}
	var both sync.WaitGroup
	both.Go(func() { pump(origin, said, client) })
	both.Go(func() {
		pump(client, origin, origin)
		client.Close() // nothing will be answered any more
	})
	both.Wait()
}

func pump(dst half, said io.Reader, src half) {
	_, err := io.Copy(dst, said)
	if err != nil && !errors.Is(err, io.EOF) {
		dst.Close()
		src.Close()
	}
	_ = dst.CloseWrite()
}

// keep remembers an open connection, unless the relay is closed.
func (r *relay) keep(c half) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[c] = true
	return !r.closed
}

func (r *relay) forget(c half) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}
