package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// patience is how long any one step of the client may take. It is long: a slow
// peer is a figure, a stuck one an error.
const patience = 60 * time.Second

// dialer opens client connections: straight, to a reverse proxy that stands in
// for the origin, or by CONNECT through a forward proxy.
type dialer struct {
	addr      string // to connect to
	connect   string // what CONNECT asks for; "" for none
	authorize string // Proxy-Authorization, with its line's end; "" for none
	tls       *tls.Config
}

// newDialer takes a forward proxy by http:// and what is asked itself by https://.
func newDialer(h hello, authority string) (*dialer, error) {
	u, err := url.Parse(h.URL)
	if err != nil {
		return nil, fmt.Errorf("read the URL of a peer: %w", err)
	}
	pool, err := poolOf(h.CA)
	if err != nil {
		return nil, err
	}
	d := &dialer{addr: u.Host, tls: &tls.Config{
		// One key exchange for all, see originMain.
		ServerName: host, RootCAs: pool, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
	}}
	if u.Scheme == "http" {
		d.connect = authority
	}
	if password, ok := u.User.Password(); ok {
		pair := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		d.authorize = "Proxy-Authorization: Basic " + pair + "\r\n"
	}
	return d, nil
}

// conn is a bare HTTP/1.1 client connection: it does as little as it can for a
// request, so that the machine's time goes to what is measured.
type conn struct {
	net.Conn
	br *bufio.Reader
}

// dial gives up with the test; every proxy here answers in far less.
func (d *dialer) dial(ctx context.Context) (*conn, error) {
	tc, err := d.dialTLS(ctx, d.tls)
	if err != nil {
		return nil, err
	}
	return &conn{tc, bufio.NewReaderSize(tc, 64<<10)}, nil
}

func (d *dialer) dialTLS(ctx context.Context, cfg *tls.Config) (*tls.Conn, error) {
	nc, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(patience))
	if err := d.through(nc); err != nil {
		nc.Close()
		return nil, err
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("TLS with %s: %w", d.addr, err)
	}
	return tc, nil
}

// through asks a forward proxy for the tunnel.
func (d *dialer) through(nc net.Conn) error {
	if d.connect == "" {
		return nil
	}
	if _, err := fmt.Fprintf(nc, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", d.connect, d.connect, d.authorize); err != nil {
		return fmt.Errorf("CONNECT: %w", err)
	}
	// The proxy says nothing after its reply until our ClientHello has come, so
	// nothing is lost with this reader.
	resp, err := http.ReadResponse(bufio.NewReader(nc), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("CONNECT: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("CONNECT: %s", resp.Status)
	}
	return nil
}

var errWrong = errors.New("the response is not what it has to be")

// exchange sends req and compares the body that comes back.
func (c *conn) exchange(req, want, buf []byte) error {
	if _, err := c.Write(req); err != nil {
		return err
	}
	length, err := c.head()
	if err != nil {
		return err
	}
	body := &body{c: c, left: length}
	n, err := io.ReadFull(body, buf[:len(want)])
	if err != nil {
		return fmt.Errorf("%w: a body of %d bytes: %w", errWrong, n, err)
	}
	if !bytes.Equal(buf[:n], want) {
		return fmt.Errorf("%w: it begins %q", errWrong, buf[:min(n, 60)])
	}
	return body.end()
}

// head reads a response's head. The length is chunked for a body in chunks.
func (c *conn) head() (int64, error) {
	line, err := c.br.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || string(line[9:12]) != "200" {
		return 0, fmt.Errorf("%w: %q", errWrong, line)
	}
	length := int64(unframed)
	for {
		line, err = c.br.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		k, v, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		switch {
		case !ok && length == unframed:
			return 0, fmt.Errorf("%w: no framing", errWrong)
		case !ok:
			return length, nil
		case bytes.EqualFold(k, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64); err != nil {
				return 0, err
			}
		case bytes.EqualFold(k, []byte("Transfer-Encoding")):
			length = chunked
		}
	}
}

const (
	chunked  = -1
	unframed = -2
)

// body reads what follows a head.
type body struct {
	c    *conn
	left int64 // of the body or, once inside one, of the chunk
	in   bool  // inside a chunk
	done bool  // the last chunk has come
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == chunked || b.in && b.left == 0 {
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.c.br.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next goes to the next chunk.
func (b *body) next() error {
	if b.done {
		return io.EOF
	}
	if b.in {
		if _, err := b.c.br.Discard(len("\r\n")); err != nil {
			return err
		}
	}
	line, err := b.c.br.ReadSlice('\n')
	if err != nil {
		return err
	}
	if b.left, err = strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64); err != nil {
		return err
	}
	b.in = true
	if b.left == 0 {
		b.done = true
		_, err = b.c.br.Discard(len("\r\n"))
	}
	return err
}

// end expects nothing more.
func (b *body) end() error {
	var one [1]byte
	if n, err := b.Read(one[:]); n > 0 || err != io.EOF {
		return fmt.Errorf("%w: it is too long", errWrong)
	}
	return nil
}
