//go:build linux

package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"

	"github.com/agentsecrets/agentsecrets/ca"
)

// newParent is a proxy of the attacker's: it says yes to every CONNECT, and then
// is the origin itself, under a certificate of its own making.
func newParent(by *ca.Authority) (*origin, error) {
	o, err := newOrigin(parent, "127.0.0.1:0", nil)
	if err != nil {
		return nil, err
	}
	o.serve = func(conn net.Conn) {
		defer conn.Close()
		rec := o.record(&record{})
		outer := &recorded{conn, rec}
		r, err := http.ReadRequest(bufio.NewReaderSize(oneByOne{outer}, 16))
		if err != nil {
			return
		}
		if r.Method != http.MethodConnect {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		secured := tls.Server(outer, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return by.Leaf(hello.ServerName) }})
		if secured.Handshake() == nil {
			serveOne(&recorded{secured, rec}, echo)
		}
	}
	return o, nil
}
