package mitm

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gobwas/ws"
)

// frames writes frames of WebSocket to one side.
type frames struct {
	dst    io.Writer
	masked bool          // as frames to origins are (RFC 6455, 5.3)
	turn   chan struct{} // holds one while a frame is written, which guards what follows
	buf    []byte
	over   bool // the last one was written: the rest is dropped
}

func newFrames(dst io.Writer, masked bool) *frames {
	return &frames{dst: dst, masked: masked, turn: make(chan struct{}, 1)}
}

// write writes one frame. h says what it is; its mask is a new one.
func (f *frames) write(h ws.Header, payload []byte) error {
	h.Length = int64(len(payload))
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	return f.writeLocked(h, payload)
}

func (f *frames) writeLocked(h ws.Header, payload []byte) error {
	if f.over {
		return nil
	}
	if err := f.begin(&h); err != nil {
		return err
	}
	at := len(f.buf)
	f.buf = append(f.buf, payload...)
	if h.Masked {
		ws.Cipher(f.buf[at:], h.Mask, 0)
	}
	_, err := f.dst.Write(f.buf)
	return err
}

// begin puts the head of a frame into buf.
func (f *frames) begin(h *ws.Header) error {
	if h.Masked = f.masked; h.Masked {
		rand.Read(h.Mask[:])
	}
	return f.head(*h)
}

func (f *frames) head(h ws.Header) error {
	if cap(f.buf) > ioBuffer { // it was for a large message
		f.buf = nil
	}
	b := bytes.NewBuffer(f.buf[:0])
	if err := ws.WriteHeader(b, h); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	f.buf = b.Bytes()
	return nil
}

// stream writes one frame whose payload comes from src, all of it.
func (f *frames) stream(h ws.Header, src io.Reader) error {
	if h.Length <= ioBuffer { // most frames: one write
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(src, payload); err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		return f.write(h, payload)
	}
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if err := f.begin(&h); err != nil {
		return err
	}
	if !f.over {
		if _, err := f.dst.Write(f.buf); err != nil {
			return err
		}
	}
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for at := int64(0); at < h.Length; {
		n, err := src.Read(buf[:min(int64(len(buf)), h.Length-at)])
		if h.Masked {
			ws.Cipher(buf[:n], h.Mask, int(at%4))
		}
		at += int64(n)
		if n > 0 && !f.over {
			if _, err := f.dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil && at < h.Length {
			return fmt.Errorf("read frame: %w", err)
		}
	}
	return nil
}

// fault gives the other side heads of frames that break the protocol as they
// came, without what was in them.
func (f *frames) fault(heads ...ws.Header) error {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	for _, h := range heads {
		h.Length = 0
		if err := f.head(h); err != nil {
			return err
		}
		if _, err := f.dst.Write(f.buf); err != nil {
			return err
		}
	}
	return nil
}

// endWait is how long an end waits for a frame that is under way, and then for
// the other side's.
const endWait = 2 * time.Second

var errUnderWay = errors.New("a frame is under way")

// end closes with code, between two frames and not within one; nothing follows.
func (f *frames) end(code ws.StatusCode, reason string) error {
	timer := time.NewTimer(endWait)
	defer timer.Stop()
	select {
	case f.turn <- struct{}{}:
	case <-timer.C:
		return errUnderWay
	}
	defer func() { <-f.turn }()
	body := ws.NewCloseFrameBody(code, reason)
	err := f.writeLocked(ws.Header{Fin: true, OpCode: ws.OpClose, Length: int64(len(body))}, body)
	f.over = true
	return err
}

// isOver reports whether the last frame was written.
func (f *frames) isOver() bool {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	return f.over
}

// payload reads what is in one frame, without its mask.
type payload struct {
	src    io.Reader
	head   ws.Header
	at     int // in the mask
	remain int64
}

func newPayload(src io.Reader, h ws.Header) *payload {
	return &payload{src: src, head: h, remain: h.Length}
}

func (p *payload) Read(b []byte) (int, error) {
	if p.remain <= 0 {
		return 0, io.EOF
	}
	n, err := p.src.Read(b[:min(int64(len(b)), p.remain)])
	if p.head.Masked {
		ws.Cipher(b[:n], p.head.Mask, p.at)
		p.at = (p.at + n) % 4
	}
	if p.remain -= int64(n); err == io.EOF && p.remain > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
