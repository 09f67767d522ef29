package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"

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
// work; a run takes its own programs without one. Where that cannot be told the
// credential is asked for.
func (h *house) local(client net.Conn) (mitm.RunOf, error) {
	if h.doors == nil {
		h.observed.came.Add(1)
		if err := ownUser(peer.UIDOfConn(client)); err != nil || h.run == nil {
			return nil, err
		}
		// Who has shown the credential is not looked for.
		return sync.OnceValues(func() (*mitm.Run, error) { return h.run, inTree(client) }), nil
	}
	p, err := peer.OfConn(client)
	if err := ownUser(p.UID, err); err != nil {
		return nil, err
	}
	if len(p.PIDs) == 0 {
		return nil, unseen()
	}
	for _, pid := range p.PIDs {
		inside, err := runtree.Within(pid)
		if err != nil {
			return nil, errUntold
		}
		if inside {
			return nil, insideARun()
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

// inTree returns nil if all processes that have the other end of client were started
// by this one, or by those. Nobody may have it who is not seen, or nowhere.
func inTree(client net.Conn) error {
	p, err := peer.OfConn(client)
	if err != nil || p.UID != os.Geteuid() || len(p.PIDs) == 0 {
		return errUntold
	}
	for _, pid := range p.PIDs {
		if under, err := runtree.Under(pid, os.Getpid()); err != nil || !under {
			return errUntold
		}
	}
	return nil
}

// unseen is the answer where no program can be found that has the connection. It
// may hide itself, or have the connection nowhere for the moment; one in a run
// must not get past the door by that, so none does while there is any in a run.
func unseen() error {
	if some, err := runtree.Any(); some || err != nil {
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: "permission_denied",
			Message: "the program that asks hides itself, and could be one inside a run: while any runs, it may not use this proxy",
		}
	}
	return errUntold
}

func insideARun() error {
	return &mitm.Problem{
		Status: http.StatusForbidden, Slug: "permission_denied",
		Message: "a program inside a run has the run's own proxy, and may not use another",
	}
}

// ownUser returns nil if the socket is of our user. A client that has closed its
// sending half could be anybody's, whatever credential it has.
func ownUser(uid int, err error) error {
	if errors.Is(err, peer.ErrNotFound) {
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: "permission_denied",
			Message: "whose the connection is cannot be told any more: the client has closed its end, or half of it",
		}
	}
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
	if err == nil && w.Token != "" {
		of := h.asAgent(e.scope(), w.Token)
		if err = h.admitted(of); err == nil {
			key, e, err = h.doors.asAgent(key, e, of)
		}
	}
	var p *mitm.Problem
	if errors.As(err, &p) {
		return daemon.Access{}, &daemon.RefusedError{Slug: p.Slug, Reason: p.Message, Way: p.Hint}
	}
	if err != nil {
		return daemon.Access{}, err
	}
	return daemon.Access{Agent: e.scope().AgentID, Project: projectOf(e.scope(), key.pinned != ""), URL: e.run.URL(h.listener.Addr())}, nil
}
