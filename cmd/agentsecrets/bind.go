package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/place"
)

// What a secret is bound to. The binding of a name is one for all environments
// of a project. Making it narrower is free; wider needs the workspace password,
// unless the same command sets the value that it is for.

// wanted is what the flags say about a binding; nil lists leave that part as it is.
type wanted struct{ allowlist.Binding }

func (f bindFlags) wanted() (wanted, error) {
	b, err := f.binding()
	return wanted{b}, err
}

func (b wanted) any() bool {
	return b.Hosts != nil || b.Places != nil || b.Methods != nil || b.Paths != nil || b.NoEnv
}

// over returns the binding that b makes of old.
func (b wanted) over(old allowlist.Binding) allowlist.Binding {
	if b.Hosts != nil {
		old.Hosts = b.Hosts
	}
	if b.Places != nil {
		old.Places = b.Places
	}
	if b.Methods != nil {
		old.Methods = b.Methods
	}
	if b.Paths != nil {
		old.Paths = b.Paths
	}
	old.NoEnv = old.NoEnv || b.NoEnv
	return old
}

// rebinding makes the binding that name gets of the one that it has; bound is
// false where it has none.
type rebinding func(name string, old allowlist.Binding, bound bool) (allowlist.Binding, error)

// bind gives what is set the binding that was asked for, and new secrets of
// well-known names that of the catalogue.
func (a *app) bind(ctx context.Context, w where, all []given, b wanted) error {
	known, err := w.wellKnown(all)
	if err != nil || len(known) == 0 && !b.any() {
		return err
	}
	if b.any() {
		if err := w.bindOutsideRun(namesOf(all)); err != nil {
			return err
		}
	}
	err = a.rebind(ctx, w, all, func(name string, old allowlist.Binding, bound bool) (allowlist.Binding, error) {
		if p, ok := known[name]; ok && !bound {
			old = p.Binding()
		}
		return b.over(old), nil
	})
	if err != nil {
		return err
	}
	a.warnAny(b)
	for _, g := range all {
		if p, ok := known[g.name]; ok && (b.Hosts == nil || b.Places == nil) {
			a.say("%s is bound as secrets of %s are: it %s.", g.name, p.Name, describe(b.over(p.Binding())))
		}
	}
	return nil
}

func (w where) bindOutsideRun(names []string) error {
	err := outsideRun("changing what a secret is bound to")
	if err == nil {
		return nil
	}
	var tried []allowlist.Change
	for _, name := range names {
		tried = append(tried, change("bind", name))
	}
	return w.noteRefused(err, tried)
}

// wellKnown finds the providers of secrets that are new to the project.
func (w where) wellKnown(all []given) (map[string]allowlist.Provider, error) {
	var names []string
	for _, g := range all {
		if !g.value.IsZero() {
			names = append(names, g.name)
		}
	}
	return w.newlyKnown(names)
}

// newlyKnown finds the providers of those names that the project does not keep yet.
func (w where) newlyKnown(names []string) (map[string]allowlist.Provider, error) {
	known := map[string]allowlist.Provider{}
	catalogue := allowlist.NewCatalogue()
	for _, name := range names {
		p, ok := catalogue.For(name)
		if !ok {
			continue
		}
		held, err := index(w.home).Environments(w.ProjectID, name)
		if err != nil {
			return nil, err
		}
		if len(held) == 0 {
			known[name] = p
		}
	}
	return known, nil
}

// rebind changes the bindings of all, or none. Values that are already there must
// not come to go further by it without the password.
func (a *app) rebind(ctx context.Context, w where, all []given, change rebinding) error {
	policy, err := w.policy()
	if err != nil {
		return err
	}
	wider, err := w.widened(policy, all, change)
	if err != nil {
		return err
	}
	if len(wider) > 0 {
		what := "letting " + strings.Join(wider, ", ") + " go further than now"
		tried, err := w.bindings(policy, all, change)
		if err != nil {
			return err
		}
		authorize := func() error { return a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, what) }
		if err := w.authorizeChanges(authorize, tried); err != nil {
			return err
		}
	}
	return w.updatePolicy(func(p *allowlist.Policy) error {
		again, err := w.widened(p, all, change)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(again, func(name string) bool { return !slices.Contains(wider, name) }) {
			return errors.New("somebody else changed the binding just now; try again")
		}
		return w.change(p, all, change)
	})
}

// change writes the bindings of all into p.
func (w where) change(p *allowlist.Policy, all []given, change rebinding) error {
	if p.Bindings == nil {
		p.Bindings = map[string]map[string]allowlist.Binding{}
	}
	if p.Bindings[w.ProjectID] == nil {
		p.Bindings[w.ProjectID] = map[string]allowlist.Binding{}
	}
	named := p.Bindings[w.ProjectID]
	for _, g := range all {
		old, bound := named[g.name]
		b, err := change(g.name, old, bound)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(old, b) {
			p.Note(bindingChange(g.name, b))
		}
		if b.Unbound() {
			delete(named, g.name)
		} else {
			named[g.name] = b
		}
	}
	return nil
}

// bindings are the changes that change would make of all.
func (w where) bindings(p *allowlist.Policy, all []given, change rebinding) ([]allowlist.Change, error) {
	var tried []allowlist.Change
	for _, g := range all {
		old, bound := p.Bindings[w.ProjectID][g.name]
		b, err := change(g.name, old, bound)
		if err != nil {
			return nil, err
		}
		tried = append(tried, bindingChange(g.name, b))
	}
	return tried, nil
}

// widened lists the names whose binding would become wider. Where no value is
// kept, and nothing is bound, there is nothing that could go further.
func (w where) widened(p *allowlist.Policy, all []given, change rebinding) ([]string, error) {
	var wider []string
	for _, g := range all {
		old, bound := p.Bindings[w.ProjectID][g.name]
		b, err := change(g.name, old, bound)
		if err != nil {
			return nil, err
		}
		if !bound && !g.value.IsZero() {
			// A value that is about to be replaced counts: it stays if that fails.
			held, err := index(w.home).Environments(w.ProjectID, g.name)
			if err != nil {
				return nil, err
			}
			if len(held) == 0 {
				continue
			}
		}
		if !b.Narrows(old) {
			wider = append(wider, g.name)
		}
	}
	return wider, nil
}

func (a *app) warnAny(b wanted) {
	if slices.Contains(b.Places, place.Any) {
		a.warn("%s puts the value wherever a body names the placeholder, in prompts and uploaded files too", place.Any)
	}
}

// describe says to people what a binding lets a secret do.
func describe(b allowlist.Binding) string {
	text := "may go to any allowed host"
	if len(b.Hosts) > 0 {
		text = "may go to " + few(ruleTexts(b.Hosts))
	}
	if len(b.Places) > 0 {
		text += ", in " + few(b.Places)
	}
	if len(b.Methods) > 0 {
		text += ", with " + few(b.Methods)
	}
	if len(b.Paths) > 0 {
		text += ", to paths " + few(b.Paths)
	}
	if b.NoEnv {
		text += ", and is not given to programs"
	}
	return text
}

// few is the start of a list that may be long.
func few(list []string) string {
	const most = 4
	if len(list) <= most+1 {
		return strings.Join(list, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], " "), len(list)-most)
}
