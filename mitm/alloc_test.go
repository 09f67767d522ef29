package mitm_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// An exchange over HTTP/1.1, with a header field to expand and an echo to
// redact, allocates no more than it did when the bounds were set, and a tenth.
// They hold for the proxy with the audit log: client and origin here are bare
// loops that allocate next to nothing. Whoever makes it allocate less lowers them.
func TestExchangeAllocates(t *testing.T) {
	const value = "sk-live-Zq3vN8xTr7mK2pW9hB4dY6cJ1sFg"
	exchange := bareExchange(t, value)
	for range 100 { // pools are filled and caches warm
		exchange()
	}
	count, size := leastAllocated(5, 100, exchange)
	t.Logf("%.0f allocations, %.0f bytes an exchange", count, size)
	if count > maxAllocations {
		t.Errorf("an exchange makes %.0f allocations, not at most %d", count, maxAllocations)
	}
	if size > maxAllocated {
		t.Errorf("an exchange allocates %.0f bytes, not at most %d", size, maxAllocated)
	}
}

// leastAllocated is the least that n calls of f allocated of several times, by
// call: what else runs, or a collection that empties pools, adds to some of them.
func leastAllocated(times, n int, f func()) (count, size float64) {
	count, size = math.Inf(1), math.Inf(1)
	var before, after runtime.MemStats
	for range times {
		runtime.ReadMemStats(&before)
		for range n {
			f()
		}
		runtime.ReadMemStats(&after)
		count = min(count, float64(after.Mallocs-before.Mallocs)/float64(n))
		size = min(size, float64(after.TotalAlloc-before.TotalAlloc)/float64(n))
	}
	return count, size
}

// bareExchange is a client that exchanges on one connection with an origin that
// echoes value.
func bareExchange(t *testing.T, value string) func() {
	body := fmt.Sprintf("%-1024s", "Bearer "+value)
	port, roots := bareOrigin(t, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n%s", body))
	authority := fmt.Sprintf("%s:%d", host, port)
	l := lab.New(t, lab.Config{
		Secrets: map[string]string{"KEY": value}, Allow: []string{authority},
		Change: func(c *mitm.Config) { c.Roots = func(string) *x509.CertPool { return roots } },
	})
	conn := l.TLS(authority, "http/1.1")
	conn.SetDeadline(time.Now().Add(2 * time.Minute)) // a busy machine takes longer than the lab has patience
	req := fmt.Appendf(nil, "GET /v1/things?limit=10 HTTP/1.1\r\nHost: %s\r\nUser-Agent: test\r\nAccept: */*\r\nAuthorization: Bearer AS_SECRET_KEY\r\n\r\n", authority)
	want := []byte(strings.Replace(body, value, marker(len(value)), 1))
	buf := make([]byte, 8<<10)
	return func() {
		got, err := bareAnswer(conn, req, buf, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v: %.80q", err, got)
		}
	}
}

// bareAnswer is the body of the response to req, which has n bytes.
func bareAnswer(conn net.Conn, req, buf []byte, n int) ([]byte, error) {
	if _, err := conn.Write(req); err != nil {
		return nil, err
	}
	for have := 0; have < len(buf); {
		k, err := conn.Read(buf[have:])
		if err != nil {
			return nil, err
		}
		have += k
		if _, after, ok := bytes.Cut(buf[:have], []byte("\r\n\r\n")); ok && len(after) >= n {
			return after, nil
		}
	}
	return nil, io.ErrShortBuffer
}

// bareOrigin gives the same answer to every request, which has no body.
func bareOrigin(t *testing.T, answer []byte) (port int, roots *x509.CertPool) {
	return connOrigin(t, func(c net.Conn) { answerAll(c, answer) })
}

// connOrigin is an origin that plays serve on each connection, which ends it. It
// speaks HTTP/1.1 unless protocols say otherwise.
func connOrigin(t *testing.T, serve func(net.Conn), protocols ...string) (port int, roots *x509.CertPool) {
	t.Helper()
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := authority.Leaf(host)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*leaf}, NextProtos: append(protocols, "http/1.1")[:1]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port, roots
}

func answerAll(c net.Conn, answer []byte) {
	defer c.Close()
	buf := make([]byte, 8<<10)
	have := 0
	for {
		n, err := c.Read(buf[have:])
		if err != nil {
			return
		}
		if have += n; bytes.HasSuffix(buf[:have], []byte("\r\n\r\n")) {
			have = 0
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	}
}
