package main

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// doors are the runs of a daemon: one for each project file from which programs
// come, and one for each environment that somebody pinned a project to. Where
// no project can be told there is no door: nobody gets another project's.
type doors struct {
	home   string
	newRun func(func() mitm.Scope) *mitm.Run
	ended  func(mitm.Scope) bool // whether the token of a scope that has one counts no more
	start  where                 // where the daemon was started; of no project where it was in none
	named  bool                  // start was asked for by name: programs that work in no project get it
	pinned string                // the environment that was asked for, of start's project; "" for what its file says
	only   string                // the workspace whose password the origin flags were given with; "" for all

	mu   sync.Mutex
	open map[door]*entrance
}

// door says what a run is for.
type door struct {
	file, workspaceID, projectID string
	pinned                       string // "" for what the file says at the moment
	token                        string // ID of the agent's; "" for whoever comes
}

// entrance is an open door.
type entrance struct {
	run   *mitm.Run
	scope func() mitm.Scope
}

// maxDoors is more project files than anybody works in.
const maxDoors = 1000

// of opens the door for what q says, or tells in fixed words why there is none.
func (d *doors) of(q env.Query) (door, *entrance, error) {
	q.Home = d.home
	w := where{home: d.home}
	var err error
	w.Context, err = env.Load(q)
	if errors.Is(err, env.ErrNoProject) && q.Project == "" && q.Workspace == "" && d.named {
		w, err = d.start, nil
		w.Environment = cmp.Or(q.Environment, w.Environment)
	}
	if err != nil {
		return door{}, nil, noDoor(err)
	}
	if err := d.admits(w); err != nil {
		return door{}, nil, err
	}
	pinned := q.Environment
	if pinned == "" && w.ProjectID == d.start.ProjectID {
		pinned = d.pinned
	}
	w.Environment = cmp.Or(pinned, w.Environment)
	key := door{file: w.File, workspaceID: w.WorkspaceID, projectID: w.ProjectID, pinned: pinned}
	e, err := d.enter(key, func() func() mitm.Scope { return follow(w, pinned != "") })
	return key, e, err
}

// admits refuses projects that are not known here as those of their workspace:
// a program can write a project file, and so put a project under other rules.
func (d *doors) admits(w where) error {
	p, err := env.OpenRegistry(d.home).Project(w.ProjectID)
	var unknown *env.UnknownError
	switch {
	case errors.As(err, &unknown), err == nil && p.ID != w.ProjectID:
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: "project_not_found", Hint: "agentsecrets init",
			Message: "project " + w.ProjectName + " is not known on this machine: its file came with a checkout",
		}
	case err != nil:
		return noDoor(err)
	case p.WorkspaceID != w.WorkspaceID:
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: "permission_denied", Hint: "agentsecrets project use " + p.Name,
			Message: "the project file puts project " + w.ProjectName + " into a workspace to which it does not belong",
		}
	case d.only != "" && d.only != w.WorkspaceID:
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: "permission_denied", Hint: "agentsecrets proxy stop",
			Message: "the proxy was started with flags that count for workspace " + d.start.WorkspaceName + " alone",
		}
	}
	return nil
}

// noDoor says why no project could be told.
func noDoor(err error) *mitm.Problem {
	var unknown *env.UnknownError
	switch {
	case errors.Is(err, env.ErrNoProject):
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: "project_not_found", Hint: `eval "$(agentsecrets proxy env --project NAME)"`,
			Message: "the program works in no project, and the proxy was started without --project",
		}
	case errors.As(err, &unknown):
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: unknown.Kind + "_not_found", Hint: "agentsecrets " + unknown.Kind + " list",
			Message: "there is no such " + unknown.Kind + " on this machine",
		}
	}
	return &mitm.Problem{
		Status: http.StatusForbidden, Slug: "project_not_found", Hint: "agentsecrets status",
		Message: "the project file where the program works, or the list of projects, cannot be used",
	}
}

// asAgent is a door of its own for whoever comes through e with a token of an agent.
func (d *doors) asAgent(key door, e *entrance, of mitm.Scope) (door, *entrance, error) {
	key.token = of.TokenID
	whoever := e.scope
	e, err := d.enter(key, func() func() mitm.Scope {
		return func() mitm.Scope {
			s := whoever()
			s.AgentID, s.TokenID = of.AgentID, of.TokenID
			return s
		}
	})
	return key, e, err
}

// enter finds the door of key, or makes it with the scope that follows it.
func (d *doors) enter(key door, following func() func() mitm.Scope) (*entrance, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.open[key]; e != nil {
		return e, nil
	}
	if len(d.open) >= maxDoors {
		d.sweepLocked()
	}
	if len(d.open) >= maxDoors {
		return nil, &mitm.Problem{
			Status: http.StatusServiceUnavailable, Slug: "overloaded", Hint: "agentsecrets proxy stop",
			Message: "programs of too many project files have come",
		}
	}
	scope := following()
	e := &entrance{run: d.newRun(scope), scope: scope}
	if d.open == nil {
		d.open = map[door]*entrance{}
	}
	d.open[key] = e
	return e, nil
}

// sweepLocked closes the doors whose project file is gone or whose token has ended:
// they give nothing.
func (d *doors) sweepLocked() {
	for key, e := range d.open {
		if key.gone() || key.token != "" && d.ended(e.scope()) {
			e.run.Revoke()
			delete(d.open, key)
		}
	}
}

func (key door) gone() bool {
	_, err := os.Lstat(key.file)
	return key.file != "" && errors.Is(err, fs.ErrNotExist)
}

// follow is what a door stands for: its project, and the environment that was
// pinned, or that the project file names at the moment of an exchange.
func follow(w where, pinned bool) func() mitm.Scope {
	scope := w.scope()
	if pinned || w.File == "" {
		return func() mitm.Scope { return scope }
	}
	file := &watched[env.File]{path: w.File, load: env.ReadFile}
	return func() mitm.Scope {
		f, err := file.get()
		if err != nil || f.ProjectID != w.ProjectID || f.WorkspaceID != w.WorkspaceID {
			return mitm.Scope{WorkspaceID: w.WorkspaceID} // of no project: every value is refused
		}
		s := scope
		s.Environment = cmp.Or(f.Environment, env.Environments()[0])
		return s
	}
}

// projects are those that programs came from, in the order of their names.
func (d *doors) projects() []daemon.Project {
	d.mu.Lock()
	open := maps.Clone(d.open)
	d.mu.Unlock()
	seen := map[daemon.Project]bool{}
	for key, e := range open {
		if s := e.scope(); s.ProjectID != "" {
			seen[projectOf(s, key.pinned != "")] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b daemon.Project) int {
		return cmp.Or(strings.Compare(a.ProjectName, b.ProjectName), strings.Compare(a.ProjectID, b.ProjectID), strings.Compare(a.Environment, b.Environment))
	})
}

func projectOf(s mitm.Scope, pinned bool) daemon.Project {
	return daemon.Project{
		WorkspaceID: s.WorkspaceID, WorkspaceName: s.WorkspaceName, ProjectID: s.ProjectID, ProjectName: s.ProjectName,
		Environment: s.Environment, Pinned: pinned,
	}
}
