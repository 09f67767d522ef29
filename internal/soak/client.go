package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/redact"
)

// patience is how long what is stuck is waited for: a slow machine is no fault.
const patience = 60 * time.Second

// client is one connection, and never a second: one that is lost is noticed.
type client struct {
	way    *http.Transport
	base   string // URL of the origin
	proto  int
	dialed bool
	used   time.Time
}

// newClient speaks the protocol that name says, through the proxy or straight.
func (k *soak) newClient(name string, straight bool) *client {
	c := &client{base: "https://" + k.origin.authority(name), proto: 1}
	c.way = &http.Transport{
		DisableCompression: true, TLSHandshakeTimeout: patience, Protocols: new(http.Protocols),
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if c.dialed {
				return nil, errors.New("the connection was lost")
			}
			c.dialed = true
			if straight {
				addr = k.origin.listener.Addr().String()
			}
			return (&net.Dialer{Timeout: patience}).DialContext(ctx, network, addr)
		},
	}
	roots := x509.NewCertPool()
	if straight {
		roots.AppendCertsFromPEM(k.origin.root.PEM())
	} else {
		roots, c.way.Proxy = k.proxy.roots, http.ProxyURL(k.proxy.url)
	}
	c.way.TLSClientConfig = &tls.Config{RootCAs: roots}
	c.way.Protocols.SetHTTP1(name == http1)
	c.way.Protocols.SetHTTP2(name == http2)
	if name == http2 {
		c.proto = 2
	}
	return c
}

func (c *client) close() { c.way.CloseIdleConnections() }

// ask sends a request with a placeholder, and gets a response as it has to be.
func (c *client) ask(ctx context.Context, method, target string, body io.Reader, length int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+target, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+placeholder)
	if body != nil {
		req.ContentLength = length
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.way.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != c.proto {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		resp.Body.Close()
		return nil, fmt.Errorf("%s %s: %q", resp.Proto, resp.Status, text)
	}
	return resp, nil
}

// echo has the value go to the origin and come back, and tells how long it took.
func (c *client) echo(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	resp, err := c.ask(ctx, http.MethodGet, "/echo", nil, 0)
	if err != nil {
		return 0, err
	}
	got, err := io.ReadAll(resp.Body)
	took := time.Since(began)
	resp.Body.Close()
	c.used = time.Now()
	if want := "Bearer " + redact.Marker; err != nil || len(got) < len(want) || string(got[:len(want)]) != want {
		return took, fmt.Errorf("the echo is %q, %w", got, cmp.Or(err, errors.New("not redacted")))
	}
	return took, nil
}

// release has one value go out by each protocol, and leaves the proxy without
// connections.
func (k *soak) release(ctx context.Context) error {
	for _, name := range []string{http1, http2} {
		c := k.newClient(name, false)
		_, err := c.echo(ctx)
		c.close()
		if err != nil {
			return err
		}
	}
	return k.renew(ctx)
}

// renew has the proxy close its idle connections to origins: by itself it keeps
// them for a minute and a half.
func (k *soak) renew(ctx context.Context) error {
	_, err := k.home.do(ctx, "proxy", "reload")
	return err
}

// percentile is the time that p of a hundred took at most.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)-1, len(s)*p/100)]
}
