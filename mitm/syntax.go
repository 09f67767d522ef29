package mitm

import (
	"bytes"
	"mime"
	"net/http"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// syntax is how a body is written: what its values are, and what a text has to
// look like inside of one.
type syntax struct {
	kind   string                                        // of the places of values
	values func(placeholder.FieldValues) stream.Rewriter // nil: a body of this type has none
	escape func([]byte) ([]byte, error)                  // for body:any
	spells func(b []byte) bool                           // a placeholder may be written in b, in whatever way
	any    bool                                          // every occurrence may be a use
	framed bool                                          // its messages tell their length: a value would make that untrue
}

// bodySyntax reads the fields that say how a body is written.
func bodySyntax(h http.Header) syntax {
	if _, framed := framingOf(h); framed {
		return syntax{framed: true}
	}
	raw := syntax{kind: place.Body, escape: verbatim, spells: spellsPlain}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err != nil:
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return syntax{kind: place.Body, values: placeholder.NewJSON, escape: placeholder.EscapeJSON, spells: spellsJSON}
	case kind == "application/x-www-form-urlencoded":
		return syntax{kind: place.Form, values: placeholder.NewForm, escape: escapeQuery, spells: spellsForm}
	case kind == "multipart/form-data" && params["boundary"] != "":
		return syntax{kind: place.Form, escape: notHolding("--" + params["boundary"]), spells: spellsPlain,
			values: func(v placeholder.FieldValues) stream.Rewriter {
				return placeholder.NewMultipart(params["boundary"], v)
			}}
	}
	return raw
}

// isCoded reports whether a body comes compressed. In such a body nothing is
// looked for.
func isCoded(h http.Header) bool {
	for _, e := range h["Content-Encoding"] {
		if e != "" && !strings.EqualFold(e, "identity") {
			return true
		}
	}
	return false
}

// A cheap look at a body: nearly all name no placeholder. Only what escapes can
// hide from it is read twice.

func spellsPlain(b []byte) bool { return bytes.Contains(b, []byte(placeholder.Prefix)) }

func spellsJSON(b []byte) bool { return spellsPlain(b) || bytes.Contains(b, []byte(`\u00`)) }

func spellsForm(b []byte) bool {
	return placeholder.MayHold(string(b), placeholder.Plain|placeholder.Percent)
}

// notHolding refuses values that could end the part of a multipart body.
func notHolding(delimiter string) func([]byte) ([]byte, error) {
	return func(v []byte) ([]byte, error) {
		if bytes.Contains(v, []byte(delimiter)) {
			return nil, placeholder.ErrNotAllowed
		}
		return v, nil
	}
}

// gives says what takes the place of a use: nil leaves it as it is.
type gives func(u found) ([]byte, error)

// rewriter expands what give has values for: what is the whole of a value, and
// then, of what is left, every occurrence that a binding asks for in this way.
func (x *exchange) rewriter(s syntax, give gives) stream.Rewriter {
	named := placeholder.NewAny(func(name string) ([]byte, error) {
		v, err := give(x.use(name, place.Text, false, "body"))
		if v == nil || err != nil {
			return nil, err
		}
		return s.escape(v)
	})
	if s.values == nil {
		return named
	}
	return stream.Chain(s.values(func(name, field string) ([]byte, error) {
		v, err := give(x.use(name, place.Of(s.kind, field), true, s.kind))
		if err == nil && s.any && spellsPlain(v) {
			return nil, placeholder.ErrNotAllowed // the next rewriter would take it for the client's
		}
		return v, err
	}), named)
}
