package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
)

// registry names what is kept here for projects and workspaces that the list of them
// does not have: no command comes to it any more, and a new project of the same name is
// another one.
func (x *checkup) registry() doctorCheck {
	c := doctorCheck{What: "list of projects", OK: true}
	known, err := x.listed()
	if err != nil {
		return failed(c.What, err)
	}
	kept, err := index(x.home).Projects()
	if err != nil {
		c.Detail = "not checked: see store"
		return c
	}
	lost := map[string]bool{}
	note := func(id, what string) {
		if c.Cells++; known[id] {
			c.Covered++
			return
		}
		lost[id] = true
		c.Missed = append(c.Missed, what)
	}
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		note(id, fmt.Sprintf("project %s has %s", id, count(kept[id], "secret")))
	}
	for _, id := range x.ruled() {
		note(id, fmt.Sprintf("workspace %s has rules, bindings or a password", id))
	}
	switch {
	case c.Cells == 0:
		c.Detail = "nothing is kept yet"
	case len(lost) == 0:
		c.Detail = "has all projects and workspaces that something is kept for"
	default:
		x.lost(&c, lost)
	}
	return c
}

// lost says what makes projects known again: the file of each, where it is worked on.
func (x *checkup) lost(c *doctorCheck, ids map[string]bool) {
	c.Warning, c.Detail = true, "state.json does not have what is kept for these"
	if _, err := os.Lstat(filepath.Join(x.home, "state.json")); err != nil {
		c.Detail = "state.json is gone, and these are known by their IDs alone"
	}
	c.Detail += "; put a backup of it back, or run agentsecrets init where each is worked on"
	if x.outside == nil && (ids[x.w.ProjectID] || ids[x.w.WorkspaceID]) {
		c.Hint = "agentsecrets init"
	}
}

// listed are the IDs of the projects and workspaces that are known here.
func (x *checkup) listed() (map[string]bool, error) {
	known := map[string]bool{}
	reg := env.OpenRegistry(x.home)
	workspaces, err := reg.Workspaces()
	for _, w := range workspaces {
		known[w.ID] = true
		projects, more := reg.Projects(w.ID)
		for _, p := range projects {
			known[p.ID] = true
		}
		err = cmp.Or(err, more)
	}
	return known, err
}

// ruled are the IDs of the workspaces whose policy says something: of one that was deleted an
// empty one stays. Where one cannot be read, another check says so.
func (x *checkup) ruled() []string {
	paths, _ := filepath.Glob(filepath.Join(x.home, "policy", "*.json"))
	var ids []string
	for _, path := range paths {
		p, err := allowlist.LoadPolicy(path)
		if err == nil && (len(p.Rules) > 0 || len(p.Bindings) > 0 || p.Password != "") {
			ids = append(ids, strings.TrimSuffix(filepath.Base(path), ".json"))
		}
	}
	return ids
}
