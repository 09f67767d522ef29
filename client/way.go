package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

// way is how a client gets to a proxy: its URL with the credential that says for which
// project, and the roots by which its certificates are trusted.
type way struct {
	proxy   *url.URL
	forward *http.Transport
}

// port is where the proxy listens.
func (w *way) port() int {
	n, _ := strconv.Atoi(w.proxy.Port())
	return n
}

// ways are those that were found. One is looked for at a time, so that a proxy is
// started once.
type ways struct {
	turn chan struct{}

	mu    sync.Mutex
	found map[wayKey]*way
}

// wayKey: the project may be that of the working directory.
type wayKey struct {
	at  scope
	dir string
}

func newWays() ways { return ways{turn: make(chan struct{}, 1), found: map[wayKey]*way{}} }

func (s *ways) get(k wayKey) *way {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[k]
}

func (s *ways) put(k wayKey, w *way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[k] = w
}

// drop forgets w, if it is still the one.
func (s *ways) drop(k wayKey, w *way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found[k] == w {
		delete(s.found, k)
		w.forward.CloseIdleConnections()
	}
}

func (s *ways) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.found {
		w.forward.CloseIdleConnections()
	}
	clear(s.found)
}

func (s *ways) closeIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.found {
		w.forward.CloseIdleConnections()
	}
}

func (c *Client) wayKey() wayKey {
	dir := c.settings.dir
	if dir == "" {
		dir, _ = os.Getwd()
	}
	return wayKey{c.at, dir}
}

// way finds the way to the proxy, and starts it if it does not run. fresh: it was found
// just now.
func (c *Client) way(ctx context.Context) (w *way, fresh bool, err error) {
	k := c.wayKey()
	if w := c.ways.get(k); w != nil {
		return w, false, nil
	}
	select {
	case c.ways.turn <- struct{}{}:
		defer func() { <-c.ways.turn }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	if w := c.ways.get(k); w != nil {
		return w, false, nil
	}
	if w, err = c.findWay(ctx); err != nil {
		return nil, false, err
	}
	c.ways.put(k, w)
	return w, true, nil
}

func (c *Client) findWay(ctx context.Context) (*way, error) {
	if c.settings.proxyURL != "" {
		return newWay(c.settings.proxyURL, c.settings.roots)
	}
	w, err := c.askWay(ctx)
	var stopped *NotRunningError
	if errors.As(err, &stopped) && stopped.cause.ExitCode == exitUnreachable {
		if c.settings.noStart {
			return nil, notRunning(c.settings.port)
		}
		if _, err := c.unscoped().startProxy(ctx); err != nil {
			return nil, err
		}
		w, err = c.askWay(ctx)
	}
	if err != nil {
		if own := c.runsWay(err); own != nil {
			return own, nil
		}
		return nil, err
	}
	if c.settings.portSaid && w.port() != c.settings.port {
		return nil, unreachable(c.settings.port, "the proxy listens on port "+w.proxy.Port())
	}
	return w, nil
}

// askWay asks the command, which asks the proxy.
func (c *Client) askWay(ctx context.Context) (*way, error) {
	args := []string{"proxy", "env", "--shell", "docker"} // all variables, not only those that differ
	out, err := c.run(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	var vars struct{ Set map[string]string }
	if json.Unmarshal(out, &vars) != nil || vars.Set["HTTPS_PROXY"] == "" || vars.Set["AGENTSECRETS_CA"] == "" {
		return nil, misread(args)
	}
	return wayOf(vars.Set["HTTPS_PROXY"], vars.Set["AGENTSECRETS_CA"])
}

// runsWay is that of the run that we are in: the command gives none there. A program in
// a run cannot choose its project.
func (c *Client) runsWay(why error) *way {
	var denied *PermissionDeniedError
	var none *NotRunningError
	refused := errors.As(why, &denied) || errors.As(why, &none) && none.cause.ExitCode == 0 // there is no command
	if !refused || c.at != (scope{}) {
		return nil
	}
	w, err := wayOf(os.Getenv("HTTPS_PROXY"), os.Getenv("AGENTSECRETS_CA"))
	if err != nil {
		return nil
	}
	return w
}

func wayOf(proxyURL, rootsFile string) (*way, error) {
	roots, err := os.ReadFile(rootsFile)
	if err != nil {
		return nil, &Error{Slug: "proxy_unreachable", Message: "the proxy's root certificate cannot be read"}
	}
	return newWay(proxyURL, roots)
}

func newWay(proxyURL string, roots []byte) (*way, error) {
	u, err := url.Parse(proxyURL)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, &Error{Slug: "proxy_unreachable", Message: "what is said to be the proxy's URL is none"}
	}
	pool, err := x509.SystemCertPool() // hosts may be relayed to as they are
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(roots) {
		return nil, &Error{Slug: "proxy_unreachable", Message: "what is said to be the proxy's root certificate is none"}
	}
	return &way{u, &http.Transport{
		Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		OnProxyConnectResponse: refusedTunnel, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 16,
	}}, nil
}

// unscoped is c without what it is bound to: the proxy serves all projects.
func (c *Client) unscoped() *Client { return &Client{c.shared, scope{}} }

func (c *Client) startProxy(ctx context.Context) (ProxyStatus, error) {
	args := []string{"proxy", "start"}
	if c.settings.portSaid {
		args = append(args, "--port", strconv.Itoa(c.settings.port))
	}
	return answer[ProxyStatus](ctx, c, nil, args...)
}
