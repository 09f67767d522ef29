package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// toxiproxy stands between us and an origin and does to the connection what
// networks do. Whatever happens: no value comes back, a part is never taken for
// the whole, every exchange ends, and nothing is kept of it.

const (
	toxicHost     = "toxic.interop.test"
	toxicRequests = 20
	toxicLimit    = 20 * time.Second // for one request
	idleLimit     = 3 * time.Minute  // connections to origins are kept for 90 seconds
)

// toxic is a fault; works says that exchanges have to come through it whole.
type toxic struct {
	kind       string
	attributes map[string]int
	works      bool
}

func toxics() []toxic {
	return []toxic{
		{"latency", map[string]int{"latency": 100, "jitter": 50}, true},
		{"bandwidth", map[string]int{"rate": 100}, true},
		{"slow_close", map[string]int{"delay": 500}, true},
		{"slicer", map[string]int{"average_size": 64, "size_variation": 32, "delay": 10}, true},
		{"timeout", map[string]int{"timeout": 300}, false},
		{"reset_peer", map[string]int{"timeout": 0}, false},
		{"limit_data", map[string]int{"bytes": 3000}, false},
	}
}

const nothingKept = "nothing is kept"

func runToxiproxy(ctx context.Context, s *stage) (results, error) {
	got := newResults()
	o, err := s.startOrigin(toxicHost, echoHandler(), "h2", "http/1.1")
	if err != nil {
		return got, err
	}
	defer o.close()
	ports := [2]string{} // of its interface, and of the proxy that it is
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return got, err
		}
	}
	p, err := server(ctx, s.dir, s.environ, "127.0.0.1:"+ports[0], s.tool("toxiproxy"), "-host", "127.0.0.1", "-port", ports[0])
	if err != nil {
		return got, err
	}
	defer p.Stop()
	t := toxiproxy("http://127.0.0.1:" + ports[0] + "/proxies")
	if err := t.ask(ctx, http.MethodPost, "", map[string]any{"name": "origin", "listen": "127.0.0.1:" + ports[1], "upstream": o.addr()}); err != nil {
		return got, err
	}
	d, err := s.open(ctx, net.JoinHostPort(toxicHost, ports[1]), "127.0.0.1:"+ports[1], true)
	if err != nil {
		return got, err
	}
	defer d.close()
	return got, s.faults(ctx, t, d, got)
}

func (s *stage) faults(ctx context.Context, t toxiproxy, d *door, got results) error {
	base, err := d.goroutines(ctx)
	if err != nil {
		return err
	}
	for _, fault := range toxics() {
		for _, direction := range []string{"upstream", "downstream"} {
			name := map[string]any{"name": "fault", "type": fault.kind, "stream": direction, "attributes": fault.attributes}
			if err := t.ask(ctx, http.MethodPost, "/origin/toxics", name); err != nil {
				return err
			}
			got.through[fault.kind+" "+direction] = s.underFault(ctx, d, fault.works)
			if err := t.ask(ctx, http.MethodDelete, "/origin/toxics/fault", nil); err != nil {
				return err
			}
		}
	}
	got.through["none any more"] = s.underFault(ctx, d, true)
	got.through[nothingKept], err = d.returns(ctx, base)
	return err
}

// echoHandler says what key it was asked with, and then enough for a fault to
// come in the middle of it.
func echoHandler() http.Handler {
	more := strings.Repeat("0123456789abcde\n", 1<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.Header.Get("X-Key") + "\n" + more
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = io.WriteString(w, text)
	})
}

// underFault makes requests, half of them over HTTP/2, and says what they met.
func (s *stage) underFault(ctx context.Context, d *door, works bool) string {
	for i := range toxicRequests {
		whole, err := s.oneEcho(ctx, d, i%2 == 0)
		var wrong *wrongEcho
		switch {
		case errors.As(err, &wrong):
			return wrong.Error()
		case works && !whole:
			return fmt.Sprintf("failed: %v", err)
		case errors.Is(err, context.DeadlineExceeded):
			return "hangs"
		}
	}
	return passed
}

// wrongEcho is a response that no fault excuses.
type wrongEcho struct{ what string }

func (w *wrongEcho) Error() string { return w.what }

// oneEcho makes a request on a connection of its own. whole: the echo came, with
// nothing of the value in it.
func (s *stage) oneEcho(ctx context.Context, d *door, http2 bool) (whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, toxicLimit)
	defer cancel()
	c, err := d.client()
	if err != nil {
		return false, err
	}
	defer c.CloseIdleConnections()
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+d.origin+"/", nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("X-Key", placeholder)
	resp, err := c.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case bytes.Contains(text, []byte(s.value)):
		return false, &wrongEcho{"the value came back"}
	case err != nil:
		return false, err
	case resp.StatusCode == http.StatusOK && len(text) != len(s.value)+1+16<<10:
		return false, &wrongEcho{fmt.Sprintf("%d bytes were taken for the whole", len(text))}
	case resp.StatusCode != http.StatusOK && resp.StatusCode < 500:
		return false, &wrongEcho{"status " + resp.Status}
	case resp.StatusCode != http.StatusOK:
		return false, errors.New(resp.Status)
	}
	return true, nil
}

var goroutinesLine = regexp.MustCompile(`(?m)^go_goroutines (\d+)$`)

// direct asks without a proxy, whatever variables name one.
func direct() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// goroutines is how many the proxy has, by its own metrics.
func (d *door) goroutines(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.proxy.Host+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := direct().Do(req)
	if err != nil {
		return 0, fmt.Errorf("read the proxy's metrics: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	m := goroutinesLine.FindSubmatch(text)
	if err != nil || m == nil {
		return 0, fmt.Errorf("the proxy's metrics name no goroutines: %w", err)
	}
	return strconv.Atoi(string(m[1]))
}

// returns waits until the proxy has no more goroutines than before.
func (d *door) returns(ctx context.Context, base int) (string, error) {
	n := 0
	for end := time.Now().Add(idleLimit); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(time.Second) {
		var err error
		if n, err = d.goroutines(ctx); err != nil {
			return "", err
		}
		if n <= base {
			return passed, nil
		}
	}
	return fmt.Sprintf("%d goroutines, and %d before", n, base), nil
}

// toxiproxy is the address of its interface.
type toxiproxy string

func (t toxiproxy) ask(ctx context.Context, method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, string(t)+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := direct().Do(req)
	if err != nil {
		return fmt.Errorf("ask toxiproxy: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		why, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("ask toxiproxy: %s: %s", resp.Status, why)
	}
	return nil
}
