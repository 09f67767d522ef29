package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
)

// bodyMemory is the most that the process may ever have while bodies pass.
const bodyMemory = 64 << 20

// bodies sends a body up and another down, by each protocol, one after another.
func bodies(ctx context.Context, k *soak) error {
	base, err := k.proxy.settled(ctx)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, newText(k.body)); err != nil {
		return err
	}
	want := hex.EncodeToString(sum.Sum(nil))
	for _, name := range []string{http1, http2} {
		c := k.newClient(name, false)
		for _, way := range []struct {
			what string
			pass func(context.Context, *client, int64) (string, error)
		}{{"up", upload}, {"down", download}} {
			got, err := way.pass(ctx, c, k.body)
			if err != nil {
				return fmt.Errorf("%s over HTTP/%d: %w", way.what, c.proto, err)
			}
			peak, err := k.proxy.peak()
			if err != nil {
				return err
			}
			what := fmt.Sprintf("%s %s over HTTP/%d", mib(k.body), way.what, c.proto)
			k.hold("bodies", what+": its SHA-256", got[:16], want[:16], got == want)
			k.hold("bodies", what+": most memory so far", mib(peak), "under "+mib(bodyMemory), peak < bodyMemory)
		}
		c.close()
	}
	return k.back(ctx, "bodies", base)
}

// upload gives the digest of what the origin got.
func upload(ctx context.Context, c *client, n int64) (string, error) {
	resp, err := c.ask(ctx, http.MethodPost, "/up", newText(n), n)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	sum, err := io.ReadAll(resp.Body)
	return hexOnly(sum), err
}

// hexOnly is a digest, or what says that there is none.
func hexOnly(sum []byte) string {
	if len(sum) != 2*sha256.Size {
		return fmt.Sprintf("no digest: %.40q", sum)
	}
	return string(sum)
}

// download gives the digest of what we got.
func download(ctx context.Context, c *client, n int64) (string, error) {
	resp, err := c.ask(ctx, http.MethodGet, fmt.Sprintf("/down?n=%d", n), nil, 0)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	sum := sha256.New()
	_, err = io.CopyBuffer(sum, resp.Body, make([]byte, 64<<10))
	return hex.EncodeToString(sum.Sum(nil)), err
}
