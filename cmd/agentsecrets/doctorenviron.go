package main

import (
	"context"
	"regexp"
	"strings"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/rundir"
)

// environment says what the variables that we were started with would do to a run.
func (x *checkup) environment(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "variables", OK: true}
	notices, err := x.notices()
	if err != nil {
		return failed(c.What, err)
	}
	for _, n := range notices {
		c.Missed = append(c.Missed, n)
		if name := firstVariable.FindString(n); name != "" {
			c.setHint("unset " + name)
		}
	}
	if name := x.leftProxy(ctx); name != "" {
		c.Missed = append(c.Missed, name+" leads to a proxy of agentsecrets that has stopped: programs of this shell find that nothing answers")
		c.setHint(`eval "$(agentsecrets proxy env --unset)"`)
	}
	c.Warning = len(c.Missed) > 0
	p, err := x.a.parents(ctx, x.home, originFlags{parent: parentEnv})
	if err != nil { // run says so, and goes without
		c.Warning, c.Missed = true, append(c.Missed, strings.TrimPrefix(err.Error(), "--parent env: "))
		c.setHint("unset HTTPS_PROXY https_proxy")
	}
	if p.adopted != "" {
		c.Detail = p.adopted + " names a parent proxy, " + p.proxy.String() + ": runs reach origins through it"
	} else if !c.Warning {
		c.Detail = "none is in the way; no parent proxy"
	}
	return c
}

// leftProxy is the variable that leads this shell to a proxy of ours that is no more; "" if none does.
func (x *checkup) leftProxy(ctx context.Context) string {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		u, err := parentURL(x.a.variable(name))
		if err != nil || !x.a.isOurs(ctx, x.home, u) {
			continue
		}
		if _, answers := healthAt(ctx, u.Host); !answers {
			return name
		}
	}
	return ""
}

var firstVariable = regexp.MustCompile(`\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b`)

// notices are what a run would warn of: its variables are made, for a proxy that there is
// not, and thrown away.
func (x *checkup) notices() ([]string, error) {
	dir, err := rundir.New() // wget's settings are copied there, and may hold a password: what is left of a killed one is found
	if err != nil {
		return nil, inTemp(exitFailure, err)
	}
	defer dir.Remove()
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return nil, err
	}
	_, notices, err := env.Child{Environ: x.a.environ, ProxyURL: "http://127.0.0.1:1", CA: authority.PEM(), Bundle: authority.Bundle, Dir: dir.Path()}.Vars()
	if v := x.a.variable("REQUEST_METHOD"); v != "" {
		notices = append(notices, "REQUEST_METHOD is set: Go programs take themselves for a CGI and use no proxy for http")
	}
	if err != nil {
		return nil, inTemp(exitFailure, err)
	}
	return notices, nil
}
