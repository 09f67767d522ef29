package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	proxy     *mitm.Proxy
	authority *ca.Authority
	log       *audit.Log
	listener  net.Listener
	metrics   *metrics.Metrics
	policies  *policies
	origins   *origins
	resolver  *resolve.Resolver
	started   time.Time
	open      *mitm.Run // of clients without a credential; nil where all need one
}

// plan says what makes one house differ from another.
type plan struct {
	where     where
	store     resolve.Store
	origins   *origins
	authority func(ca.Config) (*ca.Authority, error)
	address   string       // to listen on; "" for a proxy that only makes calls
	sharedLog bool         // the log is that of all calls
	log       *slog.Logger // nil: none
}

// build makes a house; nothing in it runs yet.
func build(p plan) (*house, error) {
	h := &house{
		where: p.where, origins: p.origins, started: time.Now(),
		policies: newPolicies(p.where.home), metrics: metrics.New(metrics.Config{Version: version()}),
	}
	var err error
	if h.authority, err = p.authority(ca.Config{Minted: h.metrics.LeafMinted, Hit: h.metrics.LeafHit}); err != nil {
		return nil, err
	}
	if h.resolver, err = resolve.NewResolver(resolve.Config{Store: p.store, Observe: h.resolved}); err != nil {
		return nil, err
	}
	open := audit.Open
	if p.sharedLog {
		open = audit.OpenShared
	}
	if h.log, err = open(auditDir(p.where.home), time.Now); err != nil {
		return nil, err
	}
	h.proxy, err = mitm.New(mitm.Config{
		Leaf:        h.authority.Leaf,
		NormalHost:  allowlist.NormalHost,
		Allow:       h.policies.Allow,
		Text:        h.policies.Text,
		Reaches:     h.policies.Reaches,
		Resolve:     h.resolve,
		Record:      h.log.Write,
		Guard:       h.origins.Guard,
		GuardAlways: allowlist.GuardMetadata,
		Pin:         h.origins.Pin,
		Roots:       h.origins.Roots,
		PlainRoots:  h.origins.PlainRoots,
		Local:       h.admitLocal,
		Status:      statusHandler(h.health, h.ready, h.metrics.Handler()),
		Observer:    h.metrics,
		Log:         p.log,
	})
	if err != nil || p.address == "" {
		return h, err
	}
	h.listener, err = net.Listen("tcp", p.address)
	return h, err
}

func (h *house) resolved(d time.Duration) { h.metrics.Resolved(storeFile, d) }

// serve runs the proxy until close.
func (h *house) serve() error {
	if err := h.proxy.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// close lets exchanges under way finish for as long as patience says.
func (h *house) close(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := h.proxy.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // what was left has been closed
	}
	return errors.Join(err, h.log.Close())
}

func (h *house) port() int { return h.listener.Addr().(*net.TCPAddr).Port }

func (h *house) health() healthJSON {
	return healthJSON{Status: "ok", Project: h.where.ProjectID, Port: h.port(), Uptime: int(time.Since(h.started).Seconds()), Version: version()}
}

// ready: without its policy the proxy could not decide anything.
func (h *house) ready() error {
	_, err := h.policies.list(h.where.scope())
	return err
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
	if isLocked(err) {
		return v, &mitm.Problem{
			Status: http.StatusServiceUnavailable, Slug: "store_locked", Name: name,
			Message: "the store of secrets is locked", Hint: unlockHint,
		}
	}
	return v, &mitm.Problem{
		Status: http.StatusServiceUnavailable, Slug: "store_locked", Name: name,
		Message: "the store of secrets cannot be read", Hint: "agentsecrets secrets list",
	}
}
