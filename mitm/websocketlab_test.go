package mitm_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// webSocketLab is a lab with one origin, which plays serve on each connection.
func webSocketLab(t *testing.T, cfg lab.Config, serve func(conn net.Conn, r *http.Request)) *lab.Lab {
	t.Helper()
	if cfg.Allow == nil {
		cfg.Allow = []string{host}
	}
	if cfg.Secrets == nil {
		cfg.Secrets = secrets
	}
	cfg.OriginH1, cfg.ClientH1 = true, true
	var open sync.WaitGroup // hijacked connections are not the server's any more
	cfg.Origin = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/ws") {
			return
		}
		open.Add(1)
		defer open.Done()
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		serve(conn, r)
	})
	l := lab.New(t, cfg)
	t.Cleanup(open.Wait)
	return l
}

// socket is the client's end of an upgraded connection.
type socket struct {
	net.Conn
	br *bufio.Reader
}

func (s *socket) Read(b []byte) (int, error) { return s.br.Read(b) }

// upgraded asks host for WebSocket, with more lines in the head and bytes behind.
func upgraded(t *testing.T, l *lab.Lab, host string, lines ...string) *socket {
	t.Helper()
	s, resp := ask(t, l, host, strings.Join(append([]string{"Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, lines...), "\r\n"))
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("no upgrade: %v", resp)
	}
	return s
}

// ask asks for an upgrade.
func ask(t *testing.T, l *lab.Lab, host, lines string) (*socket, *http.Response) {
	t.Helper()
	conn := l.TLS(l.Authority(host), "http/1.1")
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n%s\r\n\r\n", l.Authority(host), lines)
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &socket{conn, br}, resp
}

// closes is the end that an origin begins.
func closes(conn net.Conn) {
	ws.WriteFrame(conn, ws.NewCloseFrame(nil))
	io.Copy(io.Discard, conn)
}

// taken is a frame as an origin got it, less its mask.
type taken struct {
	ws.Header
	text string
}

// taker is an origin that keeps what it gets, and says it again if echo is set.
type taker struct {
	got  chan taken
	echo bool
}

func newTaker(echo bool) *taker { return &taker{make(chan taken, 100), echo} }

func (o *taker) serve(conn net.Conn, _ *http.Request) {
	for {
		f, err := readFrame(conn)
		if err != nil {
			return
		}
		head := f.Header
		f = ws.UnmaskFrame(f)
		o.got <- taken{head, string(f.Payload)}
		if f.Header.OpCode == ws.OpClose {
			ws.WriteFrame(conn, ws.NewCloseFrame(f.Payload))
			return
		}
		if o.echo && !f.Header.OpCode.IsControl() {
			ws.WriteFrame(conn, ws.NewFrame(f.Header.OpCode, f.Header.Fin, f.Payload))
		}
	}
}

func (o *taker) take(t *testing.T) taken {
	t.Helper()
	select {
	case f := <-o.got:
		return f
	case <-time.After(10 * time.Second):
		t.Fatal("the origin got nothing")
		return taken{}
	}
}

// say writes frames as a client does.
func (s *socket) say(frames ...ws.Frame) {
	var b bytes.Buffer
	for _, f := range frames {
		ws.WriteFrame(&b, ws.MaskFrameInPlaceWith(f, [4]byte{1, 2, 3, 4}))
	}
	s.Write(b.Bytes())
}

func text(s string) ws.Frame    { return ws.NewTextFrame([]byte(s)) }
func bytesOf(s string) ws.Frame { return ws.NewBinaryFrame([]byte(s)) }

// next is the next message that the client gets.
func (s *socket) next(t *testing.T) string {
	t.Helper()
	for all := ""; ; {
		f, err := readFrame(s)
		if err != nil {
			t.Fatal(err)
		}
		if f.Header.OpCode == ws.OpPing {
			continue // they may stand between fragments
		}
		if all += string(f.Payload); f.Header.Fin {
			return all
		}
	}
}

// decisions keeps what is recorded as decided.
func decisions(cfg *lab.Config) func() []audit.Event {
	var mu sync.Mutex
	var all []audit.Event
	change := cfg.Change
	cfg.Change = func(c *mitm.Config) {
		if change != nil {
			change(c)
		}
		write := c.Record
		c.Record = func(e audit.Event) error {
			err := write(e)
			if err == nil && e.Event == audit.Decided {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, e)
			}
			return err
		}
	}
	return func() []audit.Event {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// refusedMessage says f in a connection of l, and holds that nothing of it arrives
// but an end, and that the client is told code and slug.
func refusedMessage(t *testing.T, l *lab.Lab, o *taker, host string, code ws.StatusCode, slug string, frames ...ws.Frame) {
	t.Helper()
	conn := upgraded(t, l, host)
	conn.say(frames...)
	conn.say(text("and what follows"))
	head, err := ws.ReadHeader(conn)
	if err != nil || head.OpCode != ws.OpClose {
		t.Fatalf("the client got %+v, %v", head, err)
	}
	reason := make([]byte, head.Length)
	io.ReadFull(conn, reason)
	gotCode, got := ws.ParseCloseFrameData(reason)
	if gotCode != code || got != slug && !strings.HasPrefix(got, slug+": agentsecrets ") || len(reason) > 125 {
		t.Errorf("closed with %d %q, want %d %s", gotCode, got, code, slug)
	}
	conn.say(ws.NewCloseFrame(reason))
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
	if f := o.take(t); f.OpCode != ws.OpClose || f.text != string(ws.NewCloseFrameBody(ws.StatusGoingAway, "")) {
		t.Errorf("the origin got %+v", f)
	}
	select {
	case f := <-o.got:
		t.Errorf("then the origin got %+v", f)
	default:
	}
	e := waitEvent(t, l)
	if e.Reason != slug {
		t.Errorf("recorded as %+v", e)
	}
}

func readFrame(r io.Reader) (ws.Frame, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return ws.Frame{}, err
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}
