// Package http1 reads and writes HTTP/1 messages, strictly: what two programs
// could read in two ways is refused, so that nobody can hide a message in
// another one (RFC 9112, 11.2).
//
//	var req http1.Request
//	if err := req.Read(br, http1.Limits{}); err != nil {
//		return err // an *Error says what to answer before closing
//	}
//	var body http1.Body
//	body.Reset(br, req.Framing)
//	err := w.Request(req.Method, req.Target, http1.EndToEnd(req.Fields), req.Framing)
//
// It is the ground of an engine for HTTP/1 exchanges of package mitm, which
// still has net/http do them: that changes the order and case of fields, and
// takes messages that it should not.
//
// Fields keep their order and case. Nothing is read past the end of a head or a
// body, so that pipelined messages stay in the bufio.Reader. Whatever
// http.ReadRequest and http.ReadResponse refuse is refused; fuzz tests say so.
// Stricter than these, it refuses:
//   - lines that end in a bare LF, which RFC 9112, 2.2 leaves to the recipient:
//     no client or origin in use sends them, and Node's parser refuses them too
//   - field lines that are folded, repeated lengths, spaces around the lengths
//     of requests, and whatever else RFC 9112 lets a sender do no longer
//   - a length beside chunks, and chunks in HTTP/1.0
//   - hosts that are neither a name nor an address
//
// # Ownership
//
// Names, values and other parts of a head are slices of one buffer that belongs
// to the Request, Response or Body they were read by. They are valid until its
// next Read or Reset, or until Release gives the buffer to the next head. The
// bufio.Reader may be read on meanwhile. Whoever keeps a part for longer copies
// it, as Header does.
package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Limits bound a head, or the trailers behind a body; zero means the default.
type Limits struct {
	Bytes  int // with the line ends; 64 KiB for requests and 256 KiB for responses
	Fields int // 100 and 500
}

func (l Limits) or(bytes, fields int) Limits {
	if l.Bytes == 0 {
		l.Bytes = bytes
	}
	if l.Fields == 0 {
		l.Fields = fields
	}
	return l
}

// Field is a field line, its name as it was written.
type Field struct{ Name, Value []byte }

// Error is a message that is refused. It never holds a byte of it.
type Error struct {
	Status int    // what to answer a request with; 502 for responses
	Reason string // one of the fixed words of this package
	Close  bool   // the connection that it came on is of no more use: nobody knows where the next message begins
}

func (e *Error) Error() string { return "HTTP/1 message refused: " + e.Reason }

func refuse(status int, reason string) error { return &Error{status, reason, true} }

// What is wrong with a message.
const (
	badLineEnd      = "bad_line_end"
	badRequestLine  = "bad_request_line"
	badMethod       = "bad_method"
	badTarget       = "bad_target"
	badVersion      = "bad_version"
	otherVersion    = "other_version"
	badStatusLine   = "bad_status_line"
	headTooLarge    = "head_too_large"
	tooManyFields   = "too_many_fields"
	badField        = "bad_field"
	foldedField     = "folded_field"
	badName         = "bad_field_name"
	badValue        = "bad_field_value"
	noHost          = "no_host"
	repeatedHost    = "repeated_host"
	badHost         = "bad_host"
	badLength       = "bad_content_length"
	repeatedLength  = "repeated_content_length"
	badCoding       = "bad_transfer_encoding"
	repeatedCoding  = "repeated_transfer_encoding"
	unknownCoding   = "unknown_transfer_encoding"
	oldCoding       = "transfer_encoding_in_http_1_0"
	lengthAndChunks = "length_and_transfer_encoding"
	badExpect       = "unknown_expectation"
	badConnection   = "too_many_connection_options"
	badChunk        = "bad_chunk"
	chunkOverhead   = "too_much_chunk_overhead"
	badTrailer      = "bad_trailer"
)

// head is the bytes of a head and what its field lines are.
type head struct {
	buf    []byte
	fields []Field
}

// heads are those that are not in use. One that grew is left to the collector.
var heads = sync.Pool{New: func() any { return &head{buf: make([]byte, 0, 1<<10), fields: make([]Field, 0, 24)} }}

const keptHead = 16 << 10

// take returns an empty head, h itself if there is one.
func (h *head) take() *head {
	if h == nil {
		h = heads.Get().(*head)
	}
	h.buf, h.fields = h.buf[:0], h.fields[:0]
	return h
}

func (h *head) release() {
	if h != nil && cap(h.buf) <= keptHead {
		heads.Put(h)
	}
}

// gather reads lines up to the empty one. io.EOF means that there was no byte.
func (h *head) gather(br *bufio.Reader, lim Limits) error {
	for start, lines := 0, 0; ; {
		part, err := br.ReadSlice('\n')
		h.buf = append(h.buf, part...)
		switch {
		case len(h.buf) > lim.Bytes:
			return refuse(431, headTooLarge)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(h.buf) == 0:
			return io.EOF
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return fmt.Errorf("read head: %w", err)
		}
		line := h.buf[start:]
		if len(line) < 2 || line[len(line)-2] != '\r' {
			return refuse(400, badLineEnd)
		}
		if len(line) == 2 {
			return nil
		}
		start = len(h.buf)
		if lines++; lines > lim.Fields+1 {
			return refuse(431, tooManyFields)
		}
	}
}

// line cuts the first line off b, without its end, which gather has seen to.
func line(b []byte) (first, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[: i-1 : i-1], b[i+1:]
}
