package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// How the parts are put together. Packages know nothing of each other beyond
// what mitm.Config says; here they meet.

// house is one proxy with what it stands on.
type house struct {
	where     where
	store     resolve.Store
	proxy     *mitm.Proxy
	authority atomic.Pointer[ca.Authority]
	log       *audit.Log
	listener  net.Listener
	also      net.Listener // the same port of the other loopback address; nil: none
	metrics   *metrics.Metrics
	policies  *policies
	origins   *origins
	resolver  *resolve.Resolver
	scrapes   *scrapes     // nil without --metrics
	status    http.Handler // what is asked of the proxy itself
	names     bool         // metrics tell names
	messages  *slog.Logger
	started   time.Time
	observed  observed
	over      chan struct{}  // closed by close
	chores    sync.WaitGroup // what is done regularly until then
	found     []finding      // at the end
	doors     *doors         // of a daemon; nil where there is one run
	run       *mitm.Run      // that one, where it has programs of its own; set before anything is served
}

// storePatience is how long a request waits for the store: a client has its
// refusal within 5 s.
const storePatience = 4 * time.Second

// plan says what makes one house differ from another.
type plan struct {
	where     where
	store     resolve.Store
	origins   *origins
	authority func(ca.Config) (*ca.Authority, error)
	address   string // to listen on; "" for a proxy that only makes calls
	both      bool   // on the other loopback address too
	sharedLog bool   // the log is that of all calls, unless audit says otherwise
	audit     auditFlags
	metrics   metricsOptions
	limits    limitFlags
	log       *slog.Logger // nil: none
}

// build makes a house; nothing in it runs yet. There is none without a redactor that
// finds what it should.
func build(p plan) (*house, error) {
	proof := make(chan error, 1)
	go func() { proof <- proveRedaction() }() // what follows waits for files
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	h := &house{
		names: p.metrics.names,
		where: p.where, store: p.store, origins: p.origins, started: time.Now(),
		messages: p.log, policies: newPolicies(p.where.home), observed: observed{started: time.Now(), news: make(chan struct{}, 1)}, over: make(chan struct{}),
	}
	h.policies.warn = func(err error) { h.messages.Warn("the use of a token is not noted", "err", err) }
	measured := metrics.Config{Version: version()}
	if p.metrics.names {
		measured.Names = h.storedNames
	}
	h.metrics = metrics.New(measured)
	scraped, err := h.guardMetrics(p.metrics)
	if err != nil {
		return nil, err
	}
	h.status = statusHandler(h.health, h.ready, scraped)
	if err = h.openAuthority(p.authority); err != nil {
		return nil, err
	}
	stored := resolve.Config{Timeout: storePatience, Store: p.store, Observe: h.resolved, Panicked: func() { h.metrics.Panicked("store") }}
	if h.resolver, err = resolve.NewResolver(stored); err != nil {
		return nil, err
	}
	if h.log, err = p.audit.open(p.where.home, p.sharedLog); err != nil {
		return nil, err
	}
	h.proxy, err = mitm.New(h.config(p))
	if err == nil && p.address != "" {
		h.listener, err = net.Listen("tcp", p.address)
	}
	if err == nil && p.both {
		h.also, err = listenToo(h.port())
	}
	if err == nil {
		err = <-proof
	}
	if err != nil {
		return nil, errors.Join(err, h.abandon())
	}
	return h, nil
}

// config is what the proxy depends on: the architecture of the program.
func (h *house) config(p plan) mitm.Config {
	return mitm.Config{
		Leaf:        func(host string) (*tls.Certificate, error) { return h.authority.Load().Leaf(host) },
		NormalHost:  allowlist.NormalHost,
		Look:        h.policies.Look,
		Allow:       h.policies.Allow,
		Rules:       h.policies.Rules,
		Text:        h.policies.Text,
		Anywhere:    h.policies.Anywhere,
		Reaches:     h.policies.Reaches,
		Route:       h.route,
		Shown:       h.shown,
		Program:     h.observed.program,
		Resolve:     h.resolve,
		Identify:    h.identify,
		Admit:       h.policies.Admit,
		Spend:       h.policies.Spend,
		Record:      h.record,
		Options:     h.policies.Options,
		Adding:      h.policies.Adding,
		Guard:       h.origins.Guard,
		GuardAlways: allowlist.GuardMetadata, GuardPrivate: allowlist.GuardPrivate,
		Pin:         h.origins.Pin,
		Parent:      h.origins.Parent,
		Roots:       h.origins.Roots,
		PlainRoots:  h.origins.PlainRoots,
		Local:       h.local,
		MaxConns:    p.limits.all,
		MaxRunConns: p.limits.ofRun,
		Command:     p.limits.command,
		Status:      h.status,
		Observer:    h.metrics,
		Log:         p.log,
	}
}

