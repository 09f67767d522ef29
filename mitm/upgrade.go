package mitm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/redact"
)

// Upgrades. After 101 both sides speak another protocol on the connection.
// What comes back over WebSocket is redacted message by message; any other
// protocol cannot be searched, so toward hosts or in runs where an echo is
// possible it is refused.

// maxMessage is what one fragmented WebSocket message may hold: it has to be
// seen whole, or an echo could hide across its fragments.
const maxMessage = 1 << 20

func (x *exchange) upgrade(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	origin, ok := resp.Body.(io.ReadWriteCloser)
	asked := upgradeOf(r.Header)
	if !ok || asked == "" || !strings.EqualFold(asked, resp.Header.Get("Upgrade")) {
		x.refuse(w, &Problem{Status: 502, Slug: "origin_protocol", Message: "the origin switched to a protocol that was not asked for"})
		return
	}
	webSocket := strings.EqualFold(asked, "websocket")
	if !webSocket && (x.reaches || !x.run.released.Empty()) {
		origin.Close()
		x.refuse(w, &Problem{Status: 502, Slug: "undecodable_response", Message: "the upgraded protocol cannot be searched for values"})
		return
	}
	x.answered = true
	client, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		origin.Close()
		return
	}
	defer client.Close()
	defer origin.Close()
	if err := x.writeSwitch(client, resp); err != nil {
		return
	}
	var down func() error
	if webSocket {
		down = func() error { return x.copyMessages(client, origin) }
	} else {
		down = func() error { _, err := io.Copy(client, origin); return err }
	}
	up := func() error { _, err := io.Copy(origin, rw.Reader); return err }
	relay(client, origin, x.proxy.cfg.safely("upgrade", up), x.proxy.cfg.safely("upgrade", down))
}

// writeSwitch answers 101 by hand: the connection is ours from here on.
func (x *exchange) writeSwitch(client net.Conn, resp *http.Response) error {
	h := resp.Header.Clone()
	upgrade := h.Get("Upgrade")
	removeHopByHop(h)
	x.echoes.Add(x.run.released.Header(h))
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", upgrade)
	h.Set(exchangeField, x.id)
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	h.Write(&b)
	b.WriteString("\r\n")
	if _, err := client.Write(b.Bytes()); err != nil {
		return fmt.Errorf("answer upgrade: %w", err)
	}
	return nil
}

// relay copies both ways until one side ends, then ends the other.
func relay(client, origin io.Closer, up, down func() error) {
	var wg sync.WaitGroup
	for _, f := range []func() error{up, down} {
		wg.Go(func() {
			f()
			client.Close()
			origin.Close()
		})
	}
	wg.Wait()
}

var errMessage = errors.New("WebSocket message cannot be searched")

// copyMessages passes frames from the origin to the client. Data messages are
// searched whole: a fragmented one is put together and leaves as one frame
// (RFC 6455, 5.4 lets an intermediary do so). Control frames pass in between.
func (x *exchange) copyMessages(client io.Writer, origin io.Reader) error {
	var message []byte
	var first ws.Header
	begun := false // a message whose end has not come
	defer x.heldBack(0)
	for {
		h, err := ws.ReadHeader(origin)
		if err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		if breaks(h, begun) {
			if begun {
				return passFault(client, origin, first, h)
			}
			return passFault(client, origin, h)
		}
		if h.OpCode.IsControl() || h.Fin && h.OpCode != ws.OpContinuation {
			if err := x.copyFrame(client, origin, h); err != nil {
				return err
			}
			continue
		}
		if h.OpCode != ws.OpContinuation {
			first, message, begun = h, message[:0], true
		}
		if h.Length > maxMessage-int64(len(message)) { // the sum could wrap around
			return errMessage
		}
		at := len(message)
		message = append(message, make([]byte, h.Length)...)
		if _, err := io.ReadFull(origin, message[at:]); err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		if !h.Fin {
			x.heldBack(len(message))
			continue
		}
		first.Fin, first.Length, begun = true, int64(len(message)), false
		if err := x.copyFrame(client, bytes.NewReader(message), first); err != nil {
			return err
		}
		x.heldBack(0)
	}
}

// breaks reports whether a frame of the origin breaks the protocol: masked,
// compressed or otherwise extended, which was not offered, or not the part of a
// message that is due (RFC 6455, 5.1, 5.2 and 5.4).
func breaks(h ws.Header, begun bool) bool {
	switch {
	case h.Masked, h.Rsv != 0:
		return true
	case h.OpCode.IsControl():
		return false
	}
	return begun != (h.OpCode == ws.OpContinuation)
}

// passFault gives the client frames that break the protocol as the origin's do,
// without what is in them, so that it ends the connection in its own words, as it
// would without us. Nothing that follows is passed on.
func passFault(client io.Writer, origin io.Reader, frames ...ws.Header) error {
	var b bytes.Buffer
	for _, h := range frames {
		h.Length = 0
		if err := ws.WriteHeader(&b, h); err != nil {
			return fmt.Errorf("write frame: %w", err)
		}
	}
	if _, err := client.Write(b.Bytes()); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, origin)
	return errMessage
}

// copyFrame passes one frame on with its payload redacted; redaction keeps the
// length, so the header stays true.
func (x *exchange) copyFrame(client io.Writer, src io.Reader, h ws.Header) error {
	var head bytes.Buffer
	if err := ws.WriteHeader(&head, h); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	payload := redact.NewBodyReader(io.LimitReader(src, h.Length), x.run.released, h.Length)
	if h.Length <= ioBuffer { // most frames: one write
		if _, err := io.CopyN(&head, payload, h.Length); err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		x.echoes.Add(payload.Counts())
		_, err := client.Write(head.Bytes())
		return err
	}
	if _, err := client.Write(head.Bytes()); err != nil {
		return err
	}
	_, err := io.CopyN(client, payload, h.Length)
	x.echoes.Add(payload.Counts())
	return err
}
