package mitm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// Parent is a forward proxy through which origins are reached. It sees where
// to, and TLS that ends at the origin. Its credential prints as nothing.
type Parent struct {
	addr          string        // host:port
	authorization func() string // a closure prints under no verb
}

// NewParent reads the URL of a parent proxy: http, with a host, and a user and
// password if it wants them. No error holds the URL.
func NewParent(u *url.URL) (*Parent, error) {
	if u.Scheme != "http" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, errors.New("the URL of a parent proxy is http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT")
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	p := &Parent{addr: net.JoinHostPort(u.Hostname(), port), authorization: func() string { return "" }}
	if user := u.User; user != nil {
		p.authorization = func() string {
			password, _ := user.Password()
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
		}
	}
	return p, nil
}

// String is where the parent proxy is, without its credential.
func (p *Parent) String() string { return p.addr }

// parentError is a parent proxy that did not make the tunnel.
type parentError struct {
	status int // of its answer; 0: there was none
	cause  error
}

func (e *parentError) Error() string {
	if e.status != 0 {
		return fmt.Sprintf("the parent proxy answered CONNECT with %d", e.status)
	}
	return fmt.Sprintf("ask the parent proxy: %v", e.cause)
}

func (e *parentError) Unwrap() error { return e.cause }

// dialThrough asks the parent for a tunnel to host:port.
func (d *dialer) dialThrough(ctx context.Context, p *Parent, host string, port int) (net.Conn, error) {
	if err := d.checkThrough(ctx, host, port); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	nd := net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return d.checkAddr(address, true) // it may be private, but never ourselves
	}}
	conn, err := nd.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, &parentError{cause: err}
	}
	conn = d.cfg.countOrigin(conn)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnel, err := p.connect(conn, net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil && !stop() {
		err = &parentError{cause: context.Cause(ctx)}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return tunnel, nil
}

// connect makes conn a tunnel to authority.
func (p *Parent) connect(conn net.Conn, authority string) (net.Conn, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", authority)
	if field := p.authorization(); field != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: %s\r\n", field)
	}
	b.WriteString("\r\n")
	if _, err := conn.Write(b.Bytes()); err != nil {
		return nil, &parentError{cause: err}
	}
	r := bufio.NewReader(io.LimitReader(conn, maxHead))
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, &parentError{cause: err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, &parentError{status: resp.StatusCode}
	}
	if n := r.Buffered(); n > 0 { // the origin spoke first
		early, _ := r.Peek(n)
		return &replayed{conn, io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)}, nil
	}
	return conn, nil
}

// lookupTimeout is short: where only the parent knows names, nobody answers.
const lookupTimeout = time.Second

// checkThrough guards what the parent is asked for, as far as that can be told
// here: an address by itself, a name by what it resolves to here. What the
// parent makes of a name, and a name that only the parent knows, it cannot tell.
func (d *dialer) checkThrough(ctx context.Context, host string, port int) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return d.checkAddr(netip.AddrPortFrom(addr, uint16(port)).String(), false)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for _, addr := range addrs {
		if err := d.checkAddr(netip.AddrPortFrom(addr, uint16(port)).String(), false); err != nil {
			return err
		}
	}
	return nil
}
