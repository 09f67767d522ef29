package mitm

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/placeholder"
	"github.com/agentsecrets/agentsecrets/redact"
)

// gRPC, gRPC-Web and the streams of Connect. Fields are like any other's. In
// request bodies nothing is expanded: a value of another length than its
// placeholder would make the lengths before and inside of a message untrue.

// framing is how the messages of a body are framed.
type framing struct {
	flags byte   // that have a meaning; the first is for a compressed message
	coded string // the field that names how
	text  bool   // all of it in base64
}

func framingOf(h http.Header) (f framing, framed bool) {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind, codec, hasCodec := strings.Cut(strings.ToLower(textproto.TrimString(kind)), "+")
	switch f.flags, f.coded = 1, "Grpc-Encoding"; kind {
	case "application/grpc":
	case "application/grpc-web": // the last of its messages holds trailers
		f.flags |= 0x80
	case "application/grpc-web-text":
		f.flags, f.text = f.flags|0x80, true
	case "application/connect": // the second flag is for the end of a stream
		f.flags, f.coded = f.flags|2, "Connect-Content-Encoding"
		return f, hasCodec && codec != ""
	default:
		return framing{}, false
	}
	return f, true
}

// speaksGRPC reports whether a client is one of gRPC itself, which needs HTTP/2 all
// the way and has its own word for how a call ended.
func speaksGRPC(r *http.Request) bool {
	f, ok := framingOf(r.Header)
	return ok && r.ProtoMajor == 2 && f.flags == 1
}

// askForMessages keeps the codings of messages that we can decode: none where a
// value may go.
func (x *exchange) askForMessages(h http.Header) {
	for _, field := range []string{"Grpc-Accept-Encoding", "Connect-Accept-Encoding"} {
		lines, ok := h[field]
		switch {
		case !ok:
		case x.reaches:
			delete(h, field)
		default:
			h[field] = []string{readable(lines)}
		}
	}
}

// searched is a body without echoes.
type searched interface {
	io.Reader
	Counts() redact.Counts
	Held() int
}

// shut frees what a body without echoes holds.
func shut(s searched) {
	if c, ok := s.(io.Closer); ok {
		c.Close()
	}
}

// framed is a body of messages without echoes. It changes the head where what
// that says of compressed messages will not be true.
func (x *exchange) framed(f framing, resp *http.Response, body io.Reader, size int64) searched {
	m := newMessages(f, body, x.released)
	m.large = x.proxy.large
	m.sized = size > 0
	m.searching = func() bool { return x.reaches || !x.run.released.Empty() }
	m.coding = strings.Join(resp.Header[f.coded], ", ")
	if m.coding != "" || f.text {
		resp.Header.Del("Content-Length")
		resp.ContentLength = -1
	}
	if m.coding != "" && m.searching() {
		resp.Header.Del(f.coded)
		m.decodes = true
	}
	if f.text {
		m.src = &fromBase64{src: body}
		return &toBase64{messages: m}
	}
	return m
}

// binaryFields takes echoes out of metadata that is base64, with or without its
// padding, so that it stays so.
func (x *exchange) binaryFields(h http.Header) {
	if x.run.released.Empty() {
		return
	}
	for name, lines := range h {
		if !strings.HasSuffix(strings.ToLower(name), "-bin") {
			continue
		}
		for i, line := range lines {
			items := strings.Split(line, ",")
			for k, item := range items {
				items[k] = x.binary(item)
			}
			lines[i] = strings.Join(items, ",")
		}
	}
}

func (x *exchange) binary(item string) string {
	text := textproto.TrimString(item)
	enc := base64.RawStdEncoding
	if strings.HasSuffix(text, "=") {
		enc = base64.StdEncoding
	}
	b, err := enc.DecodeString(text)
	if err != nil {
		return item
	}
	b, echoes := x.released.Value(b)
	if echoes == nil {
		return item
	}
	x.echoes.Add(echoes)
	return enc.EncodeToString(b)
}

// endsAs ends a stream of gRPC, between two messages, with a status that says why:
// a client takes that for the failure that it is, and shows it.
func (x *exchange) endsAs(w http.ResponseWriter, r *http.Request, err error) bool {
	var why *messageError
	if !x.grpc || !errors.As(err, &why) || r.Context().Err() != nil {
		return false
	}
	x.broken = "undecodable_response"
	setStatus(w.Header(), http.TrailerPrefix, why.status, why.text)
	return true
}

// writeStatus answers a client of gRPC with p: HTTP's status would reach it as a
// number, without a reason.
func (p *Problem) writeStatus(w http.ResponseWriter, exchange string) {
	text := "agentsecrets: " + p.Slug + ": " + p.Message
	if p.Hint != "" {
		text += ". Run: " + p.Hint
	}
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set(exchangeField, exchange)
	setStatus(h, "", statusOf(p.Status, p.Slug), text)
	w.WriteHeader(http.StatusOK)
}

func setStatus(h http.Header, prefix string, status int, text string) {
	h.Set(prefix+"Grpc-Status", strconv.Itoa(status))
	h.Set(prefix+"Grpc-Message", escapeMessage(text))
}

// statusOf is gRPC's code for a refusal. Clients may try again by themselves after
// UNAVAILABLE, so that is for what may pass.
func statusOf(status int, slug string) int {
	switch status {
	case http.StatusForbidden:
		return 7 // PERMISSION_DENIED
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return 3 // INVALID_ARGUMENT
	case http.StatusFailedDependency, http.StatusMisdirectedRequest:
		return 9 // FAILED_PRECONDITION
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return 14 // UNAVAILABLE
	}
	if slug == "origin_unreachable" || slug == "parent_unreachable" {
		return 14
	}
	return 13 // INTERNAL
}

// escapeMessage writes text as grpc-message has it.
func escapeMessage(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// passMessages passes a request body as it is and counts what it names, where a
// binding would let values stand anywhere in bodies.
func (x *exchange) passMessages(b io.ReadCloser) io.ReadCloser {
	if !x.anywhere {
		return b
	}
	mention := x.locked(func(u found) ([]byte, error) {
		x.mentioned(u)
		return nil, nil
	})
	return &overheard{ReadCloser: b, rescue: x.proxy.cfg.rescue, names: placeholder.NewAny(func(name string) ([]byte, error) {
		return mention(x.use(name, place.Text, false, "body"))
	})}
}

// overheard is a body of which another reads along: it delays nothing.
type overheard struct {
	io.ReadCloser
	names  stream.Rewriter
	text   []byte
	rescue func(in string, err *error)
}

func (o *overheard) Read(b []byte) (n int, err error) {
	defer o.rescue("body", &err) // on a goroutine of the transport
	n, err = o.ReadCloser.Read(b)
	if n > 0 {
		o.text, _ = o.names.Feed(o.text[:0], b[:n])
	}
	if err == io.EOF {
		o.text, _ = o.names.Flush(o.text[:0])
	}
	return n, err
}
