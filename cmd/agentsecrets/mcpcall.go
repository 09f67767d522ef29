package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// How much of a body a model is given unless it asks for less, or for more; and how
// long an answer may take.
const (
	usualBody = 64 << 10
	mostBody  = 1 << 20
	usualTime = 60 * time.Second
	mostTime  = 600 * time.Second
)

type callAsked struct {
	URL       string            `json:"url" jsonschema:"an absolute URL, such as https://api.stripe.com/v1/balance"`
	Method    string            `json:"method,omitempty" jsonschema:"GET without it, or POST with a body"`
	Bearer    string            `json:"bearer,omitempty" jsonschema:"name of the secret for Authorization: Bearer"`
	Basic     string            `json:"basic,omitempty" jsonschema:"name of the secret for Authorization: Basic; it is kept as user:password"`
	Header    map[string]string `json:"header,omitempty" jsonschema:"header field: name of the secret"`
	Query     map[string]string `json:"query,omitempty" jsonschema:"query parameter: name of the secret, or a text"`
	BodyField map[string]string `json:"body_field,omitempty" jsonschema:"dotted path in the JSON body: name of the secret; parents are made"`
	FormField map[string]string `json:"form_field,omitempty" jsonschema:"field of a form body: name of the secret, or a text"`
	Body      *string           `json:"body,omitempty" jsonschema:"request body; one in JSON gets its Content-Type"`
	Forward   map[string]string `json:"forward_header,omitempty" jsonschema:"header field: text to send as it is"`
	MaxBytes  int               `json:"max_bytes,omitempty" jsonschema:"how much of the body of the response to return; 65536 without it, 1048576 at most"`
	Timeout   int               `json:"timeout_seconds,omitempty" jsonschema:"how long the whole answer may take; 60 without it, 600 at most"`
}

type callAnswer struct {
	Status       int         `json:"status"`
	Headers      http.Header `json:"headers"`
	Body         string      `json:"body"`
	BodyEncoding string      `json:"body_encoding,omitempty" jsonschema:"base64 where the body is no text"`
	Truncated    bool        `json:"truncated" jsonschema:"there was, or may have been, more of the body"`
	Note         string      `json:"note,omitempty" jsonschema:"what to know about the body"`
	Redacted     bool        `json:"redacted" jsonschema:"a value of a secret came back, and was taken out"`
	DurationMS   int64       `json:"duration_ms"`
	Exchange     string      `json:"exchange" jsonschema:"the ID of this exchange in the log"`
}

// toolRefusal is an error that has its final form.
type toolRefusal struct{ toolError }

func (r *toolRefusal) Error() string { return r.Slug + ": " + r.Message }

// call makes one request, as the command call does.
func (s *mcpServer) call(ctx context.Context, in callAsked) (callAnswer, error) {
	if err := in.check(); err != nil {
		return callAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, in.timeout())
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	req, done, err := s.app.callRequest(ctx, in.options())
	if err != nil {
		return callAnswer{}, err
	}
	defer done()
	w := s.app.newCallWriter(false)
	w.keeps, w.most, w.full = true, in.most(), cancel
	if s.inside {
		err = s.callOuter(ctx, w, req, in.styles())
	} else {
		err = s.callOwn(ctx, w, req, in.styles())
	}
	s.made(exchangeOf(w))
	return in.answer(w, ctx.Err(), err)
}

func (s *mcpServer) callOwn(ctx context.Context, w *callWriter, req *http.Request, styles style.Styles) error {
	h, run, err := s.open(ctx)
	if err != nil {
		return err
	}
	return w.exchange(func() *mitm.Result { return h.proxy.Call(w, req, run, styles) })
}

func (s *mcpServer) callOuter(ctx context.Context, w *callWriter, req *http.Request, styles style.Styles) error {
	if err := s.app.staysInRun(callOptions{origins: s.options.origins}); err != nil {
		return err
	}
	client, err := s.openOuter(ctx)
	if err != nil {
		return err
	}
	return s.app.throughRun(client, w, req, styles, s.options.token)
}

