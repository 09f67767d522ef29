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
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	known, err := w.wellKnown(all)
	if err != nil {
		return nil, err
	}
	var rules []allowlist.Rule
	for _, g := range all {
		binding, bound := policy.Bindings[w.ProjectID][g.name]
		if p, ok := known[g.name]; ok && !bound {
			binding = p.Binding()
		}
		hosts := b.over(binding).Hosts
		if len(hosts) == 0 {
			f := usage("--allow: %s is bound to no host that could be allowed", g.name)
			f.hint = "agentsecrets secrets set " + g.name + " --host HOST --allow"
			return nil, f
		}
		for _, r := range hosts {
			if !slices.ContainsFunc(rules, sameRule(r)) {
				rules = append(rules, r)
			}
		}
	}
	return rules, a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, allowing(rules))
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
