//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// field is one of a header block, as it is written: no name is made lower-case,
// nothing is put into order.
type field struct{ name, value string }

// stream is one request in frames.
type stream struct {
	fields   []field
	data     string
	trailers []field
	torn     int // the header block is cut here, the rest follows in CONTINUATION
}

// frames is an attempt over HTTP/2. The last stream's answer counts.
type frames struct {
	connect, sni string
	streams      []stream
	inTurn       bool // each stream waits for the answer of the one before
}

// talk is one HTTP/2 connection of ours.
type talk struct {
	framer *http2.Framer
	block  bytes.Buffer
	packed *hpack.Encoder
	open   map[uint32]bool
	status map[uint32]string
	body   map[uint32][]byte
	text   *bytes.Buffer // fields, unpacked
}

func (p proxy) sendFrames(ctx context.Context, f frames) (answer, error) {
	var text bytes.Buffer
	conn, done, err := p.reach(ctx, wire{connect: f.connect, sni: f.sni}, "h2", &text)
	if done != nil || err != nil {
		return *done, err
	}
	defer conn.Close()
	t := &talk{framer: http2.NewFramer(conn, conn), open: map[uint32]bool{}, status: map[uint32]string{}, body: map[uint32][]byte{}, text: &text}
	t.framer.ReadMetaHeaders = hpack.NewDecoder(64<<10, nil)
	t.framer.AllowIllegalWrites = true
	t.packed = hpack.NewEncoder(&t.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return answer{outcome: "reset"}, nil
	}
	_ = t.framer.WriteSettings()
	last, end := uint32(0), ""
	for i, s := range f.streams {
		last = uint32(2*i + 1)
		t.write(last, s)
		if f.inTurn && end == "" {
			end = t.listen()
		}
	}
	if end == "" {
		end = t.listen()
	}
	a := answer{outcome: t.status[last], said: slug(t.body[last]), text: text.Bytes()}
	if a.outcome == "" {
		a.outcome, a.said = "reset", end
	}
	if end == "silence" {
		a.outcome = end
	}
	return a, nil
}

// write sends a request. Errors show in what is read.
func (t *talk) write(id uint32, s stream) {
	t.open[id] = true
	head := t.pack(s.fields)
	ends := s.data == "" && s.trailers == nil
	if s.torn == 0 || s.torn >= len(head) {
		_ = t.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head, EndHeaders: true, EndStream: ends})
	} else {
		_ = t.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head[:s.torn], EndStream: ends})
		_ = t.framer.WriteContinuation(id, true, head[s.torn:])
	}
	if s.data != "" {
		_ = t.framer.WriteData(id, s.trailers == nil, []byte(s.data))
	}
	if s.trailers != nil {
		_ = t.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: t.pack(s.trailers), EndHeaders: true, EndStream: true})
	}
}

func (t *talk) pack(fields []field) []byte {
	t.block.Reset()
	for _, f := range fields {
		_ = t.packed.WriteField(hpack.HeaderField{Name: f.name, Value: f.value})
	}
	return bytes.Clone(t.block.Bytes())
}

// listen reads until no stream is open, and says why it ended early.
func (t *talk) listen() string {
	for len(t.open) > 0 {
		f, err := t.framer.ReadFrame()
		var broken http2.StreamError
		switch {
		case errors.As(err, &broken):
			delete(t.open, broken.StreamID)
			continue
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "silence"
		case err != nil:
			return "connection ended"
		}
		if why := t.take(f); why != "" {
			return why
		}
	}
	return ""
}

func (t *talk) take(f http2.Frame) string {
	id := f.Header().StreamID
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			_ = t.framer.WriteSettingsAck()
		}
	case *http2.GoAwayFrame:
		if f.ErrCode != http2.ErrCodeNo {
			return "GOAWAY " + f.ErrCode.String()
		}
	case *http2.RSTStreamFrame:
		delete(t.open, id)
		if t.status[id] == "" {
			t.body[id] = nil
		}
	case *http2.DataFrame:
		t.body[id] = append(t.body[id], f.Data()...)
		t.text.Write(f.Data())
	case *http2.MetaHeadersFrame:
		for _, h := range f.Fields {
			t.text.WriteString(h.Name + ": " + h.Value + "\n")
			if h.Name == ":status" && !strings.HasPrefix(h.Value, "1") {
				t.status[id] = h.Value
			}
		}
	}
	if ends, ok := f.(interface{ StreamEnded() bool }); ok && ends.StreamEnded() {
		delete(t.open, id)
	}
	return ""
}
