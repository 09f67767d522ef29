package placeholder

import (
	"bytes"
	"fmt"

	"github.com/agentsecrets/agentsecrets/internal/stream"
)

// NewMultipart returns a rewriter for multipart/form-data (RFC 7578) that expands
// parts which are a field, not a file, and of which the whole content is a
// placeholder. The value goes in as it is; one that has a line that begins with
// the delimiter ends the expansion with ErrNotAllowed.
//
// It reads the form that clients write and nothing else: a body that begins with
// the delimiter, CRLF at the end of lines, no padding behind delimiters, and only
// a name in Content-Disposition. What servers may take for one thing or another
// is passed on as it is, if need be to the end of the body, so that no value goes
// into a part that a server takes for a file or for another field. So does the
// whole of a body if boundary is none (RFC 2046, 5.1.1).
//
// It holds back nothing but a content that may still be a placeholder.
func NewMultipart(boundary string, v FieldValues) stream.Rewriter {
	m := &multipartRewriter{values: v, delim: []byte("--" + boundary)}
	if !validBoundary(boundary) {
		m.state = atEnd
	}
	return m
}

type multipartRewriter struct {
	values FieldValues
	delim  []byte // two hyphens and the boundary
	state  multipartState
	head   []byte // of the part; outside of its head, what is read ahead of it
	field  string
	lines  lineStarts
	maybe  bool   // all of the content so far is held and may be a placeholder
	held   []byte // the placeholder, the delimiter, and the two bytes behind that
	name   int    // where the placeholder ends in held, 0 if it may go on
	err    error
}

type multipartState uint8

const (
	atStart   multipartState = iota
	afterLine                // behind a delimiter
	inHead
	inContent
	atEnd // of what is understood; all that follows passes
)

// maxHead is where the head of a part is not understood any more.
const maxHead = 8 << 10

// Feed implements stream.Rewriter.
func (m *multipartRewriter) Feed(dst, b []byte) ([]byte, error) {
	for len(b) > 0 && m.err == nil {
		if m.maybe {
			dst, b = m.match(dst, b)
			continue
		}
		n := m.read(b)
		dst, b = append(dst, b[:n]...), b[n:]
	}
	return dst, m.err
}

// Flush implements stream.Rewriter. A part without a delimiter behind it is not
// whole.
func (m *multipartRewriter) Flush(dst []byte) ([]byte, error) {
	if m.err == nil && m.maybe {
		dst = m.release(dst)
	}
	return dst, m.err
}

// read takes in some of b, which passes as it is.
func (m *multipartRewriter) read(b []byte) int {
	switch m.state {
	case atStart:
		m.head = append(m.head, b[0])
		if !bytes.HasPrefix(m.delim, m.head) {
			m.state = atEnd
		} else if len(m.head) == len(m.delim) {
			m.state, m.head = afterLine, m.head[:0]
		}
	case afterLine:
		if m.head = append(m.head, b[0]); len(m.head) == 2 {
			m.endLine(string(m.head))
		}
	case inHead:
		m.readHead(b[0])
	case inContent:
		return m.readContent(b)
	default:
		return len(b)
	}
	return 1
}

// endLine acts on what stands behind a delimiter.
func (m *multipartRewriter) endLine(end string) {
	if m.state, m.head = atEnd, m.head[:0]; end == "\r\n" {
		m.state = inHead
	}
}

func (m *multipartRewriter) readHead(c byte) {
	m.head = append(m.head, c)
	switch {
	case bytes.HasSuffix(m.head, []byte("\r\n\r\n")), string(m.head) == "\r\n":
		m.endHead()
	case len(m.head) == maxHead:
		m.state = atEnd
	}
}

func (m *multipartRewriter) endHead() {
	field, is, understood := partField(string(m.head[:len(m.head)-2]), string(m.delim))
	m.field, m.maybe, m.head = field, is, m.head[:0]
	m.state, m.lines = inContent, lineStarts{delim: m.delim}
	if !understood {
		m.state = atEnd
	}
}

// readContent reads up to and with a delimiter.
func (m *multipartRewriter) readContent(b []byte) int {
	for i, c := range b {
		if !m.lines.step(c) {
			continue
		}
		if m.state = afterLine; !m.lines.crlf {
			m.state = atEnd // a delimiter to those who take any line break for one
		}
		return i + 1
	}
	return len(b)
}

// match holds back what fits a placeholder and then the end of a part.
func (m *multipartRewriter) match(dst, b []byte) (_, rest []byte) {
	for i, c := range b {
		if !m.fits(c) {
			return m.release(dst), b[i:]
		}
		if m.held = append(m.held, c); m.name > 0 && len(m.held) == m.name+len("\r\n")+len(m.delim)+2 {
			return m.expand(dst), b[i+1:]
		}
	}
	return dst, nil
}

// fits reports whether a part that is a placeholder may go on with c.
func (m *multipartRewriter) fits(c byte) bool {
	if m.name == 0 {
		if c == '\r' && whole(m.held) {
			m.name = len(m.held)
			return true
		}
		return fits(m.held, c)
	}
	switch i := len(m.held) - m.name - len("\r\n"); {
	case i < 0:
		return c == '\n'
	case i < len(m.delim):
		return c == m.delim[i]
	case i == len(m.delim):
		return c == '\r' || c == '-'
	}
	return m.held[len(m.held)-1] == '\r' && c == '\n' || m.held[len(m.held)-1] == '-' && c == '-'
}

// expand deals with a part that has come to its end.
func (m *multipartRewriter) expand(dst []byte) []byte {
	name := string(m.held[len(Prefix):m.name])
	v, err := m.values(name, m.field)
	switch {
	case err != nil:
		m.err = err
		return dst
	case v == nil:
		return m.release(dst)
	case hasLine(v, m.delim):
		m.err = fmt.Errorf("expand %s in multipart: %w", name, ErrNotAllowed)
		return dst
	}
	dst = append(append(dst, v...), m.held[m.name:]...)
	m.endLine(string(m.held[len(m.held)-2:]))
	m.drop()
	return dst
}

// release reads what was held as if it had never been.
func (m *multipartRewriter) release(dst []byte) []byte {
	for b := m.held; len(b) > 0; {
		n := m.read(b)
		dst, b = append(dst, b[:n]...), b[n:]
	}
	m.drop()
	return dst
}

func (m *multipartRewriter) drop() { m.maybe, m.held, m.name = false, m.held[:0], 0 }
