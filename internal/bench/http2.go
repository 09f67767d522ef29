package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// HTTP/2 clients: net/http's, since only the proxy's time counts.

// http2 opens one connection of its own, on which all of its requests go.
func (d *dialer) http2() *http.Transport {
	cfg := d.tls.Clone()
	cfg.NextProtos = []string{"h2"}
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.dialTLS(ctx, cfg)
		},
		ForceAttemptHTTP2: true, DisableCompression: true,
	}
}

// overHTTP2 has each connection carry streams exchanges at a time, one after
// another, for as long as it is told.
func (p *peer) overHTTP2(ctx context.Context, url, authorization string, conns, streams int, d time.Duration) *load {
	ways := make([]*http.Transport, conns)
	for i := range ways {
		ways[i] = p.dial.http2()
		defer ways[i].CloseIdleConnections()
	}
	return clients(conns*streams, func(i int, l *load) {
		var took []time.Duration
		var err error
		for end := time.Now().Add(d); err == nil && ctx.Err() == nil && time.Now().Before(end); {
			t := time.Now()
			if err = getHTTP2(ctx, ways[i%conns], url, authorization, p.want); err == nil {
				took = append(took, time.Since(t))
			}
		}
		l.add(took, int64(len(took)), err)
	})
}

func getHTTP2(ctx context.Context, way http.RoundTripper, url, authorization string, want []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", authorization)
	resp, err := way.RoundTrip(req)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(resp.Body)
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return err
	case resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK || !bytes.Equal(got, want):
		return fmt.Errorf("%w: %s %s, it begins %q", errWrong, resp.Proto, resp.Status, got[:min(len(got), 60)])
	}
	return nil
}
