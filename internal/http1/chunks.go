package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// state is what comes next in a chunked body (RFC 9112, 7.1).
type state byte

const (
	atSize state = iota
	inChunk
	atChunkEnd
	atTrailer
)

const (
	maxSizeLine = 512      // a chunk's size, extensions and line end
	maxDigits   = 15       // of a size: less than 1 EiB
	maxExcess   = 16 << 10 // of bytes around chunks beyond fairSize a chunk and twice its data
	fairSize    = 16       // as net/http has it: streams of one byte a chunk pass, long extensions do not
)

var endOfLine = []byte("\r\n")

// readChunks waits only for the first byte that it gives.
func (b *Body) readChunks(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for b.err == nil && (n == 0 || b.atHand()) {
		switch b.state {
		case atSize:
			b.err = b.readSize()
		case inChunk:
			if n == len(p) {
				return n, nil
			}
			var m int
			m, b.err = b.readLeft(p[n:])
			if n += m; b.left == 0 {
				b.state = atChunkEnd
			}
		case atChunkEnd:
			b.err = b.readChunkEnd()
		case atTrailer:
			b.err = b.readTrailer()
		}
	}
	return n, b.err
}

// atHand reports whether the next step finds all that it needs in the buffer.
func (b *Body) atHand() bool {
	have, _ := b.br.Peek(b.br.Buffered())
	switch b.state {
	case atSize:
		return bytes.IndexByte(have, '\n') >= 0
	case inChunk:
		return len(have) > 0
	case atChunkEnd:
		return len(have) >= len(endOfLine)
	}
	return bytes.HasPrefix(have, endOfLine) || bytes.Contains(have, []byte("\r\n\r\n"))
}

// readSize reads a size and drops extensions: nobody uses them, and recipients
// differ in how they read them.
func (b *Body) readSize() error {
	l, err := b.br.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), len(l) > maxSizeLine:
		return refuse(400, badChunk)
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case !bytes.HasSuffix(l, endOfLine):
		return refuse(400, badLineEnd)
	}
	size, ext, extended := bytes.Cut(l[:len(l)-2], []byte(";"))
	n, ok := parseSize(size)
	if !ok || extended && !isText(ext) {
		return refuse(400, badChunk)
	}
	b.excess = max(0, b.excess+int64(len(l)+len(endOfLine))-fairSize-2*n)
	if b.excess > maxExcess {
		return refuse(400, chunkOverhead)
	}
	if b.left, b.state = n, inChunk; n == 0 {
		b.state = atTrailer
	}
	return nil
}

// parseSize reads digits alone: no sign, no 0x, no space on either side.
func parseSize(s []byte) (n int64, ok bool) {
	for _, c := range s {
		d := hexDigit(c)
		if d < 0 {
			return 0, false
		}
		n = n<<4 | int64(d)
	}
	return n, 0 < len(s) && len(s) <= maxDigits
}

// hexDigit returns -1 for what is none.
func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func (b *Body) readChunkEnd() error {
	end, err := b.br.Peek(len(endOfLine))
	switch {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case !bytes.Equal(end, endOfLine):
		return refuse(400, badChunk)
	}
	b.br.Discard(len(endOfLine))
	b.state = atSize
	return nil
}

// readTrailer returns io.EOF if all is well.
func (b *Body) readTrailer() error {
	if next, _ := b.br.Peek(len(endOfLine)); bytes.Equal(next, endOfLine) { // nearly always
		b.br.Discard(len(endOfLine))
		return io.EOF
	}
	b.trailer = b.trailer.take()
	switch err := b.trailer.gather(b.br, b.lim); {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	}
	if err := b.trailer.parse(b.trailer.buf); err != nil {
		return err
	}
	kept := b.trailer.fields[:0]
	for _, f := range b.trailer.trimmed() {
		ok, framing := mayTrail(f.Name)
		if framing {
			return refuse(400, badTrailer)
		}
		if ok {
			kept = append(kept, f)
		}
	}
	b.trailer.fields = kept
	return io.EOF
}

// MayTrail reports whether a Writer takes a field of that name behind a body.
func MayTrail(name []byte) bool {
	ok, _ := mayTrail(name)
	return ok && isToken(name)
}

// mayTrail reports whether a field may stand behind a body. What the exchange
// was decided by before the body came cannot be changed after it: where a
// message goes, who sends it, how the body is read, whether it is answered at
// all (RFC 9110, 6.5.1). Framing there can only be meant to deceive.
func mayTrail(name []byte) (ok, framing bool) {
	switch knownName(name) {
	case contentLength, transferEncoding, trailer:
		return false, true
	case host, connection, expect, upgrade:
		return false, false
	}
	if isHopByHop(name) || startsWith(name, "if-") || startsWith(name, "x-forwarded-") {
		return false, false
	}
	for _, n := range []string{
		"content-encoding", "content-type", "content-range", "authorization", "www-authenticate", "authentication-info", "cookie", "set-cookie", "cache-control",
		"pragma", "range", "location", "max-forwards", "age", "expires", "date", "retry-after", "vary", "forwarded",
	} {
		if is(name, n) {
			return false, false
		}
	}
	return true, false
}
