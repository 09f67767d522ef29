package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"

	"github.com/gobwas/ws/wsutil"

	"github.com/agentsecrets/agentsecrets/internal/canary"
)

// doctorProbe is one request of the doctor, and where in its response an echo stands.
type doctorProbe struct {
	what    string // "the body, gzip"
	path    string
	coding  string
	version int // of HTTP that alone has this place; 0: both
	forms   func(value string) []canary.Form
	between string
	read    func(*http.Response, *doctorEarly) (string, error)
}

// doctorEarly is what came before a response.
type doctorEarly struct{ link string }

func doctorProbes() []doctorProbe {
	field := func(name, before string) func(*http.Response, *doctorEarly) (string, error) {
		return func(resp *http.Response, _ *doctorEarly) (string, error) {
			text, ok := strings.CutPrefix(resp.Header.Get(name), before)
			if !ok {
				return "", fmt.Errorf("there is no field %s", name)
			}
			return text, nil
		}
	}
	list := []doctorProbe{
		{what: "the body", path: canary.InBody, forms: canary.Forms, between: "\n", read: wholeBody},
		{what: "the body, in pieces", path: canary.InStream, forms: canary.Streamed, between: "\n", read: wholeBody},
		{what: "a field", path: canary.InHeader, forms: canary.Fields, between: " ", read: field("X-Echo", "")},
		{what: "a cookie", path: canary.InCookie, forms: canary.Fields, between: " ", read: field("Set-Cookie", "s=")},
		{what: "Location", path: canary.InLocation, forms: canary.Fields, between: " ", read: field("Location", "/")},
		{what: "a trailer", path: canary.InTrailer, forms: canary.Fields, between: " ", read: trailer},
		{what: "a 103", path: canary.InEarly, forms: canary.Fields, between: " ", read: early},
		{what: "the reason phrase", path: canary.InReason, version: 1, forms: canary.Fields, between: " ", read: reason},
		{what: "a text message of WebSocket", path: canary.InWebSocket, version: 1, forms: canary.Fields, between: " ", read: message(0)},
		{what: "a binary message of WebSocket", path: canary.InWebSocket, version: 1, forms: canary.Forms, between: "\n", read: message(1)},
		{what: "a message of gRPC", path: canary.InGRPC, version: 2, forms: canary.Streamed, between: "\n", read: grpcMessage},
	}
	for _, c := range canary.Codings() {
		list = append(list, doctorProbe{what: "the body, " + c, path: canary.InBody, coding: c, forms: canary.Streamed, between: "\n", read: wholeBody})
	}
	return list
}

func wholeBody(resp *http.Response, _ *doctorEarly) (string, error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(b), err
}

func trailer(resp *http.Response, _ *doctorEarly) (string, error) {
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	return resp.Trailer.Get("X-Echo"), nil
}

func early(_ *http.Response, e *doctorEarly) (string, error) { return e.link, nil }

func reason(resp *http.Response, _ *doctorEarly) (string, error) {
	return strings.TrimPrefix(resp.Status, "200 "), nil
}

// message is the n-th message of a WebSocket.
func message(n int) func(*http.Response, *doctorEarly) (string, error) {
	return func(resp *http.Response, _ *doctorEarly) (string, error) {
		conn, ok := resp.Body.(io.ReadWriter)
		if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
			return "", problemOf(resp)
		}
		for ; ; n-- {
			b, _, err := wsutil.ReadServerData(conn)
			if n == 0 || err != nil {
				return string(b), err
			}
		}
	}
}

func grpcMessage(resp *http.Response, _ *doctorEarly) (string, error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	const head = 5
	if len(b) < head || int(binary.BigEndian.Uint32(b[1:head])) != len(b)-head {
		return "", errors.New("the message is cut")
	}
	return string(b[head:]), nil
}

// ask makes the request of a probe over one version of HTTP, and says which forms
// of the value came back.
func (p *doctorPath) ask(ctx context.Context, probe doctorProbe, version int) doctorCheck {
	c := doctorCheck{What: fmt.Sprintf("HTTP/%d: nothing comes back in %s", version, probe.what)}
	forms := probe.forms(p.value)
	c.Cells = len(forms)
	got, err := p.exchange(ctx, probe, version)
	if err != nil {
		c.Detail = strings.ReplaceAll(err.Error(), p.value, "<the value>")
		return c
	}
	c.Missed = canary.Missed(forms, probe.between, got)
	c.Covered = c.Cells - len(c.Missed)
	c.OK = len(c.Missed) == 0 && c.Cells > 0
	return c
}

func (p *doctorPath) exchange(ctx context.Context, probe doctorProbe, version int) (string, error) {
	host := doctorHost(version)
	e := &doctorEarly{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		e.link += h.Get("Link")
		return nil
	}})
	req, err := p.request(ctx, host, probe.path, probe.coding)
	if err != nil {
		return "", err
	}
	switch probe.path {
	case canary.InWebSocket:
		req.Method, req.Body, req.ContentLength = http.MethodGet, nil, 0
		for name, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
			req.Header.Set(name, v)
		}
	case canary.InGRPC:
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 5))), 5
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
	}
	t := p.client(host, version)
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return "", problemOf(resp)
	}
	if resp.ProtoMajor != version {
		return "", fmt.Errorf("the response is of %s", resp.Proto)
	}
	return probe.read(resp, e)
}

// sent says whether the origin of one version of HTTP got the value in each place.
func (p *doctorPath) sent(version int) doctorCheck {
	c := doctorCheck{What: fmt.Sprintf("HTTP/%d: the origin gets the value", version), Cells: 3}
	got := p.origins[doctorHost(version)].Got()
	for _, place := range []struct{ name, text string }{{"a header field", got.Header}, {"the query", got.Query}, {"the body", got.Body}} {
		if place.text == p.value {
			c.Covered++
		} else {
			c.Missed = append(c.Missed, place.name)
		}
	}
	c.OK = c.Covered == c.Cells
	return c
}
