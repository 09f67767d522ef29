package mitm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/placeholder"
	"github.com/agentsecrets/agentsecrets/redact"
)

// Messages of WebSocket are bodies in small. A text is read as JSON, and a string in
// it that is a placeholder and nothing else is a use, as is a message that is
// nothing else; so is, where a binding says body:any, every occurrence in a
// message of either kind. Their places are those of a body, their method and path
// those of the request that asked for the upgrade.

// fromClient is what the client says.
type fromClient struct{ x *exchange }

func (c fromClient) begin(h ws.Header) (passes bool, rw stream.Rewriter) {
	return h.OpCode != ws.OpText && !(h.OpCode == ws.OpBinary && c.x.anywhere), nil
}

func (fromClient) pass(dst *frames, h ws.Header, src io.Reader) error { return dst.stream(h, src) }

func (c fromClient) whole(op ws.OpCode, message []byte) ([]byte, error) {
	return c.x.expandMessage(op, message)
}

// long lets text pass. A use ends the connection: were it in what came so far,
// nothing of that has been sent.
func (c fromClient) long(op ws.OpCode, began []byte) stream.Rewriter {
	x := c.x
	x.again = 0
	return x.rewriter(messageSyntax(op, began, x.anywhere), x.locked(func(u found) ([]byte, error) {
		v, err := x.refuseLong(u)
		if err == nil {
			x.mentionedIn(u)
		}
		return v, err
	}))
}

// broken: a server has to refuse such a text, so that nothing in it is a use.
func (fromClient) broken() stream.Rewriter { return asIs{} }

func (fromClient) holds(int) {}

// asIs changes nothing.
type asIs struct{}

func (asIs) Feed(dst, b []byte) ([]byte, error) { return append(dst, b...), nil }
func (asIs) Flush(dst []byte) ([]byte, error)   { return dst, nil }

// messageSyntax reads from a message how it is written, since nothing else says so.
func messageSyntax(op ws.OpCode, b []byte, anywhere bool) syntax {
	s := syntax{kind: place.Body, escape: verbatim, spells: spellsPlain, any: anywhere}
	switch name, ok := strings.CutPrefix(string(b[:min(len(b), maxPlaceholder+1)]), placeholder.Prefix); {
	case op != ws.OpText:
		return s
	case ok && placeholder.Valid(name):
		s.values, s.escape = wholeText, validText
		return s
	case anywhere && !isJSON(b):
		s.escape = validText
	default:
		s.escape = placeholder.EscapeJSON
	}
	s.values, s.spells = placeholder.NewJSON, spellsJSON
	return s
}

const maxPlaceholder = len(placeholder.Prefix) + placeholder.MaxName

// wholeText expands a text that is one placeholder.
func wholeText(v placeholder.FieldValues) stream.Rewriter {
	return placeholder.NewAny(func(name string) ([]byte, error) {
		b, err := v(name, "")
		if b == nil || err != nil {
			return nil, err
		}
		return validText(b)
	})
}

// validText refuses what no text may hold (RFC 6455, 8.1).
func validText(v []byte) ([]byte, error) {
	if !utf8.Valid(v) {
		return nil, placeholder.ErrNotAllowed
	}
	return v, nil
}

// isJSON reports whether b is nothing but JSON texts, one after the other, as
// Socket.IO sends them, or with the separators of SignalR behind.
func isJSON(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimRight(b, "\x1e")))
	for {
		var text json.RawMessage
		if err := d.Decode(&text); err != nil {
			return err == io.EOF
		}
	}
}

// expandMessage puts values into a message, once all of it has been decided about.
func (x *exchange) expandMessage(op ws.OpCode, b []byte) ([]byte, error) {
	s := messageSyntax(op, b, x.anywhere)
	if !s.spells(b) {
		return b, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.again = 0
	var uses []found
	if _, err := rewrite(x.rewriter(s, x.collector(&uses)), b); err != nil {
		return nil, messageProblem(err)
	}
	if len(uses) == 0 {
		return b, nil
	}
	if err := x.decideMessage(uses); err != nil {
		return nil, err
	}
	out, err := rewrite(x.rewriter(s, x.decided), b)
	if err != nil {
		return nil, messageProblem(err)
	}
	if err := x.release(); err != nil {
		return nil, err
	}
	return out, nil
}

// decideMessage is decide and record for the uses of one message. Values
// are resolved anew: a connection may be open for longer than they are good. It
// counts for itself against what an agent may. x.mu is held.
func (x *exchange) decideMessage(uses []found) error {
	clear(x.values)
	x.counted = false
	x.given = 0
	if err := x.decide(x.run.live, uses); err != nil {
		return err
	}
	if !x.guarded {
		return &Problem{
			Status: http.StatusForbidden, Slug: "domain_not_in_allowlist", Name: uses[0].Name, Domain: x.domain(),
			Message: "the connection was opened when no value might go to this host; a new one is needed",
		}
	}
	seen := noted{}
	var event []found
	for _, u := range uses {
		if err := x.checkSent(u); err != nil {
			return err
		}
		if seen.add(u) {
			event = append(event, u)
		}
	}
	return x.recordUses(event)
}

func messageProblem(err error) *Problem {
	p := Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: "the message could not be read"}
	if errors.Is(err, placeholder.ErrNotAllowed) {
		p = Problem{Status: http.StatusUnprocessableEntity, Slug: "value_not_allowed_in_place", Message: "the value holds bytes that cannot stand in this message"}
	}
	return asProblem(err, p)
}

// fromOrigin is what the origin says.
type fromOrigin struct {
	x  *exchange
	rw *redact.Rewriter // of the message that streams
}

// begin: an origin that was given nothing yet waits for nothing.
func (o *fromOrigin) begin(h ws.Header) (passes bool, rw stream.Rewriter) {
	switch empty := o.x.run.released.Empty(); {
	case h.Fin && (empty || h.Length > maxMessage):
		return true, nil
	case empty:
		return false, o.rewriter()
	}
	return false, nil
}

// pass covers echoes in one frame: the head stays true, since the length does.
func (o *fromOrigin) pass(dst *frames, h ws.Header, src io.Reader) error {
	payload := redact.NewBodyReader(src, o.x.released, h.Length)
	err := dst.stream(h, budgeted{payload, o.x})
	o.x.echoes.Add(payload.Counts())
	return err
}

func (o *fromOrigin) whole(_ ws.OpCode, message []byte) ([]byte, error) {
	r := redact.NewBodyReader(bytes.NewReader(message), o.x.released, int64(len(message)))
	out := make([]byte, len(message))
	_, err := io.ReadFull(budgeted{r, o.x}, out)
	o.x.echoes.Add(r.Counts())
	return out, err
}

func (o *fromOrigin) long(ws.OpCode, []byte) stream.Rewriter { return o.rewriter() }

// broken: what no value has in it parts what is before from what is behind.
func (o *fromOrigin) broken() stream.Rewriter {
	if !o.x.run.released.ASCII() {
		return nil
	}
	return o.rewriter()
}

func (o *fromOrigin) holds(n int) { o.x.heldBack(n) }

func (o *fromOrigin) rewriter() stream.Rewriter {
	o.count()
	o.rw = o.x.released.Rewriter()
	return budgetedRewriter{o.rw, o.x}
}

func (o *fromOrigin) count() {
	if o.rw != nil {
		o.x.echoes.Add(o.rw.Counts())
		o.rw = nil
	}
}

func (o *fromOrigin) end() {
	o.count()
	o.x.heldBack(0)
}
