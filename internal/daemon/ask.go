package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Ask asks the daemon of home how it is.
func Ask(ctx context.Context, home string) (Status, error) {
	var st Status
	err := request(ctx, home, http.MethodGet, "/status", nil, &st)
	return st, err
}

// Open asks the daemon of home for a credential.
func Open(ctx context.Context, home string, w Wanted) (Access, error) {
	var a Access
	err := request(ctx, home, http.MethodPost, "/access", w, &a)
	return a, err
}

// Reload has the daemon of home read again what it read when it started.
func Reload(ctx context.Context, home string) error {
	return request(ctx, home, http.MethodPost, "/reload", nil, nil)
}

// RefusedError is the daemon's refusal of a request.
type RefusedError struct {
	Slug   string `json:"slug,omitempty"` // "" where there is none, and of earlier versions
	Reason string `json:"error"`
	Way    string `json:"hint"`
}

func (e *RefusedError) Error() string {
	if e.Slug == "" {
		return e.Reason
	}
	return e.Slug + ": " + e.Reason
}

// Hint is the command that would help, "" if there is none.
func (e *RefusedError) Hint() string { return e.Way }

// Stop tells the daemon of home to finish, to let exchanges under way take drain
// (as long as usual if it is negative), and waits until it has ended.
func Stop(ctx context.Context, home string, drain time.Duration) error {
	path, told := "/stop", stopping{}
	if drain >= 0 {
		path += "?drain=" + drain.String()
	}
	if err := request(ctx, home, http.MethodPost, path, nil, &told); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for taken(home) {
		if st, err := Load(home); err == nil && st.PID != told.PID {
			return nil // another has begun already
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the proxy to end: %w", ctx.Err())
		}
	}
	return nil
}

// request sends in, and reads the answer into out, each as JSON unless it is nil.
func request(ctx context.Context, home, method, path string, in, out any) error {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, home) },
	}}
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("ask the proxy: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://proxy"+path, &body)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrNotRunning
	}
	if err != nil {
		return fmt.Errorf("ask the proxy: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return refusal(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("read the proxy's answer: %w", err)
	}
	return nil
}

func refusal(resp *http.Response) error {
	var r RefusedError
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxRequest)).Decode(&r); err != nil || r.Reason == "" {
		return fmt.Errorf("the proxy answers with status %d: it may be of another version", resp.StatusCode)
	}
	return &r
}

// dial connects to the control socket and makes sure that it is ours: a socket
// could have been put there by somebody else.
func dial(ctx context.Context, home string) (net.Conn, error) {
	path, done, err := socketPath(home)
	if err != nil {
		return nil, err
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if p, err := peerCredentials(conn); err != nil || !p.own {
		conn.Close()
		return nil, errors.New("the control socket belongs to another user")
	}
	return conn, nil
}
