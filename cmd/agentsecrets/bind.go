package main

import (
	"context"
	"errors"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/place"
)

// wanted is what the flags say about a binding; nil lists leave that part as it is.
type wanted struct {
	hosts  []allowlist.Rule
	places []string
}

func (o setOptions) binding() (wanted, error) {
	var b wanted
	var err error
	if b.hosts, err = parseRules(o.hosts); err != nil {
		return b, err
	}
	for _, text := range o.places {
		p, err := place.Parse(text)
		if err != nil {
			return b, usage("%w", err)
		}
		if p == place.Any || strings.HasPrefix(p, place.Cookie+":") {
			return b, usage("--in %s cannot be kept yet: bind to body, body:PATH, header or cookie", p)
		}
		b.places = append(b.places, p)
	}
	return b, nil
}

// over returns the binding that b makes of old.
func (b wanted) over(old allowlist.Binding) allowlist.Binding {
	if b.hosts != nil {
		old.Hosts = b.hosts
	}
	if b.places != nil {
		old.Places = b.places
	}
	return old
}

// bind gives names the binding that was asked for. Values that are already
// there must not come to go further by it without the password.
func (a *app) bind(ctx context.Context, w where, all []given, b wanted) error {
	if b.hosts == nil && b.places == nil {
		return nil
	}
	if err := outsideRun("changing what a secret is bound to"); err != nil {
		return err
	}
	wider, err := w.widened(all, b)
	if err != nil {
		return err
	}
	if len(wider) > 0 {
		what := "letting " + strings.Join(wider, ", ") + " go further than now"
		if err := a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, what); err != nil {
			return err
		}
	}
	return w.updatePolicy(func(p *allowlist.Policy) error {
		if len(wider) == 0 {
			again, err := w.widenedIn(p, all, b)
			if err != nil {
				return err
			}
			if len(again) > 0 {
				return errors.New("somebody else changed the binding just now; try again")
			}
		}
		if p.Bindings == nil {
			p.Bindings = map[string]map[string]allowlist.Binding{}
		}
		if p.Bindings[w.ProjectID] == nil {
			p.Bindings[w.ProjectID] = map[string]allowlist.Binding{}
		}
		for _, g := range all {
			p.Bindings[w.ProjectID][g.name] = b.over(p.Bindings[w.ProjectID][g.name])
		}
		return nil
	})
}

func (w where) widened(all []given, b wanted) ([]string, error) {
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	return w.widenedIn(policy, all, b)
}

// widenedIn lists the names whose binding would become wider. Where no value is
// kept, and nothing is bound, there is nothing that could go further.
func (w where) widenedIn(p *allowlist.Policy, all []given, b wanted) ([]string, error) {
	var wider []string
	for _, g := range all {
		old, bound := p.Bindings[w.ProjectID][g.name]
		if !bound && !g.value.IsZero() { // the value here is about to be replaced
			held, err := w.heldElsewhere(g.name)
			if err != nil {
				return nil, err
			}
			if !held {
				continue
			}
		}
		if !b.over(old).Narrows(old) {
			wider = append(wider, g.name)
		}
	}
	return wider, nil
}
