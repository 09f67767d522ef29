package mitm_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// switchLab is a lab whose origin answers each upgrade with 101, the fields in lines and
// first behind them at once, and then plays serve.
func switchLab(t *testing.T, lines, first string, serve func(conn net.Conn, br *bufio.Reader, r *http.Request)) *lab.Lab {
	t.Helper()
	var open sync.WaitGroup
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, OriginH1: true, ClientH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			return
		}
		open.Add(1)
		defer open.Done()
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n%s\r\n\r\n%s", lines, first)
		if serve != nil {
			serve(conn, rw.Reader, r)
		}
	})})
	t.Cleanup(open.Wait)
	return l
}

// What the origin says in the packet of its 101 is not lost.
func TestWebSocketFirstFrame(t *testing.T) {
	frame := string(ws.MustCompileFrame(ws.NewTextFrame([]byte("at once"))))
	l := switchLab(t, "Upgrade: websocket", frame, func(conn net.Conn, br *bufio.Reader, r *http.Request) {
		io.Copy(io.Discard, br)
	})
	conn := upgraded(t, l, host)
	if got := conn.next(t); got != "at once" {
		t.Errorf("the client got %q", got)
	}
	conn.Close()
}

// An extension that was not offered may not be chosen: its frames could hide an echo.
func TestE11WebSocketExtensionChosen(t *testing.T) {
	l := switchLab(t, "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate", "", nil)
	_, resp := ask(t, l, host, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate")
	body, _ := io.ReadAll(resp.Body)
	wantProblem(t, resp, string(body), 502, "origin_protocol")
}

// Other protocols that leave readable what programs say are relayed, with echoes
// covered in the same number of bytes; a prompt comes though nothing ends it, and
// who has said all may go on reading.
func TestUpgradeRelayed(t *testing.T) {
	for _, protocol := range []string{"SPDY/3.1", "tcp"} {
		t.Run(protocol, func(t *testing.T) {
			got := make(chan string, 1)
			l := switchLab(t, "Upgrade: "+protocol, "", func(conn net.Conn, br *bufio.Reader, r *http.Request) {
				v := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				io.WriteString(conn, "\x00\x00\x00\x01\x00\x00\x00\x20"+v[:7])
				io.WriteString(conn, v[7:]+" password:")
				line, _ := br.ReadString('\n')
				rest, _ := io.ReadAll(br)
				got <- line + string(rest)
				io.WriteString(conn, "bye "+v)
			})
			conn, resp := ask(t, l, host, "Upgrade: "+protocol+"\r\nAuthorization: Bearer AS_SECRET_KEY")
			if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != protocol {
				t.Fatalf("no upgrade: %v", resp)
			}
			prompt := make([]byte, 8+len(value)+10)
			if _, err := io.ReadFull(conn, prompt); err != nil {
				t.Fatal(err)
			}
			if noEcho(t, "the prompt", string(prompt)); !bytes.HasSuffix(prompt, []byte(" password:")) || !bytes.Contains(prompt, []byte("***")) && !bytes.Contains(prompt, []byte("[REDACTED")) {
				t.Errorf("the client got %q", prompt)
			}
			io.WriteString(conn, "AS_SECRET_KEY\nmore")
			conn.Conn.(*tls.Conn).CloseWrite()
			if sent := <-got; sent != "AS_SECRET_KEY\nmore" {
				t.Errorf("the origin got %q", sent)
			}
			rest, err := io.ReadAll(conn)
			if noEcho(t, "the rest", string(rest)); err != nil || len(rest) != 4+len(value) || !strings.HasPrefix(string(rest), "bye ") {
				t.Errorf("then %q, %v", rest, err)
			}
		})
	}
}

// Of a protocol that nobody here knows nothing can be searched: where an echo is
// possible it is refused.
func TestUpgradeUnknown(t *testing.T) {
	l := switchLab(t, "Upgrade: secret-handshake", "hello", nil)
	conn, resp := ask(t, l, evil, "Upgrade: secret-handshake")
	if b, _ := io.ReadAll(conn); resp.StatusCode != 101 || string(b) != "hello" {
		t.Errorf("where none is possible: %v, %q", resp, b)
	}
	for _, to := range []string{host, evil} {
		if to == evil {
			do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		}
		_, resp := ask(t, l, to, "Upgrade: secret-handshake")
		body, _ := io.ReadAll(resp.Body)
		wantProblem(t, resp, string(body), 502, "undecodable_response")
	}
}

// WebSocket over HTTP/2 is not offered, and who asks for it all the same is refused,
// so that clients take HTTP/1.1 (RFC 8441, 3 and 4).
func TestExtendedConnect(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	conn := l.TLS(l.Authority(host), "h2", "http/1.1")
	io.WriteString(conn, http2.ClientPreface)
	fr := http2.NewFramer(conn, conn)
	fr.WriteSettings()
	f, err := fr.ReadFrame()
	settings, ok := f.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("%v, %v", f, err)
	}
	if v, ok := settings.Value(http2.SettingEnableConnectProtocol); ok && v != 0 {
		t.Error("it is offered")
	}
	conn.Close()
	conn = l.TLS(l.Authority(host), "h2", "http/1.1")
	status := http2Status(t, conn, []string{":method", "CONNECT", ":protocol", "websocket", ":authority", l.Authority(host), "sec-websocket-version", "13"})
	if status != "reset" && !strings.HasPrefix(status, "4") {
		t.Errorf("answered with %s", status)
	}
	o.none(t)
}

// plainUpgrade asks origin, which speaks http, for an upgrade.
func plainUpgrade(t *testing.T, l *lab.Lab, origin *httptest.Server, lines string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn := l.Dial()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET %s/ws HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\nConnection: Upgrade\r\n%s\r\n\r\n",
		origin.URL, origin.Listener.Addr(), basic("run", token(t, l)), lines)
	br := bufio.NewReader(conn)
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v, %v", resp, err)
	}
	return conn, br
}

// The end of a run ends what is open without a tunnel, too.
func TestPlaintextUpgradeEndsWithTheRun(t *testing.T) {
	gone := make(chan struct{})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.Copy(io.Discard, conn)
		close(gone)
	}))
	defer origin.Close()
	l := lab.New(t, lab.Config{})
	_, br := plainUpgrade(t, l, origin, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	l.Run.Revoke()
	if _, err := io.ReadAll(br); err != nil {
		t.Errorf("it goes on: %v", err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the origin's side goes on")
	}
}

// Without TLS too a client that has said all goes on reading.
func TestPlaintextUpgradeHalfClosed(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		all, _ := io.ReadAll(rw)
		fmt.Fprintf(conn, "you said %s", all)
	}))
	defer origin.Close()
	conn, br := plainUpgrade(t, lab.New(t, lab.Config{}), origin, "Upgrade: tcp")
	io.WriteString(conn, "all")
	conn.(*net.TCPConn).CloseWrite()
	if all, err := io.ReadAll(br); string(all) != "you said all" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}
