package http1

import (
	"bufio"
	"bytes"
	"errors"
)

// Response is the head of a response. The zero value is ready for Read.
type Response struct {
	Status  int
	Reason  []byte // as the origin wrote it, maybe empty
	Minor   int    // HTTP/1.Minor
	Fields  []Field
	Framing Framing

	head    *head
	options options
	upgrade []byte
}

// Read reads the head of a response to a request with that method. io.EOF means
// that the connection ended before a byte came, so that the request may have
// met one that was closing.
func (r *Response) Read(br *bufio.Reader, method string, lim Limits) error {
	h := r.head.take()
	*r = Response{head: h}
	if err := r.read(br, method, lim); err != nil {
		return ofOrigin(err)
	}
	return nil
}

// ofOrigin is err where the client is not to blame.
func ofOrigin(err error) error {
	var bad *Error
	if errors.As(err, &bad) {
		return refuse(502, bad.Reason)
	}
	return err
}

func (r *Response) read(br *bufio.Reader, method string, lim Limits) error {
	h := r.head
	if err := h.gather(br, lim.or(256<<10, 500)); err != nil {
		return err
	}
	first, rest := line(h.buf)
	if err := r.readLine(first); err != nil {
		return err
	}
	if err := h.parse(rest); err != nil {
		return err
	}
	s, err := h.summary()
	if err != nil {
		return err
	}
	if r.Framing, err = s.framing(r.Minor); err != nil {
		return err
	}
	r.Framing = r.Framing.answering(method, r.Status)
	r.options, r.upgrade = s.options, s.upgrade
	r.Fields = h.trimmed()
	return nil
}

// Release gives r's buffer away: no part of r may be used any more.
func (r *Response) Release() {
	r.head.release()
	*r = Response{}
}

// readLine takes a line without a reason and the space before it too: that
// misleads nobody, and there are origins that write it.
func (r *Response) readLine(l []byte) (err error) {
	version, rest, _ := bytes.Cut(l, []byte(" "))
	if r.Minor, err = parseVersion(version); err != nil {
		return err
	}
	code, reason, _ := bytes.Cut(rest, []byte(" "))
	if len(code) != 3 || !isDigit(code[0]) || !isDigit(code[1]) || !isDigit(code[2]) || code[0] == '0' || !isText(reason) {
		return refuse(502, badStatusLine)
	}
	r.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	r.Reason = reason[:len(reason):len(reason)]
	return nil
}

// answering is the framing of a response, given what the fields say (RFC 9112, 6.3).
func (f Framing) answering(method string, status int) Framing {
	switch {
	case status/100 == 1, status == 204, method == "CONNECT" && status/100 == 2:
		return Framing{}
	case method == "HEAD", status == 304:
		if f.Kind == Sized {
			return Framing{Announced, f.Length}
		}
		return Framing{}
	case f.Kind == NoBody:
		return Framing{Kind: ToClose}
	}
	return f
}
