package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// mcpServer is one process that a client started: one run, whose values come out of
// every response until it ends.
type mcpServer struct {
	app     *app
	options mcpOptions
	inside  bool // a run, whose proxy makes the calls
	log     *slog.Logger
	started time.Time
	life    context.Context // ends with the server
	opening chan struct{}   // holds what opens the house, or the way to the run's proxy
	house   *house          // nil until the first call
	run     *mitm.Run
	origins *origins
	outer   *http.Client           // inside a run, by way of its proxy
	client  atomic.Pointer[string] // the name that it says it has

	mu        sync.Mutex
	exchanges []string // IDs, of the latest calls
	at        *where   // pinned, once it could be told
}

// remembered is how many calls read_audit can tell of.
const remembered = 1000

// mcpCalls is how many calls may be under way at a time. A client that asks for more
// is in a loop.
const mcpCalls = 64

// pinned is where we were started: what is switched later is another server's.
func (s *mcpServer) pinned() (where, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at != nil {
		return *s.at, nil
	}
	at, err := s.app.where()
	if err == nil {
		err = at.known()
	}
	if err == nil {
		s.at = &at
	}
	return at, err
}

// enter waits for whoever opens what calls need.
func (s *mcpServer) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.opening <- struct{}{}:
		return func() { <-s.opening }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// open builds the house when it is first needed: by then a store that was locked may be
// open, and a project there.
func (s *mcpServer) open(ctx context.Context) (*house, *mitm.Run, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	if s.house != nil {
		return s.house, s.run, nil
	}
	at, err := s.pinned()
	if err != nil {
		return nil, nil, err
	}
	kept, err := at.secrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := s.readFlags(ctx, at); err != nil {
		return nil, nil, err
	}
	h, err := build(plan{
		where: at, store: kept.store.serving(), origins: s.origins, authority: ca.NewEphemeral, log: s.log,
		limits: limitFlags{all: mcpCalls, ofRun: mcpCalls, command: "agentsecrets mcp serve"},
	})
	if err != nil {
		return nil, nil, err
	}
	if err := harden.NoCore(); err != nil {
		return nil, nil, errors.Join(err, h.close(0))
	}
	scope := h.asAgent(at.scope(), s.options.token)
	s.run = h.proxy.NewRun(func() mitm.Scope {
		scope := scope
		if name := s.client.Load(); name != nil && s.options.token == "" {
			scope.AgentID = *name
		}
		return scope
	})
	s.house = h
	h.regularly(forgetting, h.forgetOld)
	return s.house, s.run, nil
}

// checkFlags refuses flags before anybody is served, as far as it can be told by then.
func (s *mcpServer) checkFlags(ctx context.Context) error {
	at, err := s.pinned()
	if err != nil || !s.options.origins.any() {
		return nil
	}
	return s.readFlags(ctx, at)
}

func (s *mcpServer) readFlags(ctx context.Context, at where) (err error) {
	if s.origins == nil {
		s.origins, err = s.app.origins(ctx, at, s.options.origins)
	}
	return err
}

// openOuter finds the proxy of the run that we are in.
func (s *mcpServer) openOuter(ctx context.Context) (*http.Client, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if s.outer == nil {
		s.outer, err = s.app.runClient()
	}
	return s.outer, err
}

// close ends what is under way.
func (s *mcpServer) close() error {
	s.opening <- struct{}{} // nobody opens a house any more
	if s.outer != nil {
		s.outer.CloseIdleConnections()
	}
	if s.house == nil {
		return nil
	}
	s.run.Revoke()
	return errors.Join(s.house.close(0), pruneOld(s.house.where.home))
}

// from notes who calls: a name that the client chose, for the log.
func (s *mcpServer) from(req *mcp.CallToolRequest) {
	if info := req.ClientInfo(); info != nil && info.Name != "" {
		s.client.Store(&info.Name)
	}
}

// made notes an exchange as one of ours.
func (s *mcpServer) made(exchange string) {
	if exchange == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.exchanges) >= remembered {
		s.exchanges = slices.Delete(s.exchanges, 0, 1)
	}
	s.exchanges = append(s.exchanges, exchange)
}

// mine are the exchanges that were noted.
func (s *mcpServer) mine() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[string]bool, len(s.exchanges))
	for _, id := range s.exchanges {
		ids[id] = true
	}
	return ids
}
