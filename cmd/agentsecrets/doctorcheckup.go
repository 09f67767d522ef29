package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/env"
)

// checkup looks at what is set up on this machine, and here. It asks nobody, opens
// nothing that is locked and makes nothing.
type checkup struct {
	a       *app // that asks nobody
	fix     bool // what can be put right without a password, and opens nothing to anybody
	home    string
	w       where
	outside error // why there is no project; nil: there is
	shut    bool  // the keychain does not open: nobody asks it again

	incomplete bool // the list of secrets is not known to have all that is kept
}

// storeTime is what the store may take.
const storeTime = 5 * time.Second

// checkUp is the doctor's report about all but the path. A program in a run is told
// nothing: what is weak here is what it would look for.
func (a *app) checkUp(ctx context.Context, fix bool) []doctorCheck {
	if err := outsideRun("looking at what is set up"); err != nil {
		return []doctorCheck{{What: "what is set up here", OK: true, Detail: "not checked inside a run"}}
	}
	quiet := *a
	quiet.noInput = true
	x := &checkup{a: &quiet, fix: fix}
	home, err := env.Home()
	if err != nil {
		return []doctorCheck{failed("home", err)}
	}
	x.home = home
	if _, err := os.Lstat(home); errors.Is(err, fs.ErrNotExist) {
		none := doctorCheck{What: "set-up", OK: true, Detail: "nothing is set up yet on this machine", Hint: "agentsecrets init"}
		return append([]doctorCheck{none}, x.everywhere(ctx)...)
	}
	files := x.permissions() // first: what others can change, no other check would read
	x.w, x.outside = quiet.where()
	names := x.list(ctx) // before those that count and compare what is listed
	// What keeps init and others from working stands before what hints at them.
	list := []doctorCheck{files, x.places(), x.project(), x.registry(), x.store(ctx), names, x.keychain(ctx), x.policy(), x.bindings(), x.rules(), x.values(ctx), x.agents(), x.leftovers(), x.audit(ctx), x.root(), x.trust(ctx)}
	return append(list, x.everywhere(ctx)...)
}

// everywhere needs no home.
func (x *checkup) everywhere(ctx context.Context) []doctorCheck {
	return []doctorCheck{x.daemon(ctx), x.port(ctx), x.clock(), x.environment(ctx), x.hardening(), x.tier()}
}

// failed is a check that could not be done, and what would be behind it does not work either.
func failed(what string, err error) doctorCheck {
	c := doctorCheck{What: what, Detail: err.Error(), Hint: hintOf(err)}
	var h hinter
	if errors.As(err, &h) { // what the command costs, and what else there is
		if about, ok := strings.CutSuffix(h.Hint(), ": "+c.Hint); ok {
			c.Detail += "; " + about
		}
	}
	return c
}

// hintOf is the command that would help with err, "" if it knows none.
func hintOf(err error) string {
	if aside := putOutOfTheWay(err); aside != "" {
		return aside
	}
	var c interface{ Command() string }
	if errors.As(err, &c) && c.Command() != "" {
		return c.Command()
	}
	var h hinter
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// warns makes c a warning.
func (c *doctorCheck) warns(hint, detail string) { c.Warning, c.Hint, c.Detail = true, hint, detail }

// mend has do put right what c is about, where that was asked for; else c names the
// command that does.
func (x *checkup) mend(c *doctorCheck, do func() error) {
	if !x.fix {
		c.Hint = "agentsecrets doctor --fix"
		return
	}
	if err := do(); err != nil {
		c.OK, c.Detail, c.Hint = false, err.Error(), hintOf(err)
		return
	}
	c.OK, c.Warning, c.Fixed, c.Covered = true, false, true, c.Cells
}

// project is where commands work here.
func (x *checkup) project() doctorCheck {
	c := doctorCheck{What: "project", OK: true}
	switch {
	case errors.Is(x.outside, env.ErrNoProject):
		c.Detail, c.Hint = "there is no project here", "agentsecrets init"
	case x.outside != nil:
		return failed(c.What, x.outside)
	default:
		if err := x.w.known(); err != nil {
			c.warns(hintOf(err), err.Error())
			return c
		}
		c.Detail = x.w.WorkspaceName + " / " + x.w.String()
	}
	return c
}

// here reports whether there is a project, and notes in c that there is none.
func (x *checkup) here(c *doctorCheck) bool {
	if c.OK = true; x.outside != nil {
		c.Detail = "not checked: there is no project here"
		if !errors.Is(x.outside, env.ErrNoProject) {
			c.Detail = "not checked: see project"
		}
	}
	return x.outside == nil
}
