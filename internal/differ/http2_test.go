package differ

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// half is one side of an HTTP/2 connection: frames as they are, and fields in
// the order in which they came.
type half struct {
	conn  net.Conn
	began func(*stream) // of the origin: a client's request is whole

	mu      sync.Mutex
	change  *sync.Cond // of what follows
	fr      *http2.Framer
	enc     *hpack.Encoder
	block   bytes.Buffer
	window  int // of the connection
	initial int // of a stream
	streams map[uint32]*stream
	err     error
}

type stream struct {
	id     uint32
	window int
	heads  []*message // the trailers are the last one's
	body   []byte
	ended  bool
	reset  bool
	code   http2.ErrCode
}

const ample = 1 << 30

func newHalf(c net.Conn, began func(*stream)) *half {
	h := &half{conn: c, began: began, window: 65535, initial: 65535, streams: map[uint32]*stream{}}
	h.change = sync.NewCond(&h.mu)
	h.fr = http2.NewFramer(c, c)
	h.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.fr.SetMaxReadFrameSize(1 << 20)
	h.enc = hpack.NewEncoder(&h.block)
	h.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: ample}, http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 1 << 20})
	h.fr.WriteWindowUpdate(0, ample)
	return h
}

// run reads frames until the connection ends.
func (h *half) run() {
	for {
		f, err := h.fr.ReadFrame()
		h.mu.Lock()
		if err == nil {
			err = h.take(f)
		}
		h.err = err
		h.change.Broadcast()
		h.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take notes what a frame says. h.mu is held.
func (h *half) take(f http2.Frame) error {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		if n, ok := f.Value(http2.SettingInitialWindowSize); ok {
			for _, s := range h.streams {
				s.window += int(n) - h.initial
			}
			h.initial = int(n)
		}
		return h.fr.WriteSettingsAck()
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			h.window += int(f.Increment)
		} else {
			h.stream(f.StreamID).window += int(f.Increment)
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return h.fr.WritePing(true, f.Data)
		}
	case *http2.MetaHeadersFrame:
		h.stream(f.StreamID).head(f)
		h.end(f.StreamID, f.StreamEnded())
	case *http2.DataFrame:
		s := h.stream(f.StreamID)
		s.body = append(s.body, f.Data()...)
		if n := uint32(f.Length); n > 0 {
			h.fr.WriteWindowUpdate(0, n)
			h.fr.WriteWindowUpdate(f.StreamID, n)
		}
		h.end(f.StreamID, f.StreamEnded())
	case *http2.RSTStreamFrame:
		s := h.stream(f.StreamID)
		s.reset, s.code = s.reset || !s.ended, f.ErrCode
		s.ended = true
	}
	return nil
}

func (h *half) stream(id uint32) *stream {
	s := h.streams[id]
	if s == nil {
		s = &stream{id: id, window: h.initial}
		h.streams[id] = s
	}
	return s
}

func (h *half) end(id uint32, ended bool) {
	s := h.stream(id)
	if s.ended = s.ended || ended; ended && h.began != nil {
		go h.began(s)
	}
}

// head keeps a list of fields: a head, or trailers.
func (s *stream) head(f *http2.MetaHeadersFrame) {
	m, pseudo := &message{framing: "frames"}, map[string]string{}
	for _, hf := range f.Fields {
		if hf.IsPseudo() {
			pseudo[hf.Name] = hf.Value
		} else {
			m.fields = append(m.fields, field{name: hf.Name, raw: " " + hf.Value})
		}
	}
	switch {
	case pseudo[":status"] != "":
		m.line = "HTTP/2 " + pseudo[":status"]
	case pseudo[":method"] != "":
		m.line = pseudo[":method"] + " " + pseudo[":path"] + " HTTP/2"
		m.fields = append(m.fields, field{name: "host", raw: " " + pseudo[":authority"]})
	default:
		s.heads[len(s.heads)-1].trailers = m.fields
		return
	}
	s.heads = append(s.heads, m)
}

// fields are m's as HTTP/2 has them.
func (h *half) encode(pseudo []string, fields []field) []byte {
	h.block.Reset()
	for i := 0; i < len(pseudo); i += 2 {
		h.enc.WriteField(hpack.HeaderField{Name: pseudo[i], Value: pseudo[i+1]})
	}
	for _, f := range fields {
		if !slices.ContainsFunc([]string{"Host", "Transfer-Encoding", "Connection"}, f.is) {
			h.enc.WriteField(hpack.HeaderField{Name: strings.ToLower(f.name), Value: f.value()})
		}
	}
	return bytes.Clone(h.block.Bytes())
}

// headers writes a list of fields, in more than one frame where it is long.
func (h *half) headers(id uint32, pseudo []string, fields []field, last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	block := h.encode(pseudo, fields)
	n := min(len(block), 16<<10)
	h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:n], EndStream: last, EndHeaders: n == len(block)})
	for block = block[n:]; len(block) > 0; block = block[n:] {
		n = min(len(block), 16<<10)
		h.fr.WriteContinuation(id, n == len(block), block[:n])
	}
}

