//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// More of what a hostile origin tries: parts of a response that are seldom looked
// at, odd versions of what is, and what some clients read otherwise than others.

// packed is a trick that has the value in a compressed body.
func packed(fields string, layers int) trick {
	return func(conn net.Conn, v string) {
		body := "you sent " + v
		for range layers {
			body = gzipped(body)
		}
		reply(conn, "200 OK", fields, body)
	}
}

// raw is a trick that writes a text as it is, and ends the connection if it says so.
func raw(text string) trick {
	return func(conn net.Conn, v string) {
		io.WriteString(conn, strings.NewReplacer("$V", v, "$Q", url.PathEscape(v)).Replace(text))
		if strings.Contains(text, "Connection: close") || strings.HasPrefix(text, "HTTP/1.0") {
			conn.Close()
		}
	}
}

// switched is a trick that answers 101 and then writes frames.
func switched(fields string, frames func(v string) string) trick {
	return func(conn net.Conn, v string) {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+strings.ReplaceAll(fields, "$V", v)+"\r\n"+frames(v)+"\x88\x00")
	}
}

func frame(head byte, payload string) string {
	return string([]byte{head, byte(len(payload))}) + payload
}

func oddTricks() map[string]trick {
	all := map[string]trick{
		"/link":         headed("200 OK", `Link: <https://evil.acme.test/$V>; rel="$V"; title*=UTF-8'en'$V`),
		"/authenticate": headed("200 OK", `WWW-Authenticate: Basic realm="$V", Bearer error="$V"`),
		"/filename":     raw("HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=\"$V\"; filename*=UTF-8''$Q\r\nContent-Length: 0\r\n\r\n"),
		"/attributes":   headed("200 OK", "Set-Cookie: a=b; Domain=$V; Path=/$V; Max-Age=$V; $V=1"),
		"/lists":        headed("200 OK", "Vary: $V, x-$V\r\nVary: $V\r\nAccess-Control-Expose-Headers: $V\r\nServer-Timing: db;desc=\"$V\""),
		"/lastfields":   headed("200 OK", "Server: $V\r\nVia: 1.1 $V\r\nAge: $V\r\nDate: $V\r\nExpires: $V\r\nLast-Modified: $V"),
		"/latinreason":  headed("200 \xe4\xff $V \x80", "X-A: b"),
		"/noreason":     raw("HTTP/1.1 200\r\nX-A: $V\r\nContent-Length: 0\r\n\r\n"),
		"/old":          raw("HTTP/1.0 200 $V\r\nX-A: $V\r\n\r\nyou sent $V"),
		"/oldkept":      raw("HTTP/1.0 200 OK\r\nConnection: keep-alive, $V\r\nKeep-Alive: $V\r\nContent-Length: 0\r\n\r\n"),
		"/nocontent":    raw("HTTP/1.1 204 $V\r\nX-A: $V\r\n\r\n"),
		"/notmodified":  raw("HTTP/1.1 304 $V\r\nETag: \"$V\"\r\nContent-Location: /$V\r\n\r\n"),
		"/head":         raw("HTTP/1.1 200 OK\r\nX-A: $V\r\nETag: \"$V\"\r\nContent-Length: 0\r\n\r\n"),
		"/interim":      raw("HTTP/1.1 102 $V\r\nX-A: $V\r\n\r\nHTTP/1.1 199 $V\r\nX-$V: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		"/uppercoding":  packed("Content-Encoding: GZIP\r\n", 1),
		"/xgzip":        packed("Content-Encoding:\tX-Gzip \t\r\n", 1),
		"/codedtwice":   packed("Content-Encoding: gzip, gzip\r\n", 2),
		"/codedlines":   packed("Content-Encoding: identity\r\nX-A: b\r\nContent-Encoding: gzip,,\r\n", 1),
		"/awschunked":   packed("Content-Encoding: aws-chunked, gzip\r\n", 1),
		"/delta":        raw("HTTP/1.1 226 IM Used\r\nIM: gzip\r\nContent-Length: 2\r\n\r\n$V"),
		"/manycodings":  packed("Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n", 5),
		"/transfer":     raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
		"/lastbyte":     raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0;a=\"$V\"\r\nX-A: $V\r\nSet-Cookie: $V\r\n\r\n"),
		"/parts":        raw("HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=\"$V\"\r\nConnection: close\r\n\r\n--$V\r\nContent-Disposition: form-data; name=\"$V\"\r\n\r\n$V\r\n--$V--\r\n"),
		"/large":        headed("200 OK", "X-A: "+strings.Repeat("a", 60<<10)+" $V"),
		"/many":         headed("200 OK", strings.Repeat("X-A: $V\r\n", 400)+"X-B: $V"),
		"/lines":        headed("200 OK", "X-A: you sent $V\r\nX-A: and $V\r\nX-A:$V\r\nx-a:\t$V"),
	}
	for path, t := range frameTricks() {
		all[path] = t
	}
	return all
}

func frameTricks() map[string]trick {
	return map[string]trick{
		"/websocket/fields": switched("Sec-WebSocket-Protocol: $V\r\nSec-WebSocket-Accept: $V\r\nX-$V: $V\r\n", func(string) string { return "" }),
		"/websocket/reason": switched("", func(v string) string { return frame(0x88, "\x03\xe8"+v) }),
		"/websocket/ping":   switched("", func(v string) string { return frame(0x89, v) + frame(0x8a, v) }),
		"/websocket/pieces": switched("", func(v string) string {
			all := frame(0x01, "")
			for _, c := range []byte(v) {
				all += frame(0x00, string(c)) + frame(0x89, "")
			}
			return all + frame(0x80, "")
		}),
		"/websocket/packed": switched("Sec-WebSocket-Extensions: permessage-deflate\r\n", func(v string) string { return frame(0xc1, gzipped(v)[10:]) }),
		"/websocket/broken": switched("", func(v string) string { return frame(0xf3, v) + frame(0x83, v) + frame(0x80, v) }),
		"/events": func(conn net.Conn, v string) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
			for _, text := range []string{"id: ", v[:9], v[9:], "\nevent: " + v + "\nretry: 1\n: " + v + "\ndata: x\n\n"} {
				fmt.Fprintf(conn, "%x\r\n%s\r\n", len(text), text)
				time.Sleep(30 * time.Millisecond)
			}
			io.WriteString(conn, "0\r\n\r\n")
		},
	}
}
