package mitm_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/redact"
)

// An origin's frames that break the protocol make the client end the connection
// in its own words: it gets frames that break it the same way, nothing of what
// was in them, and nothing after them but the origin's own end.
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
		"a part after an end": {[]ws.Frame{frame(ws.OpText, false, nil), frame(ws.OpContinuation, true, nil), frame(ws.OpContinuation, false, nil)}, []string{"1 false 0 false 9", "0 true 0 false 9", "0 false 0 false 0"}},
		"another in between":  {[]ws.Frame{frame(ws.OpText, false, nil), frame(ws.OpBinary, true, nil)}, []string{"1 false 0 false 9", "2 true 0 false 0"}},
		"a compressed part":   {[]ws.Frame{frame(ws.OpText, false, nil), frame(ws.OpContinuation, true, compressed)}, []string{"1 false 0 false 9", "0 true 4 false 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := webSocketLab(t, lab.Config{}, func(conn net.Conn, _ *http.Request) {
				for _, f := range append(c.frames, frame(ws.OpText, true, nil)) {
					ws.WriteFrame(conn, f)
				}
				if end, err := ws.ReadHeader(conn); err != nil || end.OpCode != ws.OpClose {
					t.Errorf("the client's close did not arrive: %v, %v", end, err)
				}
				ws.WriteFrame(conn, ws.NewCloseFrame([]byte("end")))
			})
			conn := upgraded(t, l, host)
			for _, want := range c.want {
				h, err := ws.ReadHeader(conn)
				if got := fmt.Sprintf("%d %v %d %v %d", h.OpCode, h.Fin, h.Rsv, h.Masked, h.Length); err != nil || got != want {
					t.Fatalf("got %s, not %s: %v", got, want, err)
				}
				if _, err := io.CopyN(io.Discard, conn, h.Length); err != nil {
					t.Fatal(err)
				}
			}
			ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusProtocolError, ""))))
			if more, err := io.ReadAll(conn); string(more) != "\x88\x03end" {
				t.Errorf("%q came after it, %v", more, err)
			}
		})
	}
}

// A part that says it is as long as any number can be passes as it comes, and
// takes no memory and no sum for more than has come.
func TestEndlessPart(t *testing.T) {
	l := webSocketLab(t, lab.Config{}, func(conn net.Conn, _ *http.Request) {
		ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, []byte("x")))
		ws.WriteHeader(conn, ws.Header{OpCode: ws.OpContinuation, Fin: true, Length: math.MaxInt64})
		conn.Write(make([]byte, 64<<10))
	})
	conn := upgraded(t, l, host)
	got, _ := io.ReadAll(conn)
	if len(got) < 32<<10 || len(got) > 70<<10 || string(got[:3]) != "\x01\x01x" {
		t.Errorf("the client got %d bytes, %.10q", len(got), got)
	}
	if err := ws.WriteHeader(conn, ws.Header{OpCode: ws.OpClose, Fin: true}); err == nil {
		conn.Close()
	}
}

// A message in fragments that is too long to be held streams. An echo is found
// across its fragments, and all of the rest arrives.
func TestE11WebSocketLongFragments(t *testing.T) {
	const size, parts = 64 << 10, 40
	l := webSocketLab(t, lab.Config{}, func(conn net.Conn, r *http.Request) {
		op := ws.OpText
		for i := range parts {
			b := bytes.Repeat([]byte("0123456 "), size/8)
			copy(b[len(b)-9:], value[:9])
			if i > 0 {
				copy(b, value[9:])
			}
			ws.WriteFrame(conn, ws.NewFrame(op, i == parts-1, b))
			op = ws.OpContinuation
		}
		closes(conn)
	})
	conn := upgraded(t, l, host, "X-Key: AS_SECRET_KEY")
	all := conn.next(t)
	if noEcho(t, "the message", all); len(all) != size*parts || !strings.HasSuffix(all, value[:9]) {
		t.Errorf("%d bytes of %d", len(all), size*parts)
	}
	if n := strings.Count(all, redact.Marker); n != parts-1 {
		t.Errorf("%d echoes were covered, want %d", n, parts-1)
	}
	conn.Close()
	if e := waitEvent(t, l); e.Redactions != parts-1 {
		t.Errorf("recorded as %+v", e)
	}
}

// What breaks a text reaches the client before the rest does, so that it may end
// the connection there, and parts no echo: not where a value has such bytes.
func TestWebSocketBrokenText(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		early bool
	}{"ASCII": {value, true}, "beyond it": {"sk-live-\xff-0123456789", false}} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan struct{})
			l := webSocketLab(t, lab.Config{Secrets: map[string]string{"KEY": c.value}}, func(conn net.Conn, r *http.Request) {
				v := r.Header.Get("X-Key")
				ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, []byte("κ"+v+"\xff"+v[:12])))
				if c.early {
					select {
					case <-seen:
					case <-t.Context().Done(): // the client saw nothing
					}
				}
				ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, []byte(v[12:]+" end")))
				closes(conn)
			})
			conn := upgraded(t, l, host, "X-Key: AS_SECRET_KEY")
			f, err := readFrame(conn)
			all := string(f.Payload)
			if err != nil || c.early != bytes.HasSuffix(f.Payload, []byte("\xff")) {
				t.Fatalf("%q, %v", all, err)
			}
			close(seen)
			for !f.Header.Fin {
				if f, err = readFrame(conn); err != nil {
					t.Fatal(err)
				}
				all += string(f.Payload)
			}
			if strings.Contains(all, c.value) || !strings.HasSuffix(all, " end") || len(all) != 2+2*len(c.value)+1+4 {
				t.Errorf("%q", all)
			}
			conn.Close()
		})
	}
}

// Nor is there a way around in one frame that is too long to be held, nor in a
// control frame.
func TestE11WebSocketLongFrame(t *testing.T) {
	l := webSocketLab(t, lab.Config{}, func(conn net.Conn, r *http.Request) {
		ws.WriteFrame(conn, ws.NewPingFrame([]byte(value)))
		ws.WriteFrame(conn, ws.NewFrame(ws.OpBinary, true, []byte(strings.Repeat("long ", 300_000)+value+" end")))
		closes(conn)
	})
	conn := upgraded(t, l, host, "X-Key: AS_SECRET_KEY")
	for _, size := range []int{len(value), 1_500_000 + len(value) + 4} {
		f, err := readFrame(conn)
		if err != nil || len(f.Payload) != size || !f.Header.Fin {
			t.Fatalf("%d bytes, %v", len(f.Payload), err)
		}
		noEcho(t, "the frame", string(f.Payload))
	}
	conn.Close()
}
