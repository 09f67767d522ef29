package main

import (
	"time"

	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// forgetting is how often a proxy looks whether there are values that it need not
// look for in responses any more.
const forgetting = 10 * time.Minute

// forgetOld goes by names and times alone: no store is asked.
func (h *house) forgetOld() {
	if n := h.proxy.Forget(replacedIn(index(h.where.home))); n > 0 {
		h.messages.Info("values are no longer looked for", "count", n)
	}
}

// regularly does what a proxy does as long as it stays, until close.
func (h *house) regularly(interval time.Duration, do func()) {
	h.chores.Go(func() {
		every := time.NewTicker(interval)
		defer every.Stop()
		for {
			select {
			case <-h.over:
				return
			case <-every.C:
				do()
			}
		}
	})
}

// replacedIn reads the names of each environment once. Where they cannot be read,
// nothing counts as replaced.
func replacedIn(x *resolve.Index) mitm.Replaced {
	type environment struct{ project, name string }
	known := map[environment]map[string]time.Time{}
	return func(project, in, name string, since time.Time) bool {
		e := environment{project, in}
		set, ok := known[e]
		if !ok {
			entries, err := x.Names(project, in)
			if err == nil {
				set = map[string]time.Time{}
			}
			for _, entry := range entries {
				set[entry.Name] = entry.Updated
			}
			known[e] = set
		}
		updated, stored := set[name]
		return set != nil && (!stored || updated.After(since))
	}
}