// data writes a body, as far as the other side lets it.
func (h *half) data(id uint32, body []byte, last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stream(id)
	for {
		for len(body) > 0 && min(s.window, h.window) <= 0 && h.err == nil && !s.reset {
			h.change.Wait()
		}
		if h.err != nil || s.reset {
			return
		}
		n := min(len(body), s.window, h.window, 16<<10)
		ends := n == len(body)
		h.fr.WriteData(id, ends && last, body[:n])
		s.window, h.window, body = s.window-n, h.window-n, body[n:]
		if ends {
			return
		}
	}
}

// message writes m with its body and trailers.
func (h *half) message(id uint32, pseudo []string, m *message, bodiless bool) {
	body := m.body
	if bodiless {
		body = nil
	}
	trailers := m.trailers
	if bodiless || m.framing != "chunked" {
		trailers = nil
	}
	ends := len(body) == 0 && len(trailers) == 0 && !m.cut
	h.headers(id, pseudo, m.fields, ends)
	switch {
	case ends:
		return
	case m.cut:
		h.data(id, body[:len(body)/2], false)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.fr.WriteRSTStream(id, http2.ErrCodeInternal)
		return
	case len(body) > 0:
		h.data(id, body, len(trailers) == 0)
	}
	if len(trailers) > 0 {
		h.headers(id, nil, trailers, true)
	}
}

func (o *origin) serveHTTP2(c *tls.Conn) {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := c.Read(preface); err != nil {
		return
	}
	var h *half
	h = newHalf(c, func(s *stream) { o.answerHTTP2(h, s) })
	h.run()
}

func (o *origin) answerHTTP2(h *half, s *stream) {
	h.mu.Lock()
	m := s.whole()
	h.mu.Unlock()
	x := o.find(m)
	if x == nil {
		h.headers(s.id, []string{":status", "200"}, nil, true)
		return
	}
	o.note(x, m)
	if x.slow {
		time.Sleep(150 * time.Millisecond)
	}
	for _, m := range x.early {
		h.headers(s.id, []string{":status", fmt.Sprint(m.status())}, m.fields, false)
	}
	h.message(s.id, []string{":status", fmt.Sprint(x.answer.status())}, &x.answer, x.bodiless())
}

// whole is the last head with what came behind it.
func (s *stream) whole() *message {
	m := s.heads[len(s.heads)-1].clone()
	m.body, m.cut = s.body, s.reset
	return m
}

func (r *road) playHTTP2(list []*exchange) (all []*outcome) {
	c, err := r.dial(list[0].authority, "h2")
	if err != nil {
		return []*outcome{{err: err}}
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	c.Write([]byte(http2.ClientPreface))
	h := newHalf(c, nil)
	go h.run()
	for i, x := range list {
		m := x.sent(r.direct)
		method, rest, _ := strings.Cut(m.line, " ")
		path, _, _ := strings.Cut(rest, " ")
		id := uint32(2*i + 1)
		go h.message(id, []string{":method", method, ":scheme", "https", ":authority", x.authority, ":path", path}, m, false)
		all = append(all, h.await(id))
	}
	return all
}

func (h *half) await(id uint32) *outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stream(id)
	for !s.ended && h.err == nil {
		h.change.Wait()
	}
	if len(s.heads) == 0 {
		return &outcome{err: errors.Join(h.err, fmt.Errorf("no answer over HTTP/2: reset %v, %v", s.reset, s.code))}
	}
	o := &outcome{response: s.whole(), early: s.heads[:len(s.heads)-1]}
	o.response.cut = o.response.cut || !s.ended
	return o
}

// level makes of m what any version of HTTP says: no order but that of fields
// with one name, names in lower case, no reason, and no framing.
func (m *message) level() {
	if m.status() > 0 {
		m.line = fmt.Sprint(m.status())
	} else {
		m.line = m.line[:strings.LastIndexByte(m.line, ' ')]
	}
	m.remove("Transfer-Encoding", "Trailer")
	if crumbs := m.get("Cookie"); len(crumbs) > 0 {
		m.set("Cookie", strings.Join(crumbs, "; ")) // RFC 9113, 8.2.3
	}
	if n := m.get("Content-Length"); len(n) == 1 {
		length, err := strconv.Atoi(n[0])
		if m.set("Content-Length", strconv.Itoa(length)); err == nil && length == len(m.body) {
			m.remove("Content-Length") // HTTP/2 needs none, and leaves it away or adds it
		}
	}
	m.framing = "frames"
	for _, list := range [][]field{m.fields, m.trailers} {
		for i, f := range list {
			list[i].name = strings.ToLower(f.name)
		}
		slices.SortStableFunc(list, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	}
}
