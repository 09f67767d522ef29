package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// policyHere reads the policy that counts here.
func (x *checkup) policyHere() (*allowlist.Policy, error) {
	path, err := policyPath(x.home, x.w.WorkspaceID)
	if err != nil {
		return nil, err
	}
	return allowlist.LoadPolicy(path)
}

// policy says whether the rules and bindings are those that were decided.
func (x *checkup) policy() doctorCheck {
	c := doctorCheck{What: "policy"}
	if !x.here(&c) {
		return c
	}
	p, err := x.policyHere()
	if broken := (*allowlist.SealError)(nil); errors.As(err, &broken) {
		c = failed(c.What, err)
		c.Hint = strings.TrimSuffix(c.Hint, " --password-file F") // at a terminal it asks
		return c
	}
	if err != nil {
		return failed(c.What, err)
	}
	path, err := policyPath(x.home, x.w.WorkspaceID)
	if err != nil {
		return failed(c.What, err)
	}
	_, missing := os.Lstat(path)
	switch {
	case p.Sealed():
		c.Detail = count(len(p.Rules), "rule") + ", sealed"
	case missing == nil:
		c.Detail = count(len(p.Rules), "rule") + "; an earlier version wrote it without a seal, the next change seals it"
	default:
		c.Detail = "no rules yet: no value goes anywhere"
	}
	return c
}

// bindings names secrets that may go to each host that is allowed.
func (x *checkup) bindings() doctorCheck {
	c := doctorCheck{What: "secrets are bound to hosts"}
	p, names, ok := x.policyAndNames(&c)
	if !ok {
		return c
	}
	if len(p.Rules) == 0 {
		c.Detail = "no host is allowed yet"
		return c
	}
	c.Cells = len(names)
	bound := p.Bindings[x.w.ProjectID]
	for _, name := range names {
		if len(bound[name].Hosts) > 0 {
			c.Covered++
			continue
		}
		c.Missed = append(c.Missed, name+" may go to every host that is allowed")
		if c.Hint == "" {
			c.Hint = bindHint(name, p.Rules)
		}
	}
	if c.Warning = len(c.Missed) > 0; c.Cells == 0 {
		c.Detail = "there are none"
	}
	return c
}

// policyAndNames is what there is here to compare. Where it cannot be read, another check
// says so.
func (x *checkup) policyAndNames(c *doctorCheck) (p *allowlist.Policy, names []string, ok bool) {
	if !x.here(c) {
		return nil, nil, false
	}
	p, err := x.policyHere()
	if err != nil {
		c.Detail = "not checked: see policy"
		return nil, nil, false
	}
	if names, err = x.w.names(); err != nil {
		c.Detail = "not checked: see store"
		return nil, nil, false
	}
	return p, names, true
}

// bindHint binds name to the hosts of its provider, where that is known, else to those
// that it may go to now.
func bindHint(name string, rules []allowlist.Rule) string {
	hosts := rules
	if provider, ok := allowlist.NewCatalogue().For(name); ok {
		hosts = provider.Hosts
	}
	command := "agentsecrets secrets bind " + name
	for _, h := range hosts {
		h.Method, h.Path, h.Places, h.Options = "", "", nil, allowlist.Options{}
		if flag := " --host " + atomicfile.ShellWord(h.String()); !strings.Contains(command+" ", flag+" ") {
			command += flag
		}
	}
	if len(hosts) == 0 {
		command += " --host HOST"
	}
	return command
}

