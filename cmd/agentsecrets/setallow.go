package main

import (
	"context"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// boundHosts are the rules that secrets set --allow is about to add: the hosts
// that the secrets will be bound to. It asks for the password at once, so that
// without it nothing is kept either.
func (a *app) boundHosts(ctx context.Context, w where, all []given, b wanted) ([]allowlist.Rule, error) {
	rules, err := w.hostsToAllow(namesOf(all), b)
	if err != nil {
		return nil, err
	}
	authorize := func() error { return a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, allowing(rules)) }
	return rules, w.authorizeChanges(authorize, changesOf("add", rules))
}

// noteSetInRun returns why, for which secrets set is refused in a run, and writes
// down what it would have changed of the policy.
func (a *app) noteSetInRun(why error, args []string, o setOptions) error {
	if !o.allow && !o.any() {
		return why
	}
	w, err := a.where()
	if err != nil {
		return why
	}
	names, err := checkNames(args)
	if err != nil {
		return why
	}
	var tried []allowlist.Change
	if b, err := o.wanted(); o.allow && err == nil {
		if rules, err := w.hostsToAllow(names, b); err == nil {
			tried = changesOf("add", rules)
		}
	}
	for _, name := range names {
		if o.any() {
			tried = append(tried, change("bind", name))
		}
	}
	return w.noteRefused(why, tried)
}

// hostsToAllow are the hosts that the secrets of these names will be bound to. One
// that is bound to none is an error, told before anybody types a value.
func (w where) hostsToAllow(names []string, b wanted) ([]allowlist.Rule, error) {
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	known, err := w.newlyKnown(names)
	if err != nil {
		return nil, err
	}
	var rules []allowlist.Rule
	for _, name := range names {
		binding, bound := policy.Bindings[w.ProjectID][name]
		if p, ok := known[name]; ok && !bound {
			binding = p.Binding()
		}
		hosts := b.over(binding).Hosts
		if len(hosts) == 0 {
			f := usage("--allow: %s is bound to no host that could be allowed", name)
			f.hint = "agentsecrets secrets set " + name + " --host HOST --allow"
			return nil, f
		}
		for _, r := range hosts {
			if !slices.ContainsFunc(rules, sameRule(r)) {
				rules = append(rules, r)
			}
		}
	}
	return rules, nil
}

func allowing(rules []allowlist.Rule) string {
	return "allowing " + strings.Join(ruleTexts(rules), ", ")
}

// allowBound adds what boundHosts asked for.
func (a *app) allowBound(ctx context.Context, rules []allowlist.Rule) error {
	if len(rules) == 0 {
		return nil
	}
	_, err := a.addRules(ctx, rules)
	return err
}