func (in callAsked) check() error {
	switch {
	case in.MaxBytes < 0 || in.MaxBytes > mostBody:
		return usage("max_bytes is a number from 1 to %d", mostBody)
	case in.Timeout < 0 || in.Timeout > int(mostTime/time.Second): // compared as seconds: as nanoseconds it may overflow
		return usage("timeout_seconds is a number from 1 to %d", mostTime/time.Second)
	}
	return nil
}

func (in callAsked) most() int {
	if in.MaxBytes == 0 {
		return usualBody
	}
	return in.MaxBytes
}

func (in callAsked) timeout() time.Duration {
	if in.Timeout == 0 {
		return usualTime
	}
	return time.Duration(in.Timeout) * time.Second
}

// options are those of the command. A file is none of them: its text would go to
// the host.
func (in callAsked) options() callOptions {
	o := callOptions{
		url: in.URL, method: in.Method,
		bodyField: slices.Sorted(maps.Keys(in.BodyField)), formField: slices.Sorted(maps.Keys(in.FormField)),
	}
	if in.Body != nil {
		o.body, o.hasBody = *in.Body, true
	}
	for _, field := range slices.Sorted(maps.Keys(in.Forward)) {
		o.forward = append(o.forward, field+": "+in.Forward[field])
	}
	return o
}

func (in callAsked) styles() style.Styles {
	return style.Styles{
		Bearer: in.Bearer, Basic: in.Basic,
		Header: pairs(in.Header), Query: pairs(in.Query), Body: pairs(in.BodyField), Form: pairs(in.FormField),
	}
}

// pairs are in one order, whatever the map's.
func pairs(of map[string]string) []style.Pair {
	var list []style.Pair
	for _, field := range slices.Sorted(maps.Keys(of)) {
		list = append(list, style.Pair{Field: field, Text: of[field]})
	}
	return list
}

// answer is what came back, or why nothing did. over is why the exchange had to end
// before the response did.
func (in callAsked) answer(w *callWriter, over, err error) (callAnswer, error) {
	late := errors.Is(over, context.DeadlineExceeded) && !w.truncated
	switch {
	case late && w.status == 0, late && w.refusal:
		return callAnswer{}, &toolRefusal{toolError{
			Slug: "origin_timeout", Message: fmt.Sprintf("nothing came back within %v", in.timeout()), Hint: "call with a longer timeout_seconds",
		}}
	case err != nil && !w.truncated:
		return callAnswer{}, err
	case w.result != nil && w.result.Refused != nil:
		p := w.result.Refused
		return callAnswer{}, &toolRefusal{toolError{Slug: p.Slug, Message: p.Message, Hint: p.Hint, Domain: p.Domain, Name: p.Name, Exchange: exchangeOf(w)}}
	case w.cut && !w.truncated && !late:
		return callAnswer{}, &toolRefusal{toolError{Slug: "origin_protocol", Message: "the API broke off in the middle of its response", Exchange: exchangeOf(w)}}
	}
	return in.filled(w, late), nil
}

func (in callAsked) filled(w *callWriter, late bool) callAnswer {
	if w.truncated || late {
		cutRune(w)
	}
	e := w.envelope()
	a := callAnswer{
		Status: e.Status, Headers: e.Headers, Body: e.Body, BodyEncoding: e.BodyEncoding, Truncated: w.truncated || late,
		Redacted: e.Redacted || redactions(w.header, w) > 0, DurationMS: e.DurationMS, Exchange: exchangeOf(w),
	}
	switch {
	case w.truncated:
		a.Note = fmt.Sprintf("these are the first %d bytes of the body, more were not read; max_bytes asks for more", w.body.Len())
	case late:
		a.Note = fmt.Sprintf("the response had not ended after %v: this is what had come", in.timeout())
	case a.BodyEncoding != "":
		a.Note = "the body is no text: these are its bytes in base64"
	}
	return a
}

// exchangeOf is the ID of an exchange, of one that did not come to its end too.
func exchangeOf(w *callWriter) string {
	if w.result != nil {
		return w.result.Exchange
	}
	return w.header.Get("AgentSecrets-Exchange")
}

// cutRune takes away what is left of a character that the end of a body cut in two: text stays text.
func cutRune(w *callWriter) {
	b := w.body.Bytes()
	for i := 1; i <= min(utf8.UTFMax, len(b)); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				w.body.Truncate(len(b) - i)
			}
			return
		}
	}
}
