package differ

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// outcome is what came of an exchange: at the origin and at the client.
type outcome struct {
	request  *message
	early    []*message
	response *message
	err      error
}

// road is a way to an origin: straight, or through the proxy.
type road struct {
	direct bool
	proxy  string // its URL
	dial   func(authority string, protocols ...string) (*tls.Conn, error)
	origin *origin
}

// tunnel asks the proxy for one, with the credential that its URL holds.
func tunnel(proxy, authority string) (net.Conn, error) {
	u, err := url.Parse(proxy)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: %s\r\n\r\n", authority, authority, credential(proxy))
	head := make([]byte, 0, 100)
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); {
		if _, err := c.Read(one); err != nil {
			return nil, fmt.Errorf("CONNECT: %q, %w", head, err)
		}
		head = append(head, one[0])
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 200 ") {
		return nil, fmt.Errorf("CONNECT: %q", head)
	}
	return c, nil
}

// play plays s, and takes another connection where one ended as announced.
func (r *road) play(s *session) []*outcome {
	r.origin.know(s.exchanges)
	r.origin.any.Store(r.direct)
	var all []*outcome
	for rest := s.exchanges; len(rest) > 0; {
		var some []*outcome
		if rest[0].pair.client == "HTTP/2" {
			some = r.playHTTP2(rest)
		} else {
			some = r.connection(s, rest)
		}
		for i, o := range some {
			request, err := r.origin.take(rest[i])
			o.request, o.err = request, errors.Join(o.err, err)
		}
		all, rest = append(all, some...), rest[len(some):]
	}
	return all
}

// connection plays what fits onto one connection.
func (r *road) connection(s *session, list []*exchange) (all []*outcome) {
	failed := func(err error) []*outcome { return append(all, &outcome{err: err}) }
	c, err := r.connect(list[0])
	if err != nil {
		return failed(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	br := bufio.NewReader(c)
	send := func(list ...*exchange) {
		var b []byte
		for _, x := range list {
			m := x.sent(r.direct)
			if x.clear && !r.direct {
				m.remove("Proxy-Authorization")
				m.fields = append(m.fields, field{name: "Proxy-Authorization", raw: " " + credential(r.proxy)})
			}
			b = append(b, m.head()...)
			if !x.expects {
				b = append(b, m.encoded(x.sizes, x.ext)...)
			}
		}
		c.Write(b)
		if s.half && list[len(list)-1] == s.exchanges[len(s.exchanges)-1] && !list[len(list)-1].expects {
			c.CloseWrite()
			if t, ok := c.(*tls.Conn); ok {
				t.NetConn().(*net.TCPConn).CloseWrite()
			}
		}
	}
	if s.pipelined {
		go send(list...)
	}
	for _, x := range list {
		if !s.pipelined {
			go send(x)
		}
		o := r.receive(c, br, x)
		all = append(all, o)
		if o.err != nil || o.response.closes() || x.request.has("Connection", "close") {
			if extra, err := io.ReadAll(br); len(extra) > 0 || o.err == nil && err != nil && !o.response.cut {
				o.err = errors.Join(o.err, fmt.Errorf("the connection ends with %q, %w", extra, err))
			}
			break
		}
	}
	return all
}

// duplex is a connection whose sides end one by one.
type duplex interface {
	net.Conn
	CloseWrite() error
}

// connect dials for x: through its tunnel, or to where http is spoken.
func (r *road) connect(x *exchange) (duplex, error) {
	if !x.clear {
		return r.dial(x.authority, "http/1.1")
	}
	address := r.origin.clear.Addr().String()
	if !r.direct {
		u, err := url.Parse(r.proxy)
		if err != nil {
			return nil, err
		}
		address = u.Host
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// credential is what a proxy's URL holds, as a field says it.
func credential(proxy string) string {
	u, err := url.Parse(proxy)
	if err != nil {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.String()))
}

func (r *road) receive(c net.Conn, br *bufio.Reader, x *exchange) *outcome {
	o := &outcome{}
	for {
		m, err := readHead(br)
		if err != nil {
			o.err = fmt.Errorf("read a head: %w", err)
			return o
		}
		if m.status() >= 200 {
			m.readBody(br, x.method())
			o.response = m
			return o
		}
		o.early = append(o.early, m)
		if m.status() == 100 && x.expects {
			sent := x.sent(r.direct)
			go c.Write(sent.encoded(x.sizes, x.ext))
		}
	}
}
