package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/child"
	"github.com/agentsecrets/agentsecrets/internal/rundir"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// grace is how long a run waits, after its program has ended, for exchanges
// that programs left behind by it have under way.
const grace = 500 * time.Millisecond

// What is made before the program starts stays, most of it: to look for garbage in
// between takes a fifth of the time. Both are what GOGC says; the second is its default.
const startCollection, usualCollection = 400, 100

// intercept runs a program with placeholders, and a proxy in this process.
func (a *app) intercept(ctx context.Context, args []string, o runOptions) (int, error) {
	ca.ReadAhead()
	debug.SetGCPercent(startCollection)
	w, err := a.where()
	if err != nil {
		return 0, err
	}
	s, err := w.secrets(ctx)
	if err != nil {
		return 0, err
	}
	origins, err := a.origins(ctx, w, o.origins)
	if err != nil {
		return 0, err
	}
	if err := origins.egress.freeze(w); err != nil {
		return 0, err
	}
	log, err := o.log.logger(a.stderr)
	if err != nil {
		return 0, err
	}
	if err := a.fit(&o.limits); err != nil {
		return 0, err
	}
	h, err := build(plan{
		where: w, store: s.store.serving(), origins: origins, authority: origins.egress.authority, address: "127.0.0.1:0", metrics: o.metrics, audit: o.audit,
		limits: o.limits, log: log,
	})
	if err != nil {
		return 0, err
	}
	scope := h.asAgent(w.scope(), o.token)
	if err := errors.Join(h.admitted(scope), h.openMetrics(o.metrics, interceptHint)); err != nil {
		return 0, errors.Join(err, h.close(0))
	}
	run := h.proxy.NewRun(func() mitm.Scope { return scope })
	h.run = run
	served := h.start()
	h.messages.Info("run started", "run", run.ID(), "port", h.port())
	defer func() {
		err := h.close(grace)
		run.Revoke() // not before: it cuts what grace is for
		h.messages.Info("run ended", "run", run.ID())
		a.afterwards(errors.Join(err, <-served, pruneOld(w.home), sweep()))
		if !o.quiet {
			for _, line := range tell(append(h.observed.refusals(), h.found...), o.audit) {
				a.say("agentsecrets: %s", line)
			}
		}
	}()
	return a.inRun(args, o, w, h, run, scope)
}

// inRun starts the program as part of run and waits for it.
func (a *app) inRun(args []string, o runOptions, w where, h *house, run *mitm.Run, scope mitm.Scope) (int, error) {
	names, err := w.names()
	if err != nil {
		return 0, err
	}
	dir, err := rundir.New()
	if err != nil {
		return 0, inTemp(exitOurs, fmt.Errorf("make a directory for the run: %w", err))
	}
	defer func() { a.afterwards(dir.Remove()) }()
	environ, notices, err := env.Child{
		Environ: a.passed(o, false), ProxyURL: run.URL(h.listener.Addr()), CA: h.authority.Load().PEM(), Bundle: h.authority.Load().Bundle,
		Dir: dir.Path(), Names: names,
	}.Vars()
	if err != nil {
		return 0, inTemp(exitOurs, fmt.Errorf("prepare the program's environment: %w", err))
	}
	p, err := a.program(args, environ)
	if err != nil {
		return 0, err
	}
	if !o.quiet {
		a.say("agentsecrets: %s in %s, as placeholders%s", count(len(names), "secret"), w, forAgent(scope.AgentID))
	}
	if at := h.scrapes.addr(); at != "" && (!o.quiet || at != o.metrics.addr) { // a port that was chosen here nothing else tells
		a.say("agentsecrets: metrics on http://%s/metrics", at)
	}
	if p := h.origins.parents; p.adopted != "" && !o.quiet {
		a.say("agentsecrets: origins are reached through the parent proxy %s, which %s names", p.proxy, p.adopted)
	}
	for _, n := range notices {
		a.warn("%s", n)
	}
	// From here on this process is the root of a run tree.
	if err := errors.Join(child.AdoptOrphans(), runtree.Mark()); err != nil {
		return 0, err
	}
	asUsual := func() { debug.SetGCPercent(usualCollection) }
	if len(names) == 0 {
		return execute(p, asUsual)
	}
	scope.RunID = run.ID() // of what the proxy does not see
	past := h.watchPast(scope)
	code, err := execute(p, asUsual)
	if begun := past.end(); err == nil {
		h.unused(args[0], code, begun, scope)
	}
	return code, err
}

// inTemp is err with what helps where the directory for temporary files is full, or none.
func inTemp(code int, err error) error {
	if errors.As(err, new(*fs.PathError)) {
		return &failure{code: code, err: err, hint: "export TMPDIR=DIRECTORY"}
	}
	return err
}

// sweep takes away what runs have left that were killed.
func sweep() error {
	left, err := rundir.Left()
	for _, path := range left {
		err = errors.Join(err, rundir.RemoveLeft(path))
	}
	return err
}
