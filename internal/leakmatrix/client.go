package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/ws/wsutil"
)

// patience ends what hangs; nothing is timed.
const patience = 20 * time.Second

// target is a proxy, as a client knows it.
type target struct {
	url   *url.URL
	roots *x509.CertPool
	sends map[string]string // what a client sends to have a value put in, by kind
	hosts map[string]string // HOST:PORT of the origin, by version of HTTP
}

// field is one of a head, as it came.
type field struct{ name, value string }

type fields []field

func (list fields) get(name string) (values []string) {
	for _, f := range list {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// answer is all that a client got.
type answer struct {
	early    fields
	status   int
	reason   string
	fields   fields
	body     []byte // without content codings
	trailers fields
}

// everything is what an echo may be found in.
func (a *answer) everything() []byte {
	var b bytes.Buffer
	b.WriteString(a.reason + "\n")
	for _, list := range []fields{a.early, a.fields, a.trailers} {
		for _, f := range list {
			b.WriteString(f.name + ": " + f.value + "\n")
		}
	}
	b.Write(a.body)
	return b.Bytes()
}

// session is a client with a connection of each sort, which are used again.
type session struct {
	t      *target
	h1, ws *wire
	h2     *http.Transport
}

// wire is a connection through the proxy.
type wire struct {
	net.Conn
	br *bufio.Reader
}

func (w *wire) Read(b []byte) (int, error) { return w.br.Read(b) }

func (s *session) close() {
	for _, w := range []*wire{s.h1, s.ws} {
		if w != nil {
			w.Close()
		}
	}
	if s.h2 != nil {
		s.h2.CloseIdleConnections()
	}
}

func alpn(protocol string) string {
	return map[string]string{http1: "http/1.1", http2v: "h2"}[protocol]
}

// dial asks the proxy for a tunnel, and speaks TLS in it.
func (t *target) dial(ctx context.Context, protocol string) (*tls.Conn, error) {
	authority := t.hosts[protocol]
	c, err := new(net.Dialer).DialContext(ctx, "tcp", t.url.Host)
	if err != nil {
		return nil, fmt.Errorf("reach the proxy: %w", err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	login := ""
	if u := t.url.User; u != nil {
		password, _ := u.Password()
		login = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)) + "\r\n"
	}
	_, err = fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n%s\r\n", authority, login)
	var resp *http.Response
	if err == nil {
		// Nothing follows until our ClientHello has come, so nothing is lost with this reader.
		resp, err = http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("ask for a tunnel: %w", err)
	}
	host, _, _ := net.SplitHostPort(authority)
	conn := tls.Client(c, &tls.Config{RootCAs: t.roots, ServerName: host, NextProtos: []string{alpn(protocol)}})
	if err := conn.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("TLS with the proxy: %w", err)
	}
	return conn, conn.SetDeadline(time.Time{})
}

// speaks reports whether clients can speak protocol.
func (t *target) speaks(ctx context.Context, protocol string) bool {
	c, err := t.dial(ctx, protocol)
	if err != nil {
		return false
	}
	defer c.Close()
	return protocol == http1 || c.ConnectionState().NegotiatedProtocol == alpn(protocol)
}

// play asks for cell number n.
func (s *session) play(ctx context.Context, n int, c *cell) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	path := "/cell/" + strconv.Itoa(n)
	head := http.Header{"Accept-Encoding": {"gzip, br, deflate, zstd"}}
	if c.kind.inField() {
		head.Set("Authorization", "Bearer "+s.t.sends[c.kind.name])
	}
	if c.place.name == "gRPC" {
		head.Set("Content-Type", "application/grpc+json")
		head.Set("Te", "trailers")
	}
	switch {
	case c.place.name == "WebSocket":
		return s.message(ctx, path, head)
	case c.protocol == http1:
		return s.overHTTP1(ctx, http.MethodGet, path, head, "")
	}
	return s.overHTTP2(ctx, http.MethodGet, path, head, "")
}

