package mitm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/coding"
	"github.com/agentsecrets/agentsecrets/redact"
)

// Messages of gRPC and its kin, in responses. Each has five bytes before it, flags
// and a length, and is searched by itself: nothing of it is held back once it is
// whole, or two sides that take turns would wait for each other.

// What one message may hold. Up to maxMessage it is searched whole; a longer one
// streams. A compressed one has to be held: its true length goes before it.
const (
	messageHead  = 5
	maxExpanded  = 16 << 20  // decoded, and compressed
	maxAnnounced = 256 << 20 // more is a text taken for a length
	atOnce       = 32 << 10  // to read, and to give
	maxLarge     = 16        // streams with a compressed message over maxMessage, at a time
)

// messageError ends a stream between two messages: nothing of the one that it is
// about has been passed on.
type messageError struct {
	status int // of gRPC
	text   string
}

func (e *messageError) Error() string { return e.text }

var (
	errFrames     = &messageError{13, "the origin's messages are not framed as its content type says, so they cannot be searched for values"}
	errCoding     = &messageError{13, "the origin compressed a message in a way that cannot be searched for values"}
	errCompressed = &messageError{13, "a compressed message of the origin cannot be decoded, so it cannot be searched for values"}
	errNoRoom     = &messageError{8, "too many large compressed messages come at a time"}
	errExpanded   = &messageError{8, "a message of the origin is too large to be searched for values"}
)

// messages covers echoes in messages. See redact.Reader for what it reads like.
type messages struct {
	framing
	src       io.Reader
	set       *redact.Set
	rw        *redact.Rewriter
	coding    string        // of compressed messages
	decodes   bool          // they are never passed as they are
	searching func() bool   // a value may be in what comes
	sized     bool          // src has a known end: nobody waits for one message
	large     chan struct{} // full while there is no room for another large message
	holds     bool          // a place in it
	waits     bool          // for the rest of a compressed message

	in     []byte // has come
	made   []byte // the memory of out
	out    []byte // searched, not given
	ended  error  // of src; due when in has gone
	err    error  // due when out has gone
	long   *longMessage
	echoes redact.Counts
}

func newMessages(f framing, src io.Reader, set *redact.Set) *messages {
	return &messages{framing: f, src: src, set: set, rw: set.Rewriter(), echoes: redact.Counts{}}
}

// claim asks for room for a compressed message that is large, or becomes so.
func (m *messages) claim() bool {
	if m.holds {
		return true
	}
	select {
	case m.large <- struct{}{}:
		m.holds = true
	default:
	}
	return m.holds
}

// Close gives up what a large message held.
func (m *messages) Close() error {
	if m.holds {
		m.holds, m.in, m.made = false, bytes.Clone(m.in), nil
		<-m.large
	}
	return nil
}

func (m *messages) Counts() redact.Counts {
	all := redact.Counts{}
	all.Add(m.echoes)
	all.Add(m.rw.Counts())
	return all
}

// Held is how many bytes have come and cannot be released yet.
func (m *messages) Held() int { return len(m.in) + len(m.out) }

func (m *messages) Read(p []byte) (int, error) {
	for len(m.out) == 0 {
		if m.err != nil {
			return 0, m.err
		}
		m.step()
	}
	n := copy(p, m.out)
	m.out = m.out[n:]
	return n, nil
}

// between reports whether what was given ends with a message.
func (m *messages) between() bool { return len(m.out) == 0 && m.long == nil }

// step makes what can be given, of what has come or else of what comes next.
func (m *messages) step() {
	if !m.waits {
		m.Close() // what was large has been given
	}
	m.out = m.made[:0]
	defer func() {
		if m.made = m.out[:0]; cap(m.made) > 2*maxMessage {
			m.made = nil // few are as long
		}
	}()
	if m.long != nil {
		m.readLong()
		return
	}
	used := 0
	for m.err == nil && m.long == nil && len(m.out) < atOnce {
		n := m.take(m.in[used:])
		if used += n; n == 0 {
			break
		}
	}
	m.in = append(m.in[:0], m.in[used:]...)
	switch {
	case m.err == errFrames:
		m.out = m.out[:0] // what seemed to be a message may end within a value
	case m.err != nil || m.long != nil || len(m.out) >= atOnce:
	case len(m.out) == 0 || m.sized && m.ended == nil:
		m.fill()
	}
}

// fill reads once, behind what was given.
func (m *messages) fill() {
	if len(m.in) == 0 && cap(m.in) > maxMessage {
		m.in = nil
	}
	given := len(m.out)
	for m.ended == nil {
		m.in = slices.Grow(m.in, atOnce)
		n, err := readSome(m.src, m.in[len(m.in):cap(m.in)])
		m.in, m.ended = m.in[:len(m.in)+n], err
		if given == 0 {
			return // the next step looks at it
		}
		if len(m.in) > 0 { // sized: the flags that follow tell whether a message was one
			if m.in[0]&^m.flags != 0 && m.searching() {
				m.out, m.err = m.out[:0], errFrames
			}
			return
		}
	}
}

