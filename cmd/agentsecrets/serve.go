package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/harden"
)

// drain is how long exchanges under way may take once the proxy is told to stop,
// unless who stops it says otherwise.
const drain = 5 * time.Second

// serve is the daemon, in the foreground or started by startDaemon.
func (a *app) serve(ctx context.Context, o proxyOptions) error {
	if err := outsideRun("starting the proxy"); err != nil {
		return err
	}
	w, err := a.whereIfAny()
	if err != nil {
		return err
	}
	if o.answered {
		if a.answers, err = readAnswers(os.NewFile(answersFD, "answers")); err != nil {
			return err
		}
		o.origins.parent = cmp.Or(a.answers.Parent, o.origins.parent)
	}
	seat, err := daemon.Claim(w.home)
	if err != nil {
		return &failure{code: exitFailure, err: err, hint: "agentsecrets proxy status"}
	}
	defer seat.Release()
	if err := pruneOld(w.home); err != nil {
		a.warn("%v", err)
	}
	h, err := a.buildDaemon(ctx, w, o)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	patience := make(chan time.Duration, 1) // of the first who stops us
	err = daemon.Settle()
	if err == nil {
		err = seat.Serve(daemon.Control{
			Status: h.statusFor(o), Open: h.access, Reload: h.reload,
			Stop: func(drain time.Duration) {
				select {
				case patience <- drain:
				default:
				}
				stop()
			},
		})
	}
	if err == nil {
		err = seat.Publish(daemon.State{Port: h.port()})
	}
	if err == nil {
		err = harden.NoCore()
	}
	if err == nil && !a.noInput { // startDaemon says it for the one that it starts
		a.say("The proxy runs on 127.0.0.1:%d until Ctrl-C. Next, in another shell: eval \"$(agentsecrets proxy env)\"", h.port())
	}
	if err == nil {
		h.messages.Info("proxy started", "port", h.port(), "version", version())
		err = untilDone(ctx, h)
	}
	err = errors.Join(err, h.close(drainFor(patience)))
	h.messages.Info("proxy stopped")
	return err
}

// drainFor is what who stops us said, if it was said.
func drainFor(patience <-chan time.Duration) time.Duration {
	select {
	case d := <-patience:
		if d >= 0 {
			return d
		}
	default:
	}
	return drain
}

// whereIfAny is where the daemon is started: in a project, or in none.
func (a *app) whereIfAny() (where, error) {
	w, err := a.where()
	if !errors.Is(err, env.ErrNoProject) {
		return w, err
	}
	q, err := a.query()
	if err != nil {
		return where{}, err
	}
	c, err := env.Load(q) // tells the workspace all the same
	if !errors.Is(err, env.ErrNoProject) {
		return where{}, err
	}
	return where{Context: c, home: q.Home, store: a.homeStore}, nil
}

// untilDone serves until it is told to stop, reads files again on SIGHUP, and
// looks at the clock.
func untilDone(ctx context.Context, h *house) error {
	failed := h.start()
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-again:
			_ = h.reload() // it has been logged
		case <-minute.C:
			h.followRoot()
		}
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
	log, err := o.log.logger(a.stderr)
	if err != nil {
		return nil, err
	}
	if err := a.fit(&o.limits); err != nil {
		return nil, err
	}
	h, err := build(plan{
		where: w, store: store, origins: origins, authority: openRoot(w.home),
		address: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)),
		both:    true,
		metrics: o.metrics, audit: o.audit, limits: o.limits, log: log,
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, portTaken(o.port)
	}
	if err != nil {
		return nil, err
	}
	h.doors = &doors{home: w.home, newRun: h.proxy.NewRun, ended: h.policies.Ended, start: w, named: a.project != "", pinned: a.environment}
	if origins.everywhere {
		h.doors.only = w.WorkspaceID
	}
	if err := h.openMetrics(o.metrics, startHint); err != nil {
		return nil, errors.Join(err, h.close(0))
	}
	return h, nil
}

func (h *house) statusFor(o proxyOptions) func() daemon.Status {
	flags, listener := o.origins.flags(), socketAt(h.port())
	return func() daemon.Status {
		st := daemon.Status{
			Running: true, Port: h.port(), SessionValid: true, Uptime: int(time.Since(h.started).Seconds()),
			PID: os.Getpid(), Version: version(), Projects: orEmpty(h.doors.projects()), Flags: flags,
			Metrics: h.scrapes.addr(), MetricsNames: h.names, Listener: listener, Findings: h.latest(o.audit),
		}
		if d := h.doors; d.start.ProjectID != "" {
			s := follow(d.start, d.pinned != "")()
			st.ProjectID, st.ProjectName, st.Environment = s.ProjectID, s.ProjectName, s.Environment
		}
		return st
	}
}
