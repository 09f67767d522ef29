package mitm_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// An origin's frames that break the protocol make the client end the connection
// in its own words: it gets frames that break it the same way, nothing of what
// was in them, and nothing after them.
func TestBrokenFrames(t *testing.T) {
	frame := func(op ws.OpCode, fin bool, change func(*ws.Header)) ws.Frame {
		f := ws.NewFrame(op, fin, []byte("something"))
		if change != nil {
			change(&f.Header)
		}
		return f
	}
	compressed := func(h *ws.Header) { h.Rsv = ws.Rsv(true, false, false) }
	masked := func(h *ws.Header) { h.Masked, h.Mask = true, [4]byte{1, 2, 3, 4} }
	for name, c := range map[string]struct {
		frames []ws.Frame
		want   []string // of heads: opcode, FIN, RSV, masked, length
	}{
		"compressed":          {[]ws.Frame{frame(ws.OpText, true, compressed)}, []string{"1 true 4 false 0"}},
		"masked":              {[]ws.Frame{frame(ws.OpText, true, masked)}, []string{"1 true 0 true 0"}},
		"a part of nothing":   {[]ws.Frame{frame(ws.OpContinuation, true, nil)}, []string{"0 true 0 false 0"}},
		"a part after an end": {[]ws.Frame{frame(ws.OpText, false, nil), frame(ws.OpContinuation, true, nil), frame(ws.OpContinuation, false, nil)}, []string{"1 true 0 false 18", "0 false 0 false 0"}},
		"another in between":  {[]ws.Frame{frame(ws.OpText, false, nil), frame(ws.OpBinary, true, nil)}, []string{"1 false 0 false 0", "2 true 0 false 0"}},
		"a compressed part":   {[]ws.Frame{frame(ws.OpText, false, nil), frame(ws.OpContinuation, true, compressed)}, []string{"1 false 0 false 0", "0 true 4 false 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := lab.New(t, lab.Config{Allow: []string{host}, ClientH1: true, OriginH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, _, err := ws.UpgradeHTTP(r, w)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				for _, f := range append(c.frames, frame(ws.OpText, true, nil)) {
					ws.WriteFrame(conn, f)
				}
				if end, err := ws.ReadHeader(conn); err != nil || end.OpCode != ws.OpClose {
					t.Errorf("the client's close did not arrive: %v, %v", end, err)
				}
			})})
			conn := l.TLS(l.Authority(host), "http/1.1")
			fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", l.Authority(host))
			br := bufio.NewReader(conn)
			resp, err := http.ReadResponse(br, nil)
			if err != nil || resp.StatusCode != 101 {
				t.Fatalf("%v %v", resp, err)
			}
			for _, want := range c.want {
				h, err := ws.ReadHeader(br)
				if got := fmt.Sprintf("%d %v %d %v %d", h.OpCode, h.Fin, h.Rsv, h.Masked, h.Length); err != nil || got != want {
					t.Fatalf("got %s, not %s: %v", got, want, err)
				}
				if _, err := io.CopyN(io.Discard, br, h.Length); err != nil {
					t.Fatal(err)
				}
			}
			ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusProtocolError, ""))))
			if more, err := io.ReadAll(br); len(more) > 0 || bytes.Contains(more, []byte("something")) {
				t.Errorf("%q came after it, %v", more, err)
			}
		})
	}
}

// A part that says it is as long as any number can be makes no sum that wraps
// around: the connection ends, and nothing else does.
func TestEndlessPart(t *testing.T) {
	l := lab.New(t, lab.Config{Allow: []string{host}, ClientH1: true, OriginH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ws" {
			return
		}
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, []byte("x")))
		ws.WriteHeader(conn, ws.Header{OpCode: ws.OpContinuation, Fin: true, Length: math.MaxInt64})
		io.Copy(io.Discard, conn)
	})})
	conn := l.TLS(l.Authority(host), "http/1.1")
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", l.Authority(host))
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("no upgrade: %v, %v", resp, err)
	}
	if got, _ := io.ReadAll(br); len(got) > 0 {
		t.Errorf("the client got %q", got)
	}
	if resp, body := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
		t.Errorf("then: %d %s", resp.StatusCode, body)
	}
}