// rules names bindings to hosts that are not allowed, and rules that no secret is for.
func (x *checkup) rules() doctorCheck {
	c := doctorCheck{What: "allowlist and bindings fit together"}
	p, names, ok := x.policyAndNames(&c)
	if !ok {
		return c
	}
	for _, name := range names {
		for _, host := range p.Bindings[x.w.ProjectID][name].Hosts {
			if c.Cells++; reaches(p.Rules, host) {
				c.Covered++
				continue
			}
			c.Missed = append(c.Missed, fmt.Sprintf("%s is bound to %s, which is not allowed", name, host))
			c.setHint("agentsecrets workspace allowlist add " + atomicfile.ShellWord(host.String()))
		}
	}
	if x.incomplete { // a rule may be for what is not listed
		c.Detail = "rules are not compared: see list of secrets"
	} else if open, err := x.anyUnbound(p); err != nil || !open {
		for _, rule := range p.Rules {
			if c.Cells++; boundTo(p, rule) {
				c.Covered++
				continue
			}
			c.Missed = append(c.Missed, rule.String()+" is allowed, and no secret is bound to it")
			c.setHint("agentsecrets workspace allowlist remove " + atomicfile.ShellWord(rule.String()))
		}
	}
	if c.Warning = len(c.Missed) > 0; c.Cells == 0 && !x.incomplete {
		c.Detail = "there is nothing to compare"
	}
	return c
}

// setHint keeps the first: what comes after it is told by the next doctor.
func (c *doctorCheck) setHint(hint string) {
	if c.Hint == "" {
		c.Hint = hint
	}
}

// reaches reports whether some rule allows what a secret is bound to, all of it or a part.
func reaches(rules []allowlist.Rule, bound allowlist.Rule) bool {
	return slices.ContainsFunc(rules, func(r allowlist.Rule) bool { return meet(r, bound) })
}

// meet reports whether there is a host that both a and b name.
func meet(a, b allowlist.Rule) bool {
	same := a.Host == b.Host && a.Wildcard == b.Wildcard && portOf(a) == portOf(b)
	return same || !b.Wildcard && a.Match(b.Host, portOf(b)) || !a.Wildcard && b.Match(a.Host, portOf(a))
}

func portOf(r allowlist.Rule) int {
	if r.Port == 0 {
		return 443
	}
	return r.Port
}

// boundTo reports whether a secret of any project is bound to what rule allows.
func boundTo(p *allowlist.Policy, rule allowlist.Rule) bool {
	for _, bindings := range p.Bindings {
		for _, b := range bindings {
			if reaches(b.Hosts, rule) {
				return true
			}
		}
	}
	return false
}

// anyUnbound reports whether some secret of the workspace may go wherever a rule leads.
func (x *checkup) anyUnbound(p *allowlist.Policy) (bool, error) {
	projects, err := env.OpenRegistry(x.home).Projects(x.w.WorkspaceID)
	if err != nil {
		return true, err
	}
	for _, project := range projects {
		kept, err := index(x.home).Project(project.ID)
		if err != nil {
			return true, err
		}
		for _, names := range kept {
			for _, name := range names {
				if len(p.Bindings[project.ID][name].Hosts) == 0 {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// agents names tokens that have expired: whoever holds one is refused.
func (x *checkup) agents() doctorCheck {
	c := doctorCheck{What: "tokens of agents"}
	if !x.here(&c) {
		return c
	}
	p, err := x.policyHere()
	if err != nil {
		c.Detail = "not checked: see policy"
		return c
	}
	book, err := agents.Load(p)
	if err != nil {
		return failed(c.What, err)
	}
	now := time.Now()
	for _, agent := range book.Agents {
		for _, t := range agent.Tokens {
			switch t.Status(now) {
			case agents.Active:
				c.Cells, c.Covered = c.Cells+1, c.Covered+1
			case agents.Expired:
				c.Cells++
				c.Missed = append(c.Missed, fmt.Sprintf("%s of agent %s expired on %s", t.ID, agent.Name, t.Expires.UTC().Format(time.DateOnly)))
				c.setHint("agentsecrets agent token revoke " + t.ID + " --agent " + atomicfile.ShellWord(agent.Name))
			}
		}
	}
	if c.Warning = len(c.Missed) > 0; c.Cells == 0 {
		c.Detail = "there are none"
	}
	return c
}
