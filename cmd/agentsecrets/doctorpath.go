package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/canary"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// doctorName is the secret whose value was made up. It is in no store.
const doctorName = "DOCTOR"

// doctorPath is a proxy with an origin on each side of HTTP's versions, all in this
// process and on loopback, for one value that was made up.
type doctorPath struct {
	value   string
	origins map[string]*doctorOrigin // by host
	roots   *x509.CertPool           // of the origins
	proxy   *mitm.Proxy
	run     *mitm.Run
	clients *x509.CertPool // roots that clients of the proxy trust
	at      *url.URL       // of the proxy; nil: clients go to the origins
	serving sync.WaitGroup

	mu     sync.Mutex // guards what follows
	events []audit.Event
	log    bytes.Buffer
}

type doctorOrigin struct {
	canary.Echo
	server *http.Server
	addr   netip.AddrPort
}

// doctorHost is the origin that speaks one version of HTTP alone.
func doctorHost(version int) string { return fmt.Sprintf("http%d.doctor.test", version) }

// newDoctorPath starts one. It holds what was started even where something failed.
func newDoctorPath() (*doctorPath, error) {
	p := &doctorPath{value: canary.Value(), origins: map[string]*doctorOrigin{}, roots: x509.NewCertPool(), clients: x509.NewCertPool()}
	theirs, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return p, err
	}
	p.roots.AppendCertsFromPEM(theirs.PEM())
	for _, version := range []int{1, 2} {
		if err := p.startOrigin(theirs, version); err != nil {
			return p, err
		}
	}
	ours, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return p, err
	}
	p.clients.AppendCertsFromPEM(ours.PEM())
	return p, p.startProxy(ours)
}

func protocolsOf(version int) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(version == 1)
	p.SetHTTP2(version == 2)
	return p
}

func (p *doctorPath) startOrigin(authority *ca.Authority, version int) error {
	host := doctorHost(version)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	o := &doctorOrigin{addr: l.Addr().(*net.TCPAddr).AddrPort()}
	o.server = &http.Server{
		Handler: o, Protocols: protocolsOf(version), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return authority.Leaf(host) }},
	}
	p.origins[host] = o
	p.serving.Go(func() { _ = o.server.ServeTLS(l, "", "") })
	return nil
}

func (p *doctorPath) startProxy(authority *ca.Authority) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	p.proxy, err = mitm.New(mitm.Config{
		Leaf: authority.Leaf, NormalHost: allowlist.NormalHost,
		Allow:   func(mitm.Scope, mitm.Use) error { return nil },
		Reaches: func(_ mitm.Scope, host string, _ int) bool { return p.origins[host] != nil },
		Resolve: func(_ context.Context, _ mitm.Scope, name string) (resolve.Value, error) {
			if name != doctorName {
				return resolve.Value{}, resolve.ErrNotFound
			}
			return resolve.New([]byte(p.value)), nil
		},
		Record: p.record,
		Guard:  allowlist.GuardAddr, GuardAlways: allowlist.GuardMetadata,
		Pin:   p.pin,
		Roots: func(string) *x509.CertPool { return p.roots },
		Log:   slog.New(slog.NewTextHandler((*doctorLog)(p), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	p.run = p.proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "doctor", Environment: "doctor"} })
	p.serving.Go(func() { _ = p.proxy.Serve(l) })
	p.at, err = url.Parse(p.run.URL(l.Addr()))
	return err
}

func (p *doctorPath) pin(host string, _ int) (netip.AddrPort, bool) {
	o := p.origins[host]
	if o == nil {
		return netip.AddrPort{}, false
	}
	return o.addr, true
}

func (p *doctorPath) record(e audit.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	return nil
}

// written is all that the proxy wrote down.
func (p *doctorPath) written() ([]byte, int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	events, err := json.Marshal(p.events)
	return append(events, p.log.Bytes()...), len(p.events), err
}

// doctorLog takes what the proxy logs.
type doctorLog doctorPath

func (l *doctorLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(b)
}

func (p *doctorPath) close() {
	if p.proxy != nil {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = p.proxy.Shutdown(now) // nothing is under way: idle connections are closed
	}
	for _, o := range p.origins {
		_ = o.server.Close()
	}
	p.serving.Wait()
}

// client speaks one version of HTTP with host, through the proxy if there is one.
func (p *doctorPath) client(host string, version int) *http.Transport {
	t := &http.Transport{
		Protocols: protocolsOf(version), DisableCompression: true, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
		TLSClientConfig: &tls.Config{RootCAs: p.clients},
	}
	if p.at != nil {
		t.Proxy = http.ProxyURL(p.at)
		return t
	}
	t.TLSClientConfig.RootCAs = p.roots
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.origins[host].addr.String())
	}
	return t
}

// credential is what clients of the path hold: the placeholder, or where there is
// no proxy the value.
func (p *doctorPath) credential() string {
	if p.at == nil {
		return p.value
	}
	return "AS_SECRET_" + doctorName
}

func (p *doctorPath) request(ctx context.Context, host, path, coding string) (*http.Request, error) {
	port := p.origins[host].addr.Port()
	query := url.Values{"value": {p.credential()}, "coding": {coding}}.Encode()
	body, err := json.Marshal(map[string]string{"value": p.credential()})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("https://%s:%d%s?%s", host, port, path, query), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.credential())
	return req, nil
}

// problemOf is what the proxy says of a request that it refused.
func problemOf(resp *http.Response) error {
	var p struct{ Error, Message string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p); err != nil {
		p.Error = resp.Status
	}
	return errors.New(strings.TrimSuffix(cmp.Or(p.Error, resp.Status)+": "+p.Message, ": "))
}
