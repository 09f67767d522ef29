package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// What the origin says to a client that asks for a cell.

// filler is the body where the echo stands elsewhere.
const filler = "There is nothing in this body.\n"

// head is what a cell has before its body: fields are "Name: value".
func (c *cell) head() (status int, reason string, fields []string) {
	status, reason, fields = http.StatusOK, "OK", []string{"Content-Type: " + c.bodyType()}
	switch c.place.name {
	case "header":
		fields = append(fields, echoField+": "+c.planted())
	case "second value":
		fields = append(fields, echoField+": "+markValue, echoField+": "+c.planted())
	case "name":
		fields = append(fields, c.planted()+": "+markValue)
	case "cookie":
		fields = append(fields, "Set-Cookie: "+c.planted())
	case "Location":
		status, reason, fields = http.StatusFound, "Found", append(fields, "Location: "+c.planted())
	case "trailer":
		fields = append(fields, "Trailer: "+echoField)
	case "reason":
		reason = c.planted()
	}
	if c.coding != "identity" {
		fields = append(fields, "Content-Encoding: "+c.coding)
	}
	return status, reason, fields
}

func (c *cell) bodyType() string {
	if c.place.name == "gRPC" {
		return "application/grpc+json"
	}
	if c.mime == "" {
		return "text/plain"
	}
	return c.mime
}

// body is what it is on the wire.
func (c *cell) body() []byte {
	switch {
	case c.place.name == "gRPC":
		return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(c.planted()))), c.planted()...)
	case c.place.body:
		return compress(c.coding, []byte(c.planted()))
	}
	return []byte(filler)
}

// hint is the field of a response before the final one.
func (c *cell) hint() (name, value string, ok bool) {
	switch c.place.name {
	case "1xx":
		return "Link", c.planted(), true
	case "1xx name":
		return c.planted(), markValue, true
	}
	return "", "", false
}

func (c *cell) trailer() (name, value string, ok bool) {
	switch c.place.name {
	case "trailer":
		return echoField, c.planted(), true
	case "trailer's name":
		return c.planted(), markValue, true
	case "gRPC":
		return "Grpc-Status", "0", true
	}
	return "", "", false
}

// trickles reports whether the body itself comes byte by byte, and not the head.
func (c *cell) trickles() bool {
	return c.chunks == oneByte && (c.place.body || c.place.name == "gRPC")
}

func (c *cell) writeHTTP1(w io.Writer) error {
	var head bytes.Buffer
	if name, value, ok := c.hint(); ok {
		fmt.Fprintf(&head, "HTTP/1.1 103 Early Hints\r\n%s: %s\r\n\r\n", name, value)
	}
	status, reason, fields := c.head()
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n%s\r\n", status, reason, strings.Join(fields, "\r\n"))
	body := c.body()
	trailer, last, trails := c.trailer()
	if !c.trickles() && !trails {
		fmt.Fprintf(&head, "Content-Length: %d\r\n\r\n%s", len(body), body)
		if c.chunks == oneByte {
			w = dripping{w}
		}
		_, err := w.Write(head.Bytes())
		return err
	}
	head.WriteString("Transfer-Encoding: chunked\r\n\r\n")
	if trails {
		fmt.Fprintf(&head, "%x\r\n%s\r\n0\r\n%s: %s\r\n\r\n", len(body), body, trailer, last)
		if c.chunks == oneByte {
			w = dripping{w}
		}
		_, err := w.Write(head.Bytes())
		return err
	}
	_, err := w.Write(head.Bytes())
	for _, b := range body {
		if err == nil {
			_, err = w.Write([]byte{'1', '\r', '\n', b, '\r', '\n'})
		}
	}
	if err == nil {
		_, err = io.WriteString(w, "0\r\n\r\n")
	}
	return err
}

func (c *cell) writeHTTP2(w http.ResponseWriter) {
	h, rc := w.Header(), http.NewResponseController(w)
	if name, value, ok := c.hint(); ok {
		h[name] = []string{value}
		w.WriteHeader(http.StatusEarlyHints)
		delete(h, name)
	}
	status, _, fields := c.head()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		h[name] = append(h[name], value)
	}
	body := c.body()
	if !c.trickles() {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if c.trickles() {
		for i := range body {
			_, _ = w.Write(body[i : i+1])
			_ = rc.Flush()
		}
	} else {
		_, _ = w.Write(body)
	}
	if name, value, ok := c.trailer(); ok {
		h[http.TrailerPrefix+name] = []string{value}
	}
	if c.chunks == oneByte {
		_ = rc.Flush() // while bytes are still written one by one
	}
}

func (c *cell) writeMessage(w io.Writer) error {
	message, op := []byte(c.planted()), ws.OpText
	if !utf8.Valid(message) {
		op = ws.OpBinary
	}
	if c.chunks == whole {
		return ws.WriteFrame(w, ws.NewFrame(op, true, message))
	}
	for i := range message {
		if err := ws.WriteFrame(w, ws.NewFrame(op, i == len(message)-1, message[i:i+1])); err != nil {
			return err
		}
		op = ws.OpContinuation
	}
	return nil
}
