//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// proxy is one that is attacked, as a client with its credential sees it.
type proxy struct {
	addr       string
	credential string // "user:password"
	roots      *x509.CertPool
}

func proxyOf(h hello) (proxy, error) {
	u, err := url.Parse(h.Proxy)
	if err != nil {
		return proxy{}, errors.New("the run's proxy URL is none")
	}
	p := proxy{addr: u.Host, credential: u.User.String(), roots: x509.NewCertPool()}
	if !p.roots.AppendCertsFromPEM([]byte(h.CA)) {
		return proxy{}, errors.New("no certificate in the run's roots")
	}
	return p, nil
}

func (p proxy) authorization() string {
	return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.credential))
}

// heard is a connection to the proxy, and everything that came back on it.
type heard struct {
	net.Conn
	text *bytes.Buffer
}

func (h heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.text.Write(b[:n])
	return n, err
}

func (p proxy) dial(ctx context.Context, text *bytes.Buffer) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(stillness))
	return heard{conn, text}, nil
}

// stillness is how long an answer is waited for that need not come.
const stillness = 5 * time.Second

// tunnel is an open CONNECT; status is the proxy's answer to it.
func (p proxy) tunnel(ctx context.Context, target string, text *bytes.Buffer, more ...string) (conn net.Conn, status int, err error) {
	if conn, err = p.dial(ctx, text); err != nil {
		return nil, 0, err
	}
	head := append([]string{"CONNECT " + target + " HTTP/1.1", "Host: " + target, p.authorization()}, more...)
	if len(more) > 0 { // which say another Host
		head = append(head[:1], head[2:]...)
	}
	if _, err := io.WriteString(conn, lines(append(head, "")...)); err != nil {
		return conn, 0, nil
	}
	// A byte at a time: what follows belongs to TLS.
	resp, err := http.ReadResponse(bufio.NewReaderSize(oneByOne{conn}, 16), &http.Request{Method: "CONNECT"})
	if err != nil {
		return conn, 0, nil
	}
	return conn, resp.StatusCode, nil
}

type oneByOne struct{ r io.Reader }

func (o oneByOne) Read(b []byte) (int, error) { return o.r.Read(b[:1]) }

// secure begins TLS in a tunnel. The certificate must come from the run's root,
// for whatever name: an attacker asks for a name that it does not want.
func (p proxy) secure(conn net.Conn, sni, protocol string, text *bytes.Buffer) (net.Conn, error) {
	c := tls.Client(conn, &tls.Config{
		ServerName: sni, NextProtos: []string{protocol}, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: p.roots})
			return err
		},
	})
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	return heard{c, text}, nil
}

// handshakeOutcome tells an alert from an end.
func handshakeOutcome(err error) answer {
	var alert tls.AlertError
	var remote *net.OpError
	if errors.As(err, &alert) || errors.As(err, &remote) && remote.Op == "remote error" {
		return answer{outcome: "alert", said: shorten(err.Error())}
	}
	return answer{outcome: "reset", said: shorten(err.Error())}
}

// wire is a request as bytes, through a tunnel or, with no connect, to the proxy itself.
type wire struct {
	connect string
	more    []string // fields of CONNECT
	sni     string   // "" for the host of connect, "-" for none
	clear   bool     // without TLS
	bytes   string
	answers int // that are waited for; 0 is 1. The last one counts
}

// name is the SNI for a CONNECT target.
func (w wire) name() string {
	switch {
	case w.sni == "-":
		return ""
	case w.sni != "":
		return w.sni
	}
	host, _, err := net.SplitHostPort(w.connect)
	if err != nil {
		return w.connect
	}
	return host
}

// send makes the attempt over HTTP/1.
func (p proxy) send(ctx context.Context, w wire) (answer, error) {
	var text bytes.Buffer
	conn, done, err := p.reach(ctx, w, "http/1.1", &text)
	if done != nil || err != nil {
		return *done, err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, w.bytes); err != nil {
		return answer{outcome: "reset", text: text.Bytes()}, nil
	}
	a := readAnswers(bufio.NewReader(conn), max(1, w.answers))
	a.text = text.Bytes()
	return a, nil
}

// reach opens the way; with done it ended before.
func (p proxy) reach(ctx context.Context, w wire, protocol string, text *bytes.Buffer) (conn net.Conn, done *answer, err error) {
	if w.connect == "" {
		if conn, err = p.dial(ctx, text); err != nil {
			return nil, &answer{}, err
		}
		return conn, nil, nil
	}
	conn, status, err := p.tunnel(ctx, w.connect, text, w.more...)
	switch {
	case err != nil:
		return nil, &answer{}, err
	case status == 0:
		conn.Close()
		return nil, &answer{outcome: "reset", said: "at CONNECT", text: text.Bytes()}, nil
	case status != http.StatusOK:
		conn.Close()
		return nil, &answer{outcome: strconv.Itoa(status), said: "at CONNECT", text: text.Bytes()}, nil
	case w.clear:
		return conn, nil, nil
	}
	c, err := p.secure(conn, w.name(), protocol, text)
	if err != nil {
		conn.Close()
		a := handshakeOutcome(err)
		a.text = text.Bytes()
		return nil, &a, nil
	}
	return c, nil, nil
}

// readAnswers reads n responses and tells the status of the last.
func readAnswers(r *bufio.Reader, n int) answer {
	a := answer{outcome: "reset"}
	for i := 0; i < n; i++ {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return noAnswer(a, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			a.outcome, a.said = "reset", "in the middle of the answer"
			return a
		}
		a = answer{outcome: strconv.Itoa(resp.StatusCode), said: slug(body)}
		if resp.StatusCode < 200 {
			i-- // 1xx: the answer is still to come
			if resp.StatusCode == http.StatusSwitchingProtocols {
				return a
			}
		}
	}
	return a
}

func noAnswer(a answer, err error) answer {
	a.outcome, a.said = "reset", "connection ended"
	if errors.Is(err, os.ErrDeadlineExceeded) {
		a.outcome = "silence"
	}
	return a
}

// slug is how the proxy names a refusal; "" in the answer of an origin.
func slug(body []byte) string {
	var problem struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return ""
	}
	return problem.Error
}
