package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/canary"
	"github.com/agentsecrets/agentsecrets/internal/peer"
	"github.com/agentsecrets/agentsecrets/internal/probe"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// labHost is an origin that no name server knows: what goes there past the proxy arrives
// nowhere.
const labHost = "api.doctor.test"

// clientLab is a proxy with an origin behind it, in this process and on loopback, for
// clients of others. It notes what came of each of them.
type clientLab struct {
	value     string
	authority *ca.Authority // that clients are to trust
	roots     *x509.CertPool
	origin    *http.Server
	at        netip.AddrPort // of the origin
	proxy     *mitm.Proxy
	listener  net.Listener
	sends     bool // values, to our origin; of a program of the user none is sent anywhere
	serving   sync.WaitGroup

	mu      sync.Mutex
	clients []*labClient
}

// labClient is one client, and what came of it. The lab's mu guards what it saw.
type labClient struct {
	name       string
	run        *mitm.Run
	group      int // of its processes; 0: not started, or not told on this system
	connected  []string
	answered   map[string]string // by host: "-" or why the proxy refused
	credential string            // that the origin got
}

func newClientLab(sends bool) (*clientLab, error) {
	l := &clientLab{value: canary.Value(), roots: x509.NewCertPool(), sends: sends}
	theirs, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return l, err
	}
	l.roots.AppendCertsFromPEM(theirs.PEM())
	if l.authority, err = ca.NewEphemeral(ca.Config{}); err != nil {
		return l, err
	}
	if err := l.startOrigin(theirs); err != nil {
		return l, err
	}
	return l, l.startProxy()
}

func (l *clientLab) startOrigin(authority *ca.Authority) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	l.at = listener.Addr().(*net.TCPAddr).AddrPort()
	l.origin = &http.Server{
		Handler: probe.Origin{Seen: l.seen}, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return authority.Leaf(labHost) }},
	}
	l.serving.Go(func() { _ = l.origin.ServeTLS(listener, "", "") })
	return nil
}

// labObserver hears of each exchange, of which only those with values are recorded.
type labObserver struct {
	*metrics.Metrics
	lab *clientLab
}

func (o labObserver) Observe(e audit.Event) { o.lab.exchanged(e) }

func (l *clientLab) startProxy() error {
	var err error
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen on loopback: %w", err)
	}
	l.proxy, err = mitm.New(mitm.Config{
		Leaf: l.authority.Leaf, NormalHost: allowlist.NormalHost,
		Allow:   l.allow,
		Reaches: func(_ mitm.Scope, host string, _ int) bool { return host == labHost },
		Route:   l.route,
		Resolve: func(_ context.Context, _ mitm.Scope, name string) (resolve.Value, error) {
			if name != doctorName || !l.sends {
				return resolve.Value{}, resolve.ErrNotFound
			}
			return resolve.New([]byte(l.value)), nil
		},
		Record: func(audit.Event) error { return nil },
		Guard:  allowlist.GuardAddr, GuardAlways: allowlist.GuardMetadata,
		Pin: func(host string, _ int) (netip.AddrPort, bool) { return l.at, host == labHost },
		Roots: func(host string) *x509.CertPool {
			if host == labHost {
				return l.roots
			}
			return nil
		},
		Local:    l.local,
		Observer: labObserver{metrics.New(metrics.Config{Version: version()}), l},
	})
	if err == nil {
		l.serving.Go(func() { _ = l.proxy.Serve(l.listener) })
	}
	return err
}

// allow sends the value that was made up to our own origin, and nothing else.
func (l *clientLab) allow(_ mitm.Scope, u mitm.Use) error {
	if l.sends && u.Host == labHost && u.Name == doctorName {
		return nil
	}
	return &mitm.Problem{
		Status: http.StatusForbidden, Slug: "permission_denied", Name: u.Name, Domain: u.Host,
		Message: "this is a check of agentsecrets doctor --clients, which sends no secret",
	}
}

// add makes a run for one client.
func (l *clientLab) add(name string) *labClient {
	c := &labClient{name: name, answered: map[string]string{}}
	c.run = l.proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: name, Environment: "doctor"} })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients = append(l.clients, c)
	return c
}

func (l *clientLab) of(is func(*labClient) bool) *labClient {
	if i := slices.IndexFunc(l.clients, is); i >= 0 {
		return l.clients[i]
	}
	return &labClient{answered: map[string]string{}} // nobody's
}

// route notes that a client came for a host.
func (l *clientLab) route(s mitm.Scope, host string, _ int) mitm.Route {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.of(func(c *labClient) bool { return c.name == s.ProjectID })
	if !slices.Contains(c.connected, host) {
		c.connected = append(c.connected, host)
	}
	return mitm.Route{}
}

func (l *clientLab) exchanged(e audit.Event) {
	if e.Event != audit.Done {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.of(func(c *labClient) bool { return c.run.ID() == e.RunID })
	c.answered[e.Domain] = e.Reason
}

func (l *clientLab) seen(r probe.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.of(func(c *labClient) bool { return c.name == r.Probe })
	if c.credential != l.value { // some ask more than once, first without
		c.credential = r.Credential
	}
}

// local knows clients that can send no credential by their process group, where the
// system tells whose a connection is.
func (l *clientLab) local(conn net.Conn) (mitm.RunOf, error) {
	p, err := peer.OfConn(conn)
	if err != nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pid := range p.PIDs {
		group := groupOf(pid)
		if i := slices.IndexFunc(l.clients, func(c *labClient) bool { return c.group != 0 && c.group == group }); i >= 0 {
			run := l.clients[i].run
			return func() (*mitm.Run, error) { return run, nil }, nil
		}
	}
	return nil, nil
}

func (l *clientLab) close() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if l.proxy != nil {
		_ = l.proxy.Shutdown(now)
	}
	if l.origin != nil {
		_ = l.origin.Close()
	}
	l.serving.Wait()
}
