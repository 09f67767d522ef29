package env

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// state is what the file holds.
type state struct {
	current    string
	workspaces []Workspace
	projects   []Project
	all        object // as read, with fields and entries that later versions add
	changed    bool
}

const stateVersion = 1

func (r *Registry) read() (*state, error) {
	b, err := atomicfile.ReadPrivate(r.path())
	if errors.Is(err, fs.ErrNotExist) {
		return &state{}, nil
	}
	if err != nil {
		return &state{}, fmt.Errorf("read registry: %w", err)
	}
	s, err := parseState(b)
	if err != nil {
		return &state{}, r.corrupt(err)
	}
	return s, nil
}

var errNewer = errors.New("it was written by a newer version of agentsecrets")

// corrupt hints at init behind putting the file aside where that brings something back.
func (r *Registry) corrupt(err error) *CorruptError {
	e := &CorruptError{Path: r.path(), Err: err, hint: "update agentsecrets"}
	if errors.Is(err, errNewer) {
		return e
	}
	e.hint = "put a backup of it in its place; or begin a new one (agentsecrets init in the directory of each project " +
		"brings that back; one that no directory has a file of is then known by its ID alone)"
	e.command = atomicfile.Aside(r.path(), atomicfile.Damaged)
	if dir, err := os.Getwd(); err == nil {
		if file, err := find(dir); err == nil && file != "" {
			e.command += " && agentsecrets init"
		}
	}
	return e
}

func parseState(b []byte) (*state, error) {
	all, err := parseObject(b)
	if err != nil {
		return nil, err
	}
	s := &state{all: all}
	var version int
	if err := all.into("version", &version); err != nil {
		return nil, err
	}
	if version > stateVersion {
		return nil, errNewer
	}
	if version < 1 {
		return nil, errors.New("it does not say its version")
	}
	s.current, err = all.text("current_workspace")
	return s, errors.Join(err, all.into("workspaces", &s.workspaces), all.into("projects", &s.projects), s.check())
}

func (s *state) check() error {
	var err error
	for _, w := range s.workspaces {
		err = cmp.Or(err, validID(w.ID), validName(w.Name))
	}
	for _, p := range s.projects {
		err = cmp.Or(err, validID(p.ID), validName(p.Name), validID(p.WorkspaceID))
	}
	if err != nil {
		return fmt.Errorf("a workspace or project in it has a bad ID or name: %w", err)
	}
	return nil
}

// workspace finds by ID first: a name may be chosen to look like an ID.
func (s *state) workspace(idOrName string) (Workspace, bool) {
	i := slices.IndexFunc(s.workspaces, func(w Workspace) bool { return w.ID == idOrName })
	if i < 0 {
		i = slices.IndexFunc(s.workspaces, func(w Workspace) bool { return w.Name == idOrName })
	}
	if i < 0 {
		return Workspace{}, false
	}
	return s.workspaces[i], true
}

func (s *state) project(want func(Project) bool) (Project, bool) {
	i := slices.IndexFunc(s.projects, want)
	if i < 0 {
		return Project{}, false
	}
	return s.projects[i], true
}

func (s *state) use(w Workspace) error {
	s.changed = s.changed || s.current != w.ID
	s.current = w.ID
	return s.all.set("current_workspace", w.ID)
}

// add appends v to a list and leaves the other entries as they were written.
func (s *state) add(list string, v any) error {
	var entries []json.RawMessage
	if err := s.all.into(list, &entries); err != nil {
		return err
	}
	entry, err := encode(v)
	if err != nil {
		return err
	}
	s.changed = true
	return s.all.set(list, append(entries, entry))
}

// update changes the file under a lock. Most updates find what they want and
// write nothing.
func (r *Registry) update(change func(*state) error) error {
	if err := atomicfile.MkdirPrivate(r.home); err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(filepath.Join(r.home, "state.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	s, err := r.read()
	if err != nil {
		return err
	}
	if s.all == nil {
		if err := s.all.set("version", stateVersion); err != nil {
			return err
		}
	}
	if err := change(s); err != nil || !s.changed {
		return err
	}
	b, err := s.all.bytes()
	if err != nil {
		return fmt.Errorf("write registry: %w", err)
	}
	return atomicfile.Write(r.path(), b, 0o600)
}
