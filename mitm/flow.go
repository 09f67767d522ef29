package mitm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// direction is what differs between the ways of a connection.
type direction interface {
	// begin is told the head of a message, and whether that passes frame by frame,
	// streams through a rewriter, or, if neither, is held to be seen whole.
	begin(h ws.Header) (passes bool, rw stream.Rewriter)
	// pass writes a frame of a message that passes, or a control frame.
	pass(dst *frames, h ws.Header, src io.Reader) error
	// whole makes of a message that is all there what leaves.
	whole(op ws.OpCode, message []byte) ([]byte, error)
	// long rewrites a message that began with so much that it is not held.
	long(op ws.OpCode, began []byte) stream.Rewriter
	// broken rewrites a text that is none, as UTF-8 has it; nil: it is held all the same.
	broken() stream.Rewriter
	// holds is told how many bytes of a message wait.
	holds(n int)
}

// flow is what one side says to the other.
type flow struct {
	src    io.Reader
	dst    *frames
	masked bool // as frames of src have to be
	way    direction

	begun bool // a message of which the end has not come
	msg   message
	frame *payload // being read
}

// message is one that is under way.
type message struct {
	first  ws.Header
	passes bool
	sent   bool // some of it
	held   []byte
	text   utf8Text
	rw     stream.Rewriter // once it streams
	out    []byte
	wait   int
}

var errFault = errors.New("a frame breaks the protocol")

func (f *flow) run() error {
	for {
		h, err := ws.ReadHeader(f.src)
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF: // also of TLS that ends without saying so
			return nil
		case err != nil:
			return fmt.Errorf("read frame: %w", err)
		case breaks(h, f.begun, f.masked):
			return f.fault(h)
		}
		f.frame = newPayload(f.src, h)
		if h.OpCode.IsControl() {
			err = f.way.pass(f.dst, h, f.frame)
		} else {
			err = f.data(h)
		}
		if err != nil {
			return err
		}
	}
}

func (f *flow) data(h ws.Header) error {
	if h.OpCode != ws.OpContinuation {
		f.msg = message{first: h}
		f.msg.passes, f.msg.rw = f.way.begin(h)
	}
	f.begun = !h.Fin
	if f.msg.passes {
		return f.way.pass(f.dst, h, f.frame)
	}
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for first := true; first || f.frame.remain > 0; first = false {
		n, err := f.read(buf[:])
		if err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		if err := f.take(buf[:n], h.Fin && f.frame.remain == 0); err != nil {
			return err
		}
	}
	return nil
}

// read reads what there is of a frame; what is sent at once is not cut up more
// than need be.
func (f *flow) read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), f.frame.remain)]
	switch {
	case len(b) == 0:
		return 0, nil
	case f.msg.rw != nil:
		return io.ReadFull(f.frame, b)
	}
	n, err := f.frame.Read(b)
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}

// take is given some of a message.
func (f *flow) take(b []byte, last bool) error {
	m := &f.msg
	if m.rw != nil {
		return f.send(b, last)
	}
	at := -1
	if m.first.OpCode == ws.OpText {
		at = m.text.broken(b)
	}
	m.held = append(m.held, b...)
	if at >= 0 {
		if m.rw = f.way.broken(); m.rw != nil {
			return f.sendBroken(len(m.held)-len(b)+at, last)
		}
	}
	if len(m.held) > maxMessage {
		m.rw = f.way.long(m.first.OpCode, m.held)
		return f.sendHeld(last)
	}
	if !last {
		f.way.holds(len(m.held))
		return nil
	}
	out, err := f.way.whole(m.first.OpCode, m.held)
	if err != nil {
		return err
	}
	defer clear(out) // values may be in it
	return f.write(out, true)
}

// send rewrites some of a message that streams.
func (f *flow) send(b []byte, last bool) error {
	m := &f.msg
	out, err := m.rw.Feed(m.out[:0], b)
	if err == nil && last {
		out, err = m.rw.Flush(out)
	}
	if err != nil {
		return err
	}
	m.out = out
	m.wait += len(b) - len(out)
	f.way.holds(m.wait)
	return f.write(out, last)
}

// sendHeld sends what was held, since there is more than is held.
func (f *flow) sendHeld(last bool) error {
	held := f.msg.held
	f.msg.held = nil
	return f.send(held, last)
}

// sendBroken sends a text with what breaks it, at its byte at, at once: whoever
// gets it may end the connection there, before more comes.
func (f *flow) sendBroken(at int, last bool) error {
	m := &f.msg
	rest := m.held[at:]
	m.held = m.held[:at]
	if err := f.sendHeld(false); err != nil {
		return err
	}
	out, err := m.rw.Flush(nil)
	if err != nil {
		return err
	}
	m.rw, m.wait = f.way.broken(), 0
	if err := f.write(out, false); err != nil {
		return err
	}
	return f.send(rest, last)
}

// write writes some of a message as a frame.
func (f *flow) write(b []byte, last bool) error {
	if len(b) == 0 && !last {
		return nil
	}
	h := ws.Header{Fin: last, OpCode: f.msg.first.OpCode}
	if f.msg.sent {
		h.OpCode = ws.OpContinuation
	}
	f.msg.sent = true
	if last {
		f.way.holds(0)
		f.msg.held = nil
	}
	return f.dst.write(h, b)
}

// breaks reports whether a frame breaks the protocol: masked or not where it
// should be otherwise, compressed or otherwise extended, which was not offered, or
// not the part of a message that is due (RFC 6455, 5.1, 5.2 and 5.4).
func breaks(h ws.Header, begun, masked bool) bool {
	switch {
	case h.Masked != masked, h.Rsv != 0:
		return true
	case h.OpCode.IsControl():
		return false
	}
	return begun != (h.OpCode == ws.OpContinuation)
}

// fault gives the other side frames that break the protocol as these do, without
// what is in them, so that it ends the connection in its own words, as it would
// without us. Of what follows, which it would not read, an end is passed on alone.
func (f *flow) fault(h ws.Header) error {
	heads := []ws.Header{h}
	if f.begun && !f.msg.sent && !f.msg.passes {
		heads = []ws.Header{f.msg.first, h}
	}
	if err := f.dst.fault(heads...); err != nil {
		return err
	}
	for {
		if _, err := io.CopyN(io.Discard, f.src, h.Length); err != nil {
			return errFault
		}
		var err error
		if h, err = ws.ReadHeader(f.src); err != nil {
			return errFault
		}
		if h.OpCode == ws.OpClose && !breaks(h, false, f.masked) && h.Length <= ws.MaxControlFramePayloadSize {
			if err := f.way.pass(f.dst, h, newPayload(f.src, h)); err != nil {
				return err
			}
			h.Length = 0
		}
	}
}

// drain reads what a client says that has been told the end, up to its own: to
// close while it speaks would make it lose what it was told.
func (f *flow) drain(client net.Conn) {
	if client.SetReadDeadline(time.Now().Add(endWait)) != nil {
		return
	}
	_, err := io.Copy(io.Discard, f.frame)
	for err == nil {
		var h ws.Header
		if h, err = ws.ReadHeader(f.src); err == nil {
			_, err = io.CopyN(io.Discard, f.src, h.Length)
		}
		if h.OpCode == ws.OpClose {
			return
		}
	}
}
