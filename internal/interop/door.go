package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// hello is how a run says that it is ready.
type hello struct {
	Environ []string `json:"environ"` // what run gives a program
}

func (h hello) variable(name string) string {
	for _, kv := range h.Environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// holdMain is the program of an intercepted run: it tells what it was given,
// and keeps the run open until its standard input ends.
func holdMain(stdin io.Reader, stdout io.Writer) error {
	if err := json.NewEncoder(stdout).Encode(hello{os.Environ()}); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, stdin)
	return err
}

// door is a run that is held open: the way to one origin through us.
type door struct {
	run     *held.Process
	proxy   *url.URL
	roots   string   // file that verifies what the proxy shows
	environ []string // what run gives a program: it reaches the proxy, and trusts it
	origin  string   // HOST:PORT as clients name it
}

// open starts a run that reaches origin, HOST:PORT as clients name it, at addr,
// and has a value released to it. With listed false the origin is not on the
// allowlist, and gets none.
func (s *stage) open(ctx context.Context, origin, addr string, listed bool, flags ...string) (*door, error) {
	if listed {
		if err := s.do(ctx, "", "workspace", "allowlist", "add", origin, "--password-file", s.path("password")); err != nil {
			return nil, err
		}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	args := append([]string{
		s.program, "run", "--quiet", "--intercept", "--origin-ca", s.path("origin-ca.pem"),
		"--resolve", origin + ":" + host + ":" + port,
	}, flags...)
	p, err := held.Start(ctx, held.Program{Dir: s.path("project"), Env: s.environ, Args: append(args, "--", s.self, "hold"), Greets: true})
	if err != nil {
		return nil, err
	}
	var said hello
	if err := p.Greet(&said); err != nil {
		return nil, err
	}
	d := &door{run: p, roots: said.variable("AGENTSECRETS_CA"), environ: said.Environ, origin: origin}
	if d.proxy, err = url.Parse(said.variable("HTTPS_PROXY")); err == nil && listed {
		err = d.release(ctx)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *door) close() { d.run.Stop() }

// client is Go's own, through the door.
func (d *door) client() (*http.Client, error) {
	roots, err := os.ReadFile(d.roots)
	if err != nil {
		return nil, fmt.Errorf("read the run's root: %w", err)
	}
	cfg, err := trusting(roots, "")
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(d.proxy), TLSClientConfig: cfg, ForceAttemptHTTP2: true}}, nil
}

// release sends the value to the origin in a header field. What the origin
// makes of such a request is its own business, as long as it got it: an answer
// of ours, which names no exchange that was sent, is a failure.
func (d *door) release(ctx context.Context) error {
	c, err := d.client()
	if err != nil {
		return err
	}
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+d.origin+"/", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Key", placeholder)
	resp, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("release the value: %w", err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.Header.Get("Content-Type") == "application/problem+json" {
		return fmt.Errorf("release the value: %s: %s", resp.Status, text)
	}
	return nil
}

// openLocal opens a door for programs that know no proxies: what connects to the
// listener is to be relayed. They name the origin by the listener's port.
func (s *stage) openLocal(ctx context.Context, host, addr string, flags ...string) (*door, net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	d, err := s.open(ctx, net.JoinHostPort(host, portOf(l)), addr, true, flags...)
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return d, l, nil
}

// connect asks the proxy for a tunnel.
func (d *door) connect() (_ half, err error) {
	c, err := net.Dial("tcp", d.proxy.Host)
	if err != nil {
		return nil, fmt.Errorf("reach the proxy: %w", err)
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	password, _ := d.proxy.User.Password()
	pair := base64.StdEncoding.EncodeToString([]byte(d.proxy.User.Username() + ":" + password))
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic %s\r\n\r\n", d.origin, pair); err != nil {
		return nil, fmt.Errorf("ask for a tunnel: %w", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(connectPatience))
	// Nothing follows the answer until our ClientHello has come, so nothing is
	// lost with this reader.
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, fmt.Errorf("ask for a tunnel: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("ask for a tunnel: " + resp.Status)
	}
	_ = c.SetReadDeadline(time.Time{})
	return c.(*net.TCPConn), nil
}

const connectPatience = 30 * time.Second

// connectTLS asks for a tunnel and speaks TLS in it, for programs that do not.
func (d *door) connectTLS() (half, error) {
	c, err := d.connect()
	if err != nil {
		return nil, err
	}
	roots, err := os.ReadFile(d.roots)
	if err != nil {
		return nil, fmt.Errorf("read the run's root: %w", err)
	}
	return shake(c, roots, d.origin)
}

// shake is the client's part of TLS with the origin HOST:PORT.
func shake(c net.Conn, roots []byte, origin string) (half, error) {
	host, _, err := net.SplitHostPort(origin)
	if err != nil {
		return nil, err
	}
	cfg, err := trusting(roots, host)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(c, cfg)
	_ = conn.SetDeadline(time.Now().Add(connectPatience))
	if err := conn.Handshake(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", origin, err)
	}
	return conn, conn.SetDeadline(time.Time{})
}
