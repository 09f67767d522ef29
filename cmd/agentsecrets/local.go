package main

import (
	"errors"
	"net/http"
	"net/netip"
	"os"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/peer"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/mitm"
)

var errUntold = errors.New("it cannot be told who asks")

// admitLocal takes a client without a credential that is a process of our own
// user, outside every run, and works in the project that the daemon serves.
// Where that cannot be told the credential is asked for.
func (h *house) admitLocal(ours, theirs netip.AddrPort) (*mitm.Run, error) {
	if h.open == nil {
		return nil, errUntold
	}
	p, err := peer.Of(ours, theirs)
	if err != nil || p.UID != os.Geteuid() || len(p.PIDs) == 0 || p.Dir == "" {
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
	c, err := env.Load(env.Query{Dir: p.Dir, Home: h.where.home})
	if err != nil || c.ProjectID != h.where.ProjectID {
		return nil, &mitm.Problem{
			Status: http.StatusForbidden, Slug: "permission_denied", Hint: "agentsecrets proxy stop",
			Message: "the proxy serves project " + h.where.ProjectName + ", in which the program does not work",
		}
	}
	return h.open, nil
}
