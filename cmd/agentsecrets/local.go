package main

import (
	"errors"
	"net"
	"net/http"
	"os"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/peer"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/mitm"
)

var errUntold = errors.New("it cannot be told who asks")

// local tells who is at the other end of a connection. Other users' programs
// are refused, whatever credential they have; a daemon refuses programs of runs
// too, and takes its own user's others without one, in the project where they
// work. Where that cannot be told the credential is asked for.
func (h *house) local(client net.Conn) (mitm.RunOf, error) {
	if h.doors == nil {
		return nil, ownUser(peer.UIDOfConn(client))
	}
	p, err := peer.OfConn(client)
	if err := ownUser(p.UID, err); err != nil {
		return nil, err
	}
	if len(p.PIDs) == 0 {
		return nil, errUntold
	}
	for _, pid := range p.PIDs {
		inside, err := runtree.Within(pid)
		if err != nil {
			return nil, errUntold
		}
		if inside {
			return nil, &mitm.Problem{
				Status: http.StatusForbidden, Slug: "permission_denied",
				Message: "a program inside a run has the run's own proxy, and may not use another",
			}
		}
	}
	if p.Dir == "" {
		return nil, errUntold
	}
	return func() (*mitm.Run, error) {
		_, e, err := h.doors.of(env.Query{Dir: p.Dir})
		if err != nil {
			return nil, err
		}
		return e.run, nil
	}, nil
}

// ownUser returns nil if the socket is of our user.
func ownUser(uid int, err error) error {
	if err != nil {
		return errUntold
	}
	if uid != os.Geteuid() {
		return &mitm.Problem{
			Status: http.StatusProxyAuthRequired, Slug: "proxy_credential_required", Hint: `eval "$(agentsecrets proxy env)"`,
			Message: "the program is another user's, who needs a proxy of their own",
		}
	}
	return nil
}

// access is what a shell gets that asks for its way through the daemon.
func (h *house) access(w daemon.Wanted) (daemon.Access, error) {
	key, e, err := h.doors.of(env.Query{Dir: w.Dir, Workspace: w.Workspace, Project: w.Project, Environment: w.Environment})
	var p *mitm.Problem
	if errors.As(err, &p) {
		return daemon.Access{}, &daemon.RefusedError{Reason: p.Message, Way: p.Hint}
	}
	if err != nil {
		return daemon.Access{}, err
	}
	return daemon.Access{Project: projectOf(e.scope(), key.pinned != ""), URL: e.run.URL(h.listener.Addr())}, nil
}
