package mitm

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// same changes nothing. How a message goes its way follows from how it begins.
type same struct{}

func (same) begin(h ws.Header) (passes bool, rw stream.Rewriter) {
	switch h.Length % 3 {
	case 0:
		return true, nil
	case 1:
		return false, asIs{}
	}
	return false, nil
}

func (same) pass(dst *frames, h ws.Header, src io.Reader) error { return dst.stream(h, src) }
func (same) whole(_ ws.OpCode, message []byte) ([]byte, error)  { return bytes.Clone(message), nil }
func (same) long(ws.OpCode, []byte) stream.Rewriter             { return asIs{} }
func (same) broken() stream.Rewriter                            { return asIs{} }
func (same) holds(int)                                          {}

// said is what frames say: control frames, and messages, with the start of one
// that has no end; and how they end.
type said struct {
	control, messages []string
	fault, cut        bool
}

func read(b []byte, masked bool) (s said) {
	src := bytes.NewReader(b)
	text, begun := "", false
	for {
		h, err := ws.ReadHeader(src)
		if err != nil {
			s.cut = err != io.EOF && err != io.ErrUnexpectedEOF
			return s
		}
		if s.fault = breaks(h, begun, masked); s.fault {
			return s
		}
		if s.cut = h.Length > int64(src.Len()); s.cut {
			return s
		}
		payload := make([]byte, h.Length)
		io.ReadFull(src, payload)
		if h.Masked {
			ws.Cipher(payload, h.Mask, 0)
		}
		if h.OpCode.IsControl() {
			s.control = append(s.control, fmt.Sprintf("%d %v %q", h.OpCode, h.Fin, payload))
			continue
		}
		if h.OpCode != ws.OpContinuation {
			text = fmt.Sprintf("%d ", h.OpCode)
		}
		text += string(payload)
		if begun = !h.Fin; h.Fin {
			s.messages = append(s.messages, text)
		}
	}
}

// Whatever frames come, in whatever pieces, messages and control frames leave as
// they are, each in their order, up to the first frame that breaks the protocol.
func FuzzFlow(f *testing.F) {
	var b bytes.Buffer
	for _, frame := range []ws.Frame{
		ws.NewTextFrame([]byte("hello")), ws.NewFrame(ws.OpText, false, []byte("κ\xffab")), ws.NewPingFrame([]byte("p")),
		ws.NewFrame(ws.OpContinuation, false, nil), ws.NewFrame(ws.OpContinuation, true, []byte("end")), ws.NewBinaryFrame(make([]byte, 300)),
		ws.NewFrame(ws.OpBinary, false, []byte("1234")), ws.NewFrame(ws.OpContinuation, true, []byte("56")), ws.NewCloseFrame(nil), ws.NewFrame(ws.OpContinuation, true, nil),
	} {
		ws.WriteFrame(&b, frame)
	}
	f.Add(b.Bytes(), false)
	f.Add(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("masked")))), true)
	f.Add([]byte("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx"), false)
	f.Fuzz(func(t *testing.T, in []byte, masked bool) {
		want := read(in, masked)
		for name, src := range map[string]io.Reader{"at once": bytes.NewReader(in), "byte by byte": iotest.OneByteReader(bytes.NewReader(in))} {
			var out bytes.Buffer
			err := (&flow{src: src, dst: newFrames(&out, masked), masked: masked, way: same{}}).run()
			got := read(out.Bytes(), masked)
			if !slices.Equal(got.control, want.control) || !slices.Equal(got.messages, want.messages) {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
			if (err == errFault) != want.fault || got.fault != want.fault || (err != nil) != (want.fault || want.cut) {
				t.Errorf("%s: %v and %+v, want %+v", name, err, got, want)
			}
		}
	})
}
