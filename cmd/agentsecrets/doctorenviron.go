package main

import (
	"context"
	"regexp"
	"slices"
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
	var names []string
	for _, n := range notices {
		c.Missed = append(c.Missed, n)
		if name := leadingVariable.FindString(n); name != "" && name != "HOME" {
			names = append(names, name)
		}
	}
	if left := x.leftProxies(ctx); len(left) > 0 {
		lead := " leads"
		if len(left) > 1 {
			lead = " lead"
		}
		c.Missed = append(c.Missed, strings.Join(left, ", ")+lead+" to a proxy of agentsecrets that has stopped: programs of this shell find that nothing answers")
		names = append(names, left...)
	}
	p, err := x.a.parents(ctx, x.home, originFlags{parent: parentEnv})
	if err != nil { // run says so, and goes without
		c.Missed = append(c.Missed, strings.TrimPrefix(err.Error(), "--parent env: "))
		names = append(names, "HTTPS_PROXY", "https_proxy")
	}
	c.Warning, c.Hint = len(c.Missed) > 0, x.unsets(names)
	if p.adopted != "" {
		c.Detail = p.adopted + " names a parent proxy, " + p.proxy.String() + ": runs reach origins through it"
	} else if !c.Warning {
		c.Detail = "none is in the way; no parent proxy"
	}
	return c
}

// unsets is one command that takes all of names away: what proxy env has set as it says itself, since there are
// others with it, and what it leaves, as what was set by hand, by name.
func (x *checkup) unsets(names []string) string {
	set, unset, err := x.a.pastDaemon()
	undone := func(name string) bool {
		_, changed := set[name]
		return err == nil && x.a.variable(name) != "" && (changed || slices.Contains(unset, name))
	}
	var commands []string
	if slices.ContainsFunc(names, undone) {
		commands = append(commands, `eval "$(agentsecrets proxy env --unset)"`)
		names = slices.DeleteFunc(names, undone)
	}
	if len(names) > 0 {
		slices.Sort(names)
		commands = append(commands, "unset "+strings.Join(slices.Compact(names), " "))
	}
	return strings.Join(commands, " && ")
}

// leftProxies are the variables that lead this shell to a proxy of ours that is no more.
func (x *checkup) leftProxies(ctx context.Context) (left []string) {
	stopped := map[string]bool{} // by URL: most name the same
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		text := x.a.variable(name)
		u, err := parentURL(text)
		if err != nil || text == "" {
			continue
		}
		if _, known := stopped[text]; !known {
			ours, answers := x.a.isOurs(ctx, x.home, u), false
			if ours {
				_, answers = healthAt(ctx, u.Host)
			}
			stopped[text] = ours && !answers
		}
		if stopped[text] {
			left = append(left, name)
		}
	}
	return left
}

// leadingVariable is what a notice is about.
var leadingVariable = regexp.MustCompile(`^[A-Z][A-Z0-9_]*\b`)

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
