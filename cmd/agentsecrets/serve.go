package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// drain is how long exchanges under way may take once the proxy is told to stop.
const drain = 5 * time.Second

// serve is the daemon, in the foreground or started by startDaemon.
func (a *app) serve(ctx context.Context, o proxyOptions) error {
	if err := outsideRun("starting the proxy"); err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	if o.answered {
		if a.answers, err = readAnswers(os.NewFile(answersFD, "answers")); err != nil {
			return err
		}
	}
	seat, err := daemon.Claim(w.home)
	if err != nil {
		return &failure{code: exitFailure, err: err, hint: "agentsecrets proxy status"}
	}
	defer seat.Release()
	h, err := a.buildDaemon(ctx, w, o)
	if err != nil {
		return err
	}
	follow := a.follow(w)
	run := h.proxy.NewRun(follow)
	h.open = run
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err = seat.Serve(daemon.Control{Status: h.statusFor(follow), Stop: sync.OnceFunc(stop)})
	if err == nil {
		err = seat.Publish(daemon.State{Port: h.port(), URL: run.URL(h.listener.Addr()), ProjectID: w.ProjectID, ProjectName: w.ProjectName})
	}
	if err == nil {
		harden.NoTrace()
		err = errors.Join(harden.Hide(), harden.NoCore())
	}
	if err == nil {
		err = untilDone(ctx, h)
	}
	return errors.Join(err, h.close(drain))
}

func untilDone(ctx context.Context, h *house) error {
	failed := make(chan error, 1)
	go func() { failed <- h.serve() }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

func (a *app) buildDaemon(ctx context.Context, w where, o proxyOptions) (*house, error) {
	store, err := a.daemonStore(ctx, w)
	if err != nil {
		return nil, err
	}
	origins, err := a.origins(ctx, w, o.origins)
	if err != nil {
		return nil, err
	}
	h, err := build(plan{
		where: w, store: store, origins: origins,
		authority: func(c ca.Config) (*ca.Authority, error) { return ca.Open(caDir(w.home), c) },
		address:   net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)),
		metrics:   o.metrics,
		log:       slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &failure{
			code: exitFailure, hint: "agentsecrets proxy start --port " + strconv.Itoa(o.port%65535+1),
			err: fmt.Errorf("port %d on 127.0.0.1 is in use by another program", o.port),
		}
	}
	if err != nil {
		return nil, err
	}
	if err := h.openMetrics(o.metrics, startHint); err != nil {
		return nil, errors.Join(err, h.close(0))
	}
	return h, nil
}

// follow is the scope of the daemon: pinned to its project, and to what flags or
// variables said; otherwise an environment switch counts from the next exchange.
func (a *app) follow(w where) func() mitm.Scope {
	scope := w.scope()
	file := &watched[env.File]{path: w.File, load: env.ReadFile}
	if f, err := file.get(); err != nil || f.ProjectID != w.ProjectID || a.environment != "" {
		return func() mitm.Scope { return scope }
	}
	return func() mitm.Scope {
		f, err := file.get()
		if err != nil || f.ProjectID != w.ProjectID {
			return mitm.Scope{WorkspaceID: w.WorkspaceID} // of no project: every value is refused
		}
		s := scope
		if f.Environment != "" {
			s.Environment = f.Environment
		}
		return s
	}
}

func (h *house) statusFor(scope func() mitm.Scope) func() daemon.Status {
	return func() daemon.Status {
		s := scope()
		return daemon.Status{
			Running: true, Port: h.port(), SessionValid: true, Uptime: int(time.Since(h.started).Seconds()),
			PID: os.Getpid(), Version: version(), ProjectID: h.where.ProjectID, ProjectName: h.where.ProjectName, Environment: s.Environment,
			Metrics: h.scrapes.addr(), MetricsNames: h.names,
		}
	}
}
