package client

import (
	"errors"
	"net/http"
	"syscall"
)

// HTTPClient is for libraries that take one: its requests go through the proxy, which puts
// values where placeholders stand in header, query, body or Basic and takes echoes out of
// what comes back. A refusal is a response of the type application/problem+json, as
// docs/errors.md lists them; [Refusal] reads it. The proxy is looked for, and started, by
// the first request.
func (c *Client) HTTPClient() *http.Client {
	return &http.Client{Transport: forwarder{c}}
}

// forwarder finds its way to the proxy when there is something to send.
type forwarder struct{ c *Client }

func (f forwarder) RoundTrip(req *http.Request) (*http.Response, error) {
	if t := f.c.settings.standIn.Transport; t != nil {
		return t.RoundTrip(req)
	}
	w, fresh, err := f.c.way(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	key := f.c.wayKey()
	resp, err := w.forward.RoundTrip(req)
	if err == nil || req.Context().Err() != nil {
		return resp, err
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nil, err
	}
	f.c.ways.drop(key, w)
	if fresh || req.Body != nil && req.GetBody == nil {
		return nil, notRunning(w.port())
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	if w, _, err = f.c.way(req.Context()); err != nil {
		closeBody(again)
		return nil, err
	}
	return w.forward.RoundTrip(again)
}

// CloseIdleConnections is what http.Client calls.
func (f forwarder) CloseIdleConnections() { f.c.ways.closeIdle() }

// closeBody is what a RoundTripper owes its caller.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
