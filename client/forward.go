package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
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
	why := staleness(resp, err, w)
	if why == nil {
		return resp, err
	}
	f.c.ways.drop(key, w)
	if fresh || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return resp, why.error
	}
	if resp != nil {
		resp.Body.Close()
	}
	return f.again(req)
}

// staleness says why a way leads nowhere any more, nil if it does: then nothing was sent.
func staleness(resp *http.Response, err error, w *way) *staleError {
	var stale *staleError
	var refusal *Error
	switch {
	case errors.As(err, &stale): // of CONNECT
		return stale
	case errors.Is(err, syscall.ECONNREFUSED):
		return &staleError{notRunning(w.port())}
	case err == nil && errors.As(Refusal(resp), &refusal) && refusal.staleWay() && (refusal.Exchange != "" || resp.Request.URL.Scheme == "http"):
		return &staleError{} // the response tells it; within a tunnel, one without an exchange is of a host that is relayed
	}
	return nil
}

// again sends req by a way that is looked for anew.
func (f forwarder) again(req *http.Request) (*http.Response, error) {
	w, _, err := f.c.way(req.Context())
	if err != nil {
		return nil, err
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	resp, err := w.forward.RoundTrip(again)
	var stale *staleError
	if errors.As(err, &stale) {
		err = stale.error
	}
	return resp, err
}

// Refusal is what a response of an HTTPClient says if it is the proxy's own, and not the
// API's: the error that Call would return, else nil. The body can still be read.
func Refusal(resp *http.Response) error {
	if resp.Header.Get("Content-Type") != problemType {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
	if err != nil {
		return nil
	}
	if e := refusalIn(resp, body); e != nil {
		return e.by("call", &Client{}, 0).Typed()
	}
	return nil
}

// maxProblem is more than any refusal has.
const maxProblem = 64 << 10

// refusedTunnel is what a proxy that makes no tunnel says.
func refusedTunnel(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	port, _ := strconv.Atoi(proxy.Port())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return unreachable(port, "it gave no whole answer")
	}
	e := refusalIn(resp, body)
	switch {
	case e == nil:
		return unreachable(port, "it does not answer as the proxy does")
	case e.staleWay():
		return &staleError{e.by("call", &Client{}, port).Typed()}
	}
	return e.by("call", &Client{}, port).Typed()
}

// CloseIdleConnections is what http.Client calls.
func (f forwarder) CloseIdleConnections() { f.c.ways.closeIdle() }

// closeBody is what a RoundTripper owes its caller.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
