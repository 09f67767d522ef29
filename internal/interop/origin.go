package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
)

// origin is a server of Go's.
type origin struct {
	server   *http.Server
	listener net.Listener
}

func (s *stage) startOrigin(host string, h http.Handler, protocols ...string) (*origin, error) {
	leaf, err := s.root.Leaf(host)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	o := &origin{&http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}, l}
	o.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*leaf}, NextProtos: protocols}
	go func() { _ = o.server.ServeTLS(l, "", "") }() // ends with close
	return o, nil
}

func (o *origin) close()       { o.server.Close() }
func (o *origin) addr() string { return o.listener.Addr().String() }
func (o *origin) port() string { return portOf(o.listener) }

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
