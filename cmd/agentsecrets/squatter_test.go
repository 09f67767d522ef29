package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

// squatter PORT DIR has taken the port of a proxy, and tries to be it: it takes
// every CONNECT, with a certificate of its own. DIR/log is what it was sent.
func squatter() {
	if err := squat(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func squat(port, dir string) error {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return err
	}
	log, err := os.OpenFile(dir+"/log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	var l net.Listener
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if l, err = net.Listen("tcp", "127.0.0.1:"+port); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/ready", []byte("ready"), 0o644); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go pose(conn, authority, log)
	}
}

// pose answers as a proxy and as an origin would, as far as it is let.
func pose(conn net.Conn, authority *ca.Authority, log *os.File) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	req.Write(log)
	if req.Method != http.MethodConnect {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfake")
		return
	}
	io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	c := tls.Server(conn, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) { return authority.Leaf(h.ServerName) }})
	if err := c.Handshake(); err != nil {
		fmt.Fprintln(log, "the client does not believe us")
		return
	}
	if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		req.Write(log)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake")
	}
}
