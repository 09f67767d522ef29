package mitm_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Messages of TestProtocolPairs: every byte of them is written and read here.

// heard is a message as it was read.
type heard struct {
	lines    []string // first lines, of what came before too
	fields   []string
	length   string
	hop      string // Connection
	chunked  bool
	body     string
	trailers []string
	end      string
	path     string // of HTTP/2
}

func (h *heard) String() string {
	return seenAsText(h.lines, h.fields, h.body, h.trailers, h.end)
}

// field notes one, whose name may be in any case.
func (h *heard) field(name, value string) {
	switch name = strings.ToLower(name); name {
	case "host", "agentsecrets-exchange", ":authority", ":scheme", ":path":
		return
	case "transfer-encoding":
		h.chunked = true
		return
	case "connection":
		h.hop = value
		return
	case "content-length":
		h.length = value
	case "trailer":
		value = strings.ToLower(value)
	}
	h.fields = append(h.fields, name+": "+value)
}

// readFields reads them up to the empty line.
func readFields(br *bufio.Reader) (h heard, err error) {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return h, err
		}
		if line == "\r\n" {
			return h, nil
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
		h.field(name, value)
	}
}

// readBody reads what the fields announce.
func (h *heard) readBody(br *bufio.Reader, orClose bool) error {
	var err error
	switch {
	case h.chunked:
		h.end = "chunks"
		err = h.readChunks(br)
	case h.length != "":
		h.end = "length"
		n, _ := strconv.Atoi(h.length)
		b := make([]byte, n)
		_, err = io.ReadFull(br, b)
		h.body = string(b)
	case orClose:
		h.end = "close"
		var b []byte
		b, err = io.ReadAll(br)
		h.body = string(b)
	default:
		h.end = "nothing"
	}
	return err
}

func (h *heard) readChunks(br *bufio.Reader) error {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return err
		}
		if n == 0 {
			t, err := readFields(br)
			h.trailers = t.fields
			return err
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(br, b); err != nil {
			return err
		}
		h.body += string(b[:n])
	}
}

// written is a message as text of HTTP/1.
func written(first string, fields []string, body string, sized bool, trailers []string, chunked bool) (head, rest string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\r\n", first)
	for _, f := range fields {
		fmt.Fprintf(&b, "%s\r\n", f)
	}
	switch {
	case sized:
		fmt.Fprintf(&b, "content-length: %d\r\n", len(body))
		rest = body
	case chunked:
		b.WriteString("transfer-encoding: chunked\r\n")
		rest = fmt.Sprintf("%x\r\n%s\r\n0\r\n", len(body), body)
		for _, t := range trailers {
			rest += t + "\r\n"
		}
		rest += "\r\n"
	default:
		rest = body
	}
	return b.String() + "\r\n", rest
}

func trailerField(trailers []string, announce bool) (fields []string) {
	for _, line := range trailers {
		if name, _, _ := strings.Cut(line, ":"); announce {
			fields = append(fields, "trailer: "+name)
		}
	}
	return fields
}

// frames is a connection of HTTP/2.
type frames struct {
	*http2.Framer
	block bytes.Buffer
	enc   *hpack.Encoder
}

func newFrames(c net.Conn) *frames {
	f := &frames{Framer: http2.NewFramer(c, c)}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.enc = hpack.NewEncoder(&f.block)
	f.WriteSettings()
	return f
}

func (f *frames) head(stream uint32, end bool, pseudo string, fields []string) {
	f.block.Reset()
	for _, line := range append(strings.Fields(pseudo), fields...) {
		at := 1 + strings.Index(line[1:], ":")
		f.enc.WriteField(hpack.HeaderField{Name: line[:at], Value: strings.TrimPrefix(line[at+1:], " ")})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.block.Bytes(), EndStream: end, EndHeaders: true})
}

func (f *frames) data(stream uint32, body string, trailers []string, end bool) {
	for ; len(body) > 16000; body = body[16000:] {
		f.WriteData(stream, false, []byte(body[:16000]))
	}
	f.WriteData(stream, end && len(trailers) == 0, []byte(body))
	if end && len(trailers) > 0 {
		f.head(stream, true, "", trailers)
	}
}

var errReset = errors.New("the stream was reset")

// next reads one frame into h, and reports whether the message is over, or a head
// was read.
func (f *frames) next(h *heard, begun *bool) (stream uint32, head, over bool, err error) {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return 0, false, false, err
		}
		stream = frame.Header().StreamID
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			f.WritePing(true, frame.Data)
		case *http2.MetaHeadersFrame:
			part := heard{}
			for _, field := range frame.RegularFields() {
				part.field(field.Name, field.Value)
			}
			first := frame.PseudoValue("status") + frame.PseudoValue("method")
			switch {
			case *begun:
				h.trailers = part.fields
			case strings.HasPrefix(first, "1"):
				h.lines = append(h.lines, first+" "+strings.Join(part.fields, ", "))
			default:
				*begun, h.path = true, frame.PseudoValue("path")
				h.lines, h.fields, h.length = append(h.lines, first), part.fields, part.length
			}
			switch {
			case h.length != "":
				h.end = "length"
			case frame.StreamEnded() && h.body == "":
				h.end = "nothing"
			default:
				h.end = "stream"
			}
			return stream, true, frame.StreamEnded(), nil
		case *http2.DataFrame:
			h.body += string(frame.Data())
			return stream, false, frame.StreamEnded(), nil
		case *http2.RSTStreamFrame:
			return stream, false, false, errReset
		}
	}
}