// release has every value go to the origin in a body.
func (s *session) release(ctx context.Context, protocol string, body string) error {
	ask := s.overHTTP1
	if protocol != http1 {
		ask = s.overHTTP2
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := ask(ctx, http.MethodPost, "/release", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return fmt.Errorf("release the values over %s: %w", protocol, err)
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("release the values over %s: %d: %s", protocol, a.status, a.body)
	}
	return nil
}

func (s *session) overHTTP1(ctx context.Context, method, path string, head http.Header, body string) (*answer, error) {
	if s.h1 == nil {
		c, err := s.t.dial(ctx, http1)
		if err != nil {
			return nil, err
		}
		s.h1 = &wire{c, bufio.NewReader(c)}
	}
	w := s.h1
	s.h1 = nil // until all is well
	deadline, _ := ctx.Deadline()
	_ = w.SetDeadline(deadline)
	var req strings.Builder
	fmt.Fprintf(&req, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, s.t.hosts[http1])
	if method == http.MethodPost {
		fmt.Fprintf(&req, "Content-Length: %d\r\n", len(body))
	}
	_ = head.Write(&req)
	req.WriteString("\r\n" + body)
	_, err := io.WriteString(w, req.String())
	var a *answer
	if err == nil {
		a, err = w.read()
	}
	if err != nil || slices.Contains(a.fields.get("Connection"), "close") {
		w.Close()
		return a, err
	}
	s.h1 = w
	return a, nil
}

// read takes a response, and those before the final one.
func (w *wire) read() (*answer, error) {
	a := &answer{}
	for a.status < 200 {
		a.early = append(a.early, a.fields...)
		line, err := w.line()
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(line, " ")
		code, reason, _ := strings.Cut(rest, " ")
		if a.status, err = strconv.Atoi(code); err != nil {
			return nil, fmt.Errorf("no status: %q", line)
		}
		a.reason = reason
		if a.fields, err = w.fields(); err != nil {
			return nil, err
		}
		if a.status == http.StatusSwitchingProtocols {
			return a, nil
		}
	}
	var err error
	switch length := a.fields.get("Content-Length"); {
	case slices.Contains(a.fields.get("Transfer-Encoding"), "chunked"):
		if a.body, err = io.ReadAll(httputil.NewChunkedReader(w.br)); err == nil {
			a.trailers, err = w.fields()
		}
	case len(length) == 1:
		var n int
		if n, err = strconv.Atoi(length[0]); err == nil {
			a.body = make([]byte, n)
			_, err = io.ReadFull(w.br, a.body)
		}
	default:
		err = errors.New("the body has no length")
	}
	return a, errors.Join(err, a.decode())
}

func (a *answer) decode() (err error) {
	a.body, err = decompress(strings.Join(a.fields.get("Content-Encoding"), ","), a.body)
	return err
}

func (w *wire) line() (string, error) {
	l, err := w.br.ReadString('\n')
	if err == nil && !strings.HasSuffix(l, "\r\n") {
		err = fmt.Errorf("a line ends in a bare LF: %q", l)
	}
	return strings.TrimSuffix(l, "\r\n"), err
}

func (w *wire) fields() (list fields, err error) {
	for {
		l, err := w.line()
		if err != nil || l == "" {
			return list, err
		}
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			return nil, fmt.Errorf("no field: %q", l)
		}
		list = append(list, field{name, strings.Trim(value, " \t")})
	}
}

func (s *session) overHTTP2(ctx context.Context, method, path string, head http.Header, body string) (*answer, error) {
	if s.h2 == nil {
		s.h2 = &http.Transport{
			DialTLSContext:    func(ctx context.Context, _, _ string) (net.Conn, error) { return s.t.dial(ctx, http2v) },
			ForceAttemptHTTP2: true, DisableCompression: true,
		}
	}
	a := &answer{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		a.early = append(a.early, ofHeader(http.Header(h))...)
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, method, "https://"+s.t.hosts[http2v]+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == "" {
		req.Body, req.ContentLength = nil, 0
	}
	req.Header = head
	resp, err := s.h2.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		return nil, errors.New("the proxy answers with " + resp.Proto)
	}
	a.status, a.fields = resp.StatusCode, ofHeader(resp.Header)
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	a.trailers = ofHeader(resp.Trailer)
	return a, a.decode()
}

func ofHeader(h http.Header) (list fields) {
	for name, values := range h {
		for _, v := range values {
			list = append(list, field{name, v})
		}
	}
	return list
}

// message asks for a cell in a message, and takes the one that answers it.
func (s *session) message(ctx context.Context, path string, head http.Header) (*answer, error) {
	deadline, _ := ctx.Deadline()
	if s.ws == nil {
		c, err := s.t.dial(ctx, http1)
		if err != nil {
			return nil, err
		}
		_ = c.SetDeadline(deadline)
		w := &wire{c, bufio.NewReader(c)}
		var req strings.Builder
		fmt.Fprintf(&req, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", s.t.hosts[http1])
		_ = head.Write(&req)
		req.WriteString("\r\n")
		if _, err := io.WriteString(w, req.String()); err != nil {
			return nil, err
		}
		a, err := w.read()
		if err != nil {
			return nil, err
		}
		if a.status != http.StatusSwitchingProtocols {
			w.Close()
			return nil, fmt.Errorf("no upgrade to WebSocket: %d %s", a.status, a.body)
		}
		s.ws = w
	}
	w := s.ws
	s.ws = nil
	_ = w.SetDeadline(deadline)
	if err := wsutil.WriteClientText(w, []byte(path)); err != nil {
		return nil, err
	}
	body, _, err := wsutil.ReadServerData(w)
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("read a message: %w", err)
	}
	s.ws = w
	return &answer{status: http.StatusOK, body: body}, nil
}
