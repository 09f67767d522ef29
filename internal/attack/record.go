//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/agentsecrets/agentsecrets/internal/trace"
)

// record is what an origin got on one connection, behind TLS.
type record struct {
	mu       sync.Mutex
	raw      []byte
	text     []byte // of HTTP/2: fields and bodies as they are when unpacked
	requests int
	unpack   *unpacker // nil for HTTP/1
}

func (r *record) add(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw = append(r.raw, b...)
	if r.unpack != nil {
		r.text = r.unpack.feed(r.text, b)
		r.requests = r.unpack.requests
	} else if len(b) > 0 {
		r.requests = bytes.Count(r.raw, []byte(" HTTP/1.")) // of request lines; an origin sends none
	}
}

// at is how far a record had come.
type at struct{ raw, text, requests int }

func (r *record) now() at {
	r.mu.Lock()
	defer r.mu.Unlock()
	return at{len(r.raw), len(r.text), r.requests}
}

// since names the forms of values in what came later, and counts its requests. A
// value that lies across the mark is left to the sweep at the end.
func (r *record) since(a at, tr trace.Trace) (forms []string, requests int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	forms = append(tr.Forms(r.raw[a.raw:]), tr.Forms(r.text[a.text:])...)
	return forms, r.requests - a.requests
}

// recorded is a connection that writes down what is read from it.
type recorded struct {
	net.Conn
	to *record
}

func (c *recorded) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.to.add(b[:n])
	return n, err
}

// unpacker reads what an HTTP/2 client sends, whatever the server thinks of it:
// compression of fields (HPACK) would hide a value from a search.
type unpacker struct {
	rest     []byte
	begun    bool
	block    []byte
	decoder  *hpack.Decoder
	out      []byte
	requests int
}

func newUnpacker() *unpacker {
	u := &unpacker{}
	u.decoder = hpack.NewDecoder(64<<10, func(f hpack.HeaderField) {
		u.out = append(append(append(append(u.out, f.Name...), ": "...), f.Value...), '\n')
		if f.Name == ":method" {
			u.requests++
		}
	})
	return u
}

// feed appends what the next bytes say to text.
func (u *unpacker) feed(text, b []byte) []byte {
	u.rest, u.out = append(u.rest, b...), text
	if !u.begun && len(u.rest) >= len(http2.ClientPreface) {
		u.begun, u.rest = true, u.rest[len(http2.ClientPreface):]
	}
	for u.begun && len(u.rest) >= frameHead {
		n := int(u.rest[0])<<16 | int(binary.BigEndian.Uint16(u.rest[1:]))
		if len(u.rest) < frameHead+n {
			break
		}
		u.frame(http2.FrameType(u.rest[3]), http2.Flags(u.rest[4]), u.rest[frameHead:frameHead+n])
		u.rest = u.rest[frameHead+n:]
	}
	return u.out
}

// frameHead is the length of what stands before each frame's payload (RFC 9113, 4.1).
const frameHead = 9

func (u *unpacker) frame(kind http2.FrameType, flags http2.Flags, payload []byte) {
	if (kind == http2.FrameData || kind == http2.FrameHeaders) && flags.Has(http2.FlagDataPadded) && len(payload) > 0 {
		payload = payload[1:max(1, len(payload)-int(payload[0]))]
	}
	switch kind {
	case http2.FrameData:
		u.out = append(u.out, payload...)
		return
	case http2.FrameHeaders:
		if flags.Has(http2.FlagHeadersPriority) {
			payload = payload[min(5, len(payload)):]
		}
	case http2.FrameContinuation:
	default:
		return
	}
	if u.block = append(u.block, payload...); flags.Has(http2.FlagHeadersEndHeaders) {
		_, _ = u.decoder.Write(u.block) // what cannot be decoded is in the raw record
		_ = u.decoder.Close()
		u.block = nil
	}
}