func readSome(src io.Reader, b []byte) (n int, err error) {
	for range 100 { // as bufio
		if n, err = src.Read(b); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// take passes the first message of b on, if all of it has come, and reports how
// many bytes it took.
func (m *messages) take(b []byte) int {
	if len(b) < messageHead {
		return m.takeRest(b)
	}
	flags, size := b[0], int64(binary.BigEndian.Uint32(b[1:]))
	compressed := flags&1 != 0
	search := m.decodes || m.searching()
	switch {
	case flags&^m.flags != 0 && search:
		m.err = errFrames
		return 0
	case flags&^m.flags != 0: // no message, and no value yet: from here on it is a text
		return m.begin(b, -1, true)
	case compressed && !search:
		return m.begin(b, size, false)
	case compressed:
		return m.takeCompressed(b, size)
	case size > maxAnnounced && search:
		m.err = errExpanded
		return 0
	case size > maxMessage:
		return m.begin(b, size, true)
	}
	return m.takeWhole(b, int(size))
}

// takeRest is for what is too short to be a message.
func (m *messages) takeRest(b []byte) int {
	switch {
	case m.ended == nil:
		return 0
	case m.ended == io.EOF && len(b) > 0 && m.searching():
		m.err = io.ErrUnexpectedEOF
	default:
		m.out = append(m.out, b...)
		m.err = m.ended
	}
	return len(b)
}

func (m *messages) takeWhole(b []byte, size int) int {
	whole := b[:min(messageHead+size, len(b))]
	switch {
	case len(whole) == messageHead+size:
	case m.ended == nil:
		return 0
	default:
		m.err = m.ended // it is passed as far as it came, as the origin did
	}
	at := len(m.out)
	m.out = append(m.out, whole...)
	m.cover(m.out[at:])
	return len(whole)
}

// cover takes echoes out of a message with its head. A value that begins in the
// head, as a length spells it, makes this no message.
func (m *messages) cover(b []byte) {
	m.rw.Cover(b[messageHead:])
	head := [messageHead]byte(b)
	if slices.ContainsFunc(head[1:], func(c byte) bool { return c > ' ' }) {
		m.rw.Cover(b[:min(len(b), messageHead+4<<10)])
		if head != [messageHead]byte(b) {
			m.err = errFrames
		}
	}
}

func (m *messages) takeCompressed(b []byte, size int64) int {
	switch total := messageHead + size; {
	case m.coding == "" || strings.EqualFold(m.coding, "identity"):
		m.err = errCoding
	case size > maxExpanded:
		m.err = errExpanded
	case size > maxMessage && !m.claim():
		m.err = errNoRoom
	case int64(len(b)) >= total:
		m.waits = false
		text, err := m.decode(b[messageHead:total])
		if err != nil {
			m.err = err
			return 0
		}
		m.out = append(m.out, b[0]&^1)
		m.out = binary.BigEndian.AppendUint32(m.out, uint32(len(text)))
		m.out = append(m.out, text...)
		return int(total)
	case m.ended == io.EOF:
		m.err = io.ErrUnexpectedEOF
	case m.ended != nil:
		m.err = m.ended
	default:
		m.waits = true
	}
	return 0
}

// decode is what a compressed message holds, without echoes.
func (m *messages) decode(b []byte) ([]byte, error) {
	body, err := coding.Decode(m.coding, bytes.NewReader(b))
	if err != nil {
		return nil, errCoding
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxMessage+1))
	if err == nil && len(text) > maxMessage {
		if !m.claim() {
			return nil, errNoRoom
		}
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(body, maxExpanded-maxMessage))
		text = append(text, rest...)
	}
	switch {
	case errors.Is(err, coding.ErrTooLarge), len(text) > maxExpanded:
		return nil, errExpanded
	case err != nil:
		return nil, errCompressed
	case len(text) <= maxMessage:
		m.rw.Cover(text)
		return text, nil
	}
	r := redact.NewReader(bytes.NewReader(text), m.set)
	text, err = io.ReadAll(r)
	m.echoes.Add(r.Counts())
	return text, err
}

// longMessage is one that is passed on as it comes.
type longMessage struct {
	io.Reader
	limit  *io.LimitedReader // nil: it has no end
	search *redact.Reader    // nil: it passes as it is
	head   []byte            // what it has to begin with; nil once it did
}

// begin passes on size bytes behind the head in b, all that comes where size is -1.
func (m *messages) begin(b []byte, size int64, search bool) int {
	n := len(b)
	if size >= 0 {
		n = int(min(int64(len(b)), messageHead+size))
	}
	l := &longMessage{Reader: io.MultiReader(bytes.NewReader(bytes.Clone(b[:n])), behind{m})}
	if size >= 0 {
		l.limit = &io.LimitedReader{R: l.Reader, N: messageHead + size}
		l.Reader, l.head = l.limit, bytes.Clone(b[:messageHead])
	}
	if search {
		l.search = redact.NewReader(l.Reader, m.set)
		l.Reader = l.search
	}
	m.long = l
	return n
}

// behind is what comes of the source, and then its error.
type behind struct{ m *messages }

func (r behind) Read(b []byte) (int, error) {
	if r.m.ended != nil {
		return 0, r.m.ended
	}
	n, err := r.m.src.Read(b)
	r.m.ended = err
	return n, err
}

func (m *messages) readLong() {
	l := m.long
	b := slices.Grow(m.out[:0], atOnce)[:atOnce]
	least := 1
	if l.head != nil {
		least = messageHead
	}
	n, err := io.ReadAtLeast(l, b, least) // no end with bytes before it
	if l.head != nil && n >= messageHead && !bytes.Equal(l.head, b[:messageHead]) {
		m.err = errFrames
		return
	}
	l.head, m.out = nil, b[:n]
	if err == nil {
		return
	}
	if l.search != nil {
		m.echoes.Add(l.search.Counts())
	}
	m.long = nil
	switch {
	case err != io.EOF:
		m.err = err
	case l.limit == nil || l.limit.N > 0:
		m.err = m.ended // the origin's end, and not the message's
	}
}
