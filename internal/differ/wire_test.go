package differ

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Reading and writing of HTTP/1 by hand: nothing here knows more than the test
// needs, and nothing is shared with what is tested.

// field is a line of a head: a name, and all that stands behind the colon.
type field struct {
	name, raw string
	added     bool // by a change
}

func (f field) value() string { return strings.Trim(f.raw, " \t") }

func (f field) is(name string) bool { return strings.EqualFold(f.name, name) }

// message is a request or a response as one side of it met the wire.
type message struct {
	line     string // without its end; of HTTP/2, as HTTP/1 would have it
	fields   []field
	framing  string // "none", "sized", "chunked", "to close"; of HTTP/2, "frames"
	body     []byte
	trailers []field
	cut      bool // it ended before its end
}

func (m *message) clone() *message {
	c := *m
	c.fields, c.trailers = slices.Clone(m.fields), slices.Clone(m.trailers)
	return &c
}

func (m *message) get(name string) (values []string) {
	for _, f := range m.fields {
		if f.is(name) {
			values = append(values, f.value())
		}
	}
	return values
}

func (m *message) has(name, token string) bool {
	for _, v := range m.get(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// status is 0 for a request.
func (m *message) status() int {
	_, rest, _ := strings.Cut(m.line, " ")
	code, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(code)
	return n
}

// closes reports whether the connection ends behind a response.
func (m *message) closes() bool {
	old := strings.HasPrefix(m.line, "HTTP/1.0") && !m.has("Connection", "keep-alive")
	return m.cut || old || m.framing == "to close" || m.has("Connection", "close")
}

func (m *message) head() string {
	var b strings.Builder
	b.WriteString(m.line + "\r\n")
	for _, f := range m.fields {
		b.WriteString(f.name + ":" + f.raw + "\r\n")
	}
	return b.String() + "\r\n"
}

// readLine wants CRLF.
func readLine(br *bufio.Reader) (string, error) {
	l, err := br.ReadString('\n')
	if err == nil && !strings.HasSuffix(l, "\r\n") {
		err = fmt.Errorf("a line ends in a bare LF: %q", l)
	}
	return strings.TrimSuffix(l, "\r\n"), err
}

func readFields(br *bufio.Reader) (fields []field, err error) {
	for {
		l, err := readLine(br)
		if err != nil || l == "" {
			return fields, err
		}
		name, raw, ok := strings.Cut(l, ":")
		if !ok {
			return fields, fmt.Errorf("no field: %q", l)
		}
		fields = append(fields, field{name: name, raw: raw})
	}
}

func readHead(br *bufio.Reader) (*message, error) {
	line, err := readLine(br)
	if err != nil {
		return nil, err
	}
	m := &message{line: line}
	m.fields, err = readFields(br)
	return m, err
}

// framed is how the body behind a head ends; method is that of the request where
// the head is a response's.
func (m *message) framed(method string) string {
	status := m.status()
	switch {
	case method == "HEAD", status/100 == 1, status == 204, status == 304:
		return "none"
	case m.has("Transfer-Encoding", "chunked"):
		return "chunked"
	case len(m.get("Content-Length")) == 1:
		return "sized"
	case method != "":
		return "to close"
	}
	return "none"
}

func (m *message) readBody(br *bufio.Reader, method string) {
	var err error
	switch m.framing = m.framed(method); m.framing {
	case "chunked":
		m.body, m.trailers, err = readChunks(br)
	case "sized":
		var n int
		if n, err = strconv.Atoi(m.get("Content-Length")[0]); err == nil {
			m.body, err = readSized(br, n)
		}
	case "to close":
		m.body, err = io.ReadAll(br)
	}
	m.cut = err != nil
}

func readSized(br *bufio.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(br, b)
	return b[:got], err
}

func readChunks(br *bufio.Reader) (body []byte, trailers []field, err error) {
	var all bytes.Buffer
	for {
		l, err := readLine(br)
		if err != nil {
			return all.Bytes(), nil, err
		}
		size, _, _ := strings.Cut(l, ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil {
			return all.Bytes(), nil, fmt.Errorf("size of a chunk: %w", err)
		}
		if n == 0 {
			break
		}
		if _, err = io.CopyN(&all, br, n); err != nil {
			return all.Bytes(), nil, err
		}
		if l, err = readLine(br); err != nil || l != "" {
			return all.Bytes(), nil, fmt.Errorf("end of a chunk: %q, %v", l, err)
		}
	}
	trailers, err = readFields(br)
	return all.Bytes(), trailers, err
}

// encoded is the body as m's framing has it, in chunks of these sizes, the last
// of which repeats.
func (m *message) encoded(sizes []int, extension string) []byte {
	if m.framing != "chunked" {
		return m.body
	}
	var b bytes.Buffer
	for rest, i := m.body, 0; len(rest) > 0; i++ {
		n := min(sizes[min(i, len(sizes)-1)], len(rest))
		fmt.Fprintf(&b, "%x%s\r\n%s\r\n", n, extension, rest[:n])
		rest = rest[n:]
	}
	if m.cut {
		return b.Bytes()
	}
	b.WriteString("0" + extension + "\r\n")
	for _, f := range m.trailers {
		b.WriteString(f.name + ":" + f.raw + "\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