// abandon gives back what a house that was never finished holds.
func (h *house) abandon() error {
	err := h.log.Close()
	for _, l := range []net.Listener{h.listener, h.also} {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
	}
	return err
}

func (h *house) openAuthority(open func(ca.Config) (*ca.Authority, error)) error {
	authority, err := open(ca.Config{Minted: h.metrics.LeafMinted, Hit: h.metrics.LeafHit})
	if err != nil {
		return err
	}
	h.authority.Store(authority)
	return nil
}

func (h *house) resolved(d time.Duration) {
	name := storeFile
	if s, ok := h.store.(*homeStore); ok {
		name = s.name()
	}
	h.metrics.Resolved(name, d)
}

// start has serve run until close, and gives what it says at its end.
func (h *house) start() <-chan error {
	h.regularly(forgetting, h.forgetOld)
	h.chores.Go(h.judge)
	ended := make(chan error, 1)
	go func() { ended <- h.serve() }()
	return ended
}

// serve runs the proxy until close.
func (h *house) serve() error {
	ended := make(chan error, 2)
	listeners := []net.Listener{h.listener}
	if h.also != nil {
		listeners = append(listeners, h.also)
	}
	for _, l := range listeners {
		go func() { ended <- h.proxy.Serve(l) }()
	}
	for range listeners {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
	}
	return nil
}

// close lets exchanges under way finish for as long as patience says.
func (h *house) close(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := h.proxy.Shutdown(ctx)
	h.scrapes.close(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // what was left has been closed
	}
	close(h.over)
	h.chores.Wait() // they write to the log
	h.policies.wait()
	h.found = h.recordFindings(0)
	return errors.Join(err, h.log.Close())
}

func (h *house) port() int { return h.listener.Addr().(*net.TCPAddr).Port }

func (h *house) health() healthJSON {
	status := healthJSON{Status: "ok", Project: h.where.ProjectID, Port: h.port(), Uptime: int(time.Since(h.started).Seconds()), Version: version()}
	if h.doors == nil {
		status.Environment = h.where.Environment
	}
	return status
}

// probeName is a name that no secret can have: to ask for it shows whether the store
// answers, and whatever it answers is no value.
const probeName = "PATH"

// probe is a secret to ask the store for, where the daemon was started in no
// project too.
func (h *house) probe() resolve.Ref {
	ref := h.where.ref(probeName)
	ref.Project = cmp.Or(ref.Project, "none")
	return ref
}

// ready says what keeps the proxy from sending values, "" if nothing does. A
// daemon that was started in no project reads the policy of each when it is asked.
func (h *house) ready(ctx context.Context) string {
	if _, err := h.policies.list(h.where.scope()); err != nil && h.where.ProjectID != "" {
		return policyReason(err)
	}
	if _, err := h.resolver.Resolve(ctx, h.probe()); err != nil && !errors.Is(err, resolve.ErrNotFound) {
		return "store_locked"
	}
	if err := h.log.Check(); err != nil {
		return "audit_unavailable"
	}
	return ""
}

// scope is what a run is pinned to.
func (w where) scope() mitm.Scope {
	return mitm.Scope{
		WorkspaceID: w.WorkspaceID, WorkspaceName: w.WorkspaceName,
		ProjectID: w.ProjectID, ProjectName: w.ProjectName, Environment: w.Environment,
	}
}

// resolve finds a value, and says in fixed words why not.
func (h *house) resolve(ctx context.Context, s mitm.Scope, name string) (resolve.Value, error) {
	v, err := h.resolver.Resolve(ctx, resolve.Ref{Project: s.ProjectID, Environment: s.Environment, Name: name})
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, resolve.ErrNotFound):
		return v, &mitm.Problem{
			Status: http.StatusFailedDependency, Slug: "secret_not_found", Name: name,
			Message: missingSecret(name, s.ProjectName, s.Environment), Hint: "agentsecrets secrets set " + name,
		}
	}
	if errors.Is(err, resolve.ErrLocked) {
		return v, &mitm.Problem{
			Status: http.StatusServiceUnavailable, Slug: "store_locked", Name: name,
			Message: "the store of secrets is locked, or does not answer", Hint: unlockHint,
		}
	}
	return v, &mitm.Problem{
		Status: http.StatusServiceUnavailable, Slug: "store_locked", Name: name,
		Message: "the store of secrets cannot be read", Hint: "agentsecrets secrets list",
	}
}
