package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Request says what to ask for, and in six styles where secrets go. The styles may be
// combined, and hold names of secrets; a text that is no such name is taken as it is.
type Request struct {
	URL    string
	Method string // default GET, or POST with a body

	Bearer    string            // Authorization: Bearer …
	Basic     string            // Authorization: Basic …; the secret is kept as user:password
	Header    map[string]string // field to name
	Query     map[string]string // parameter to name
	BodyField map[string]string // dotted path in a JSON body to name
	FormField map[string]string // field of a form to name

	// Body is sent as it is if it is a []byte, a string or an io.Reader; anything
	// else is sent as JSON.
	Body any

	ForwardHeader http.Header // fields that are sent as they are
}

// Response is what the API answered, without echoes. It has no field for a value.
type Response struct {
	StatusCode int
	Headers    http.Header
	Body       []byte
	Redacted   bool   // an echo of a value was taken out
	DurationMS int64  // from the request to the end of the body
	Exchange   string // ID in the audit log, for Explain
}

// JSON reads the body into v.
func (r *Response) JSON(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return &Error{Slug: "not_json", Status: r.StatusCode, Exchange: r.Exchange, Message: "the body of the response is not the JSON that was expected"}
	}
	return nil
}

// Text is the body.
func (r *Response) Text() string { return string(r.Body) }

// Call makes one request. Redirects are not followed: where a secret goes is decided for
// each URL. A status of 400 and above is a [*UpstreamError]; the response is returned
// with it. Where ctx ends first, the exchange does, and its error is returned.
func (c *Client) Call(ctx context.Context, r Request) (*Response, error) {
	p, err := r.prepare()
	if err != nil {
		return nil, err
	}
	resp, err := c.exchange(ctx, r, p)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = upstream(r.URL, resp)
	}
	return resp, err
}

// exchange is tried again where the proxy is another than before, and nothing was sent.
func (c *Client) exchange(ctx context.Context, r Request, p *prepared) (*Response, error) {
	if in := c.settings.standIn; in.Call != nil {
		return in.Call(ctx, r)
	}
	resp, err := c.callOnce(ctx, p)
	var stale *staleError
	if errors.As(err, &stale) {
		resp, err = c.callOnce(ctx, p)
	}
	if errors.As(err, &stale) {
		err = stale.error
	}
	return resp, err
}

// staleError: the way to the proxy leads nowhere any more.
type staleError struct{ error }

func (c *Client) callOnce(ctx context.Context, p *prepared) (*Response, error) {
	w, fresh, err := c.way(ctx)
	if err != nil {
		return nil, err
	}
	key := c.wayKey()
	req, err := p.request(ctx, w, c.settings)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	resp, err := (&http.Client{Transport: c.direct, CheckRedirect: notFollowed}).Do(req)
	if err != nil {
		return nil, c.unanswered(ctx, err, key, w, fresh)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &Error{Slug: "origin_protocol", Status: resp.StatusCode, Exchange: resp.Header.Get(exchangeField), Message: "the API broke off in the middle of its response"}
	}
	if refusal := refusalIn(resp, body); refusal != nil {
		err := refusal.by("call", c, w.port()).Typed()
		if !fresh && refusal.staleWay() {
			c.ways.drop(key, w)
			return nil, &staleError{err}
		}
		return nil, err
	}
	return answered(resp, body, time.Since(start)), nil
}

func notFollowed(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// unanswered says why no response came.
func (c *Client) unanswered(ctx context.Context, err error, key wayKey, w *way, fresh bool) error {
	c.ways.drop(key, w)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.ECONNREFUSED) && fresh:
		return notRunning(w.port())
	case errors.Is(err, syscall.ECONNREFUSED):
		return &staleError{notRunning(w.port())}
	}
	return unreachable(w.port(), "it gave no answer")
}

const (
	exchangeField = "Agentsecrets-Exchange"
	redactedField = "Agentsecrets-Redacted"
	problemType   = "application/problem+json"
	marker        = "[REDACTED_BY_AGENTSECRETS]"
)

// answered is the API's response.
func answered(resp *http.Response, body []byte, took time.Duration) *Response {
	r := &Response{
		StatusCode: resp.StatusCode, Headers: resp.Header, Body: body, DurationMS: took.Milliseconds(),
		Exchange: resp.Header.Get(exchangeField),
	}
	in, _ := strconv.Atoi(resp.Header.Get(redactedField))
	all, err := strconv.Atoi(resp.Trailer.Get(redactedField))
	if err != nil { // a proxy that sends no trailer
		all = bytes.Count(body, []byte(marker))
	}
	r.Redacted = in+all > 0
	r.Headers.Del(exchangeField)
	r.Headers.Del(redactedField)
	return r
}

// refusalIn reads what the proxy itself answered: what comes from an origin has an
// exchange in its head, which the origin cannot know and so not have in its body.
func refusalIn(resp *http.Response, body []byte) *Error {
	if resp.Header.Get("Content-Type") != problemType {
		return nil
	}
	var p struct{ Error, Message, Hint, Domain, Name, Exchange string }
	if json.Unmarshal(body, &p) != nil || p.Exchange != resp.Header.Get(exchangeField) {
		return nil
	}
	return &Error{
		Slug: p.Error, Message: strings.TrimSpace(p.Message), Status: resp.StatusCode, Fix: p.Hint,
		Domain: p.Domain, Name: p.Name, Exchange: p.Exchange,
	}
}

// staleWay reports whether the proxy does not know the credential any more, or that the
// project file is another one. It has sent nothing.
func (e *Error) staleWay() bool {
	return e.Slug == "proxy_credential_required" || e.Slug == "project_not_found"
}
