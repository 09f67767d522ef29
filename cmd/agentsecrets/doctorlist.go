package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// list names values that index.json does not list: nobody sees or deletes them, and whoever knows
// the name uses them.
func (x *checkup) list(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "list of secrets", OK: true}
	r, err := loadStoreRecord(storeRecordPath(x.home))
	if err == nil {
		_, err = index(x.home).Projects()
	}
	if err != nil {
		x.incomplete, c.Detail = true, "not checked: see store"
		return c
	}
	gone := missing(filepath.Join(x.home, "index.json"))
	x.incomplete = gone
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	held, hint, err := x.held(ctx, r)
	if err != nil {
		c.Detail = "not checked: see store"
		x.suspect(&c, r, gone, hint)
		return c
	}
	lost, err := index(x.home).Unlisted(held)
	if err != nil {
		return failed(c.What, err)
	}
	if c.Cells, c.Covered = len(held), len(held)-len(lost); len(lost) == 0 {
		c.Detail = "has all that the store holds"
		if r.Store == storeKeychain {
			x.untold(&c, gone)
		}
		return c
	}
	x.incomplete, c.OK, c.Detail = true, false, "these have values, which are still used, and are in no list: secrets list and delete do not know them"
	for _, ref := range lost {
		c.Missed = append(c.Missed, ref.String())
	}
	x.mend(&c, func() error {
		h, err := x.a.homeStore(x.home)
		if err != nil {
			return err
		}
		c.Detail = "listed again"
		return index(x.home).Adopt(ctx, h.serving(), lost)
	})
	x.incomplete = !c.OK
	return c
}

// untold says what a keychain does not tell: what it holds besides what is bound. A list that was there once has left
// its lock.
func (x *checkup) untold(c *doctorCheck, gone bool) {
	c.Detail = "has all that is bound and that the keychain holds, which does not tell what else that is"
	if gone && !missing(filepath.Join(x.home, "index.json.lock")) {
		c.OK, c.Hint = false, "agentsecrets secrets set NAME"
		c.Detail = "index.json, the list of what is kept, is gone, and the keychain does not tell what it holds that is not bound; " +
			"put a backup of the list back, or set each secret again, which lists it"
	}
}

// suspect says what is lost where the store cannot be looked into: bindings name secrets that are in no list, or
// there is no list of what was once changed.
func (x *checkup) suspect(c *doctorCheck, r storeRecord, gone bool, hint string) {
	for _, ref := range x.bound() {
		if name := ref.Project + ": " + ref.Name; !slices.Contains(c.Missed, name) {
			c.Missed = append(c.Missed, name)
		}
	}
	changed := r.Store == storeFile && !missing(filepath.Join(x.home, "vault.age.bak"))
	if len(c.Missed) == 0 && (!gone || !changed) {
		return
	}
	x.incomplete, c.OK, c.Hint = true, false, hint
	c.Detail = "bindings name secrets that are in no list; the store, which may hold them, does not open"
	if gone {
		c.Detail = "index.json, the list of what is kept, is gone; the store, which may hold values, does not open"
	}
}

// held is what the store holds; of a keychain, which does not tell, what it holds of all that is bound
// and in no list. hint is the command that would open the store.
func (x *checkup) held(ctx context.Context, r storeRecord) (refs []resolve.Ref, hint string, err error) {
	if r.Store == storeFile {
		used, err := r.used(x.home)
		if err != nil || !used {
			return nil, "", err
		}
		s, err := fileStore(x.home).Open()
		if err == nil {
			refs, err = s.Refs()
		}
		if hint = hintOf(err); isLocked(err) {
			hint = unlockHint
		}
		return refs, hint, err
	}
	bound := x.bound()
	if len(bound) == 0 {
		return nil, "", nil
	}
	h, err := x.a.homeStore(x.home)
	if err != nil {
		return nil, "", err
	}
	h = h.serving()
	if _, err := h.keychain.Look(ctx); err != nil { // a locked one stays so
		return nil, unlockHint, err
	}
	for _, ref := range bound {
		_, err := h.Resolve(ctx, ref)
		if err == nil {
			refs = append(refs, ref)
		} else if !errors.Is(err, resolve.ErrNotFound) {
			return nil, unlockHint, err
		}
	}
	return refs, "", nil
}

// bound are the secrets that some binding names and no environment lists, in each environment that there may be.
func (x *checkup) bound() []resolve.Ref {
	var refs []resolve.Ref
	paths, _ := filepath.Glob(filepath.Join(x.home, "policy", "*.json"))
	for _, path := range paths {
		p, err := allowlist.LoadPolicy(path)
		if err != nil {
			continue // another check says so
		}
		for project, bindings := range p.Bindings {
			for name := range bindings {
				refs = append(refs, x.anywhere(project, name)...)
			}
		}
	}
	slices.SortFunc(refs, func(a, b resolve.Ref) int { return strings.Compare(a.String(), b.String()) })
	return refs
}

// anywhere is name in each environment of a project, unless one lists it.
func (x *checkup) anywhere(project, name string) []resolve.Ref {
	listed, err := index(x.home).Project(project)
	if err != nil {
		return nil
	}
	environments := env.Environments()
	if x.outside == nil && x.w.ProjectID == project {
		environments = append(environments, x.w.Environment)
	}
	for environment, names := range listed {
		if slices.Contains(names, name) {
			return nil
		}
		environments = append(environments, environment)
	}
	slices.Sort(environments)
	var refs []resolve.Ref
	for _, environment := range slices.Compact(environments) {
		if ref := (resolve.Ref{Project: project, Environment: environment, Name: name}); ref.Check() == nil {
			refs = append(refs, ref)
		}
	}
	return refs
}
