package env

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Workspace is a set of projects that share an allowlist.
type Workspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// Project is a set of secrets for one piece of work.
type Project struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	WorkspaceID string `json:"workspace_id"`
}

// Registry is the list of workspaces and projects on this machine, in the file
// state.json. Methods that change it do so under a lock of all processes.
type Registry struct{ home string }

// OpenRegistry is the registry in home. Nothing is read or made yet.
func OpenRegistry(home string) *Registry { return &Registry{home} }

func (r *Registry) path() string { return filepath.Join(r.home, "state.json") }

// Workspaces lists them in the order in which they were made.
func (r *Registry) Workspaces() ([]Workspace, error) {
	s, err := r.read()
	return s.workspaces, err
}

// Workspace finds a workspace by ID, else by name; *UnknownError if there is none.
func (r *Registry) Workspace(idOrName string) (Workspace, error) {
	s, err := r.read()
	if err != nil {
		return Workspace{}, err
	}
	w, ok := s.workspace(idOrName)
	if !ok {
		return Workspace{}, s.unknownWorkspace(idOrName)
	}
	return w, nil
}

// Current is the workspace that counts where no project file says otherwise;
// the zero Workspace where there is none.
func (r *Registry) Current() (Workspace, error) {
	s, err := r.read()
	if err != nil || s.current == "" {
		return Workspace{}, err
	}
	w, _ := s.workspace(s.current)
	return w, nil
}

// UseWorkspace makes a workspace the current one.
func (r *Registry) UseWorkspace(idOrName string) error {
	return r.update(func(s *state) error {
		w, ok := s.workspace(idOrName)
		if !ok {
			return s.unknownWorkspace(idOrName)
		}
		return s.use(w)
	})
}

// EnsureWorkspace finds the workspace name, or makes it. The first one becomes
// the current one.
func (r *Registry) EnsureWorkspace(name string) (w Workspace, err error) {
	err = r.update(func(s *state) error {
		var ok bool
		if w, ok = s.workspace(name); ok {
			return nil
		}
		if err := newName(name); err != nil {
			return fmt.Errorf("%q is no name of a workspace: %w", name, err)
		}
		w = Workspace{ID: newID("wsp_"), Name: name, Type: "local"}
		if s.current == "" {
			return errors.Join(s.use(w), s.add("workspaces", w))
		}
		return s.add("workspaces", w)
	})
	return w, err
}

// Projects lists those of a workspace in the order in which they were made.
func (r *Registry) Projects(workspaceID string) ([]Project, error) {
	s, err := r.read()
	return slices.DeleteFunc(s.projects, func(p Project) bool { return p.WorkspaceID != workspaceID }), err
}

// Project finds a project by ID, else by name: in the current workspace, else
// in the only one that has it. *UnknownError if there is none, or no single one.
func (r *Registry) Project(idOrName string) (Project, error) {
	s, err := r.read()
	if err != nil {
		return Project{}, err
	}
	if p, ok := s.project(func(p Project) bool { return p.ID == idOrName }); ok {
		return p, nil
	}
	if p, ok := s.project(func(p Project) bool { return p.Name == idOrName && p.WorkspaceID == s.current }); ok {
		return p, nil
	}
	named := slices.DeleteFunc(s.projects, func(p Project) bool { return p.Name != idOrName })
	if len(named) != 1 {
		return Project{}, s.unknownProject(idOrName, s.current)
	}
	return named[0], nil
}

// EnsureProject finds the project name in a workspace, or makes it.
func (r *Registry) EnsureProject(workspaceID, name, description string) (p Project, err error) {
	err = r.update(func(s *state) error {
		w, ok := s.workspace(workspaceID)
		if !ok {
			return &UnknownError{Kind: "workspace", Name: workspaceID}
		}
		if p, ok = s.project(func(p Project) bool { return p.WorkspaceID == w.ID && (p.Name == name || p.ID == name) }); ok {
			return nil
		}
		if err := newName(name); err != nil {
			return fmt.Errorf("%q is no name of a project: %w", name, err)
		}
		p = Project{ID: newID("prj_"), Name: name, Description: description, WorkspaceID: w.ID}
		return s.add("projects", p)
	})
	return p, err
}

// Adopt makes known what a project file says that came with a checkout. What is
// known by ID already stays as it is; a project of another workspace is refused,
// since it would put its secrets under that workspace's rules.
func (r *Registry) Adopt(w Workspace, p Project) error {
	return r.update(func(s *state) error {
		if known, ok := s.project(func(k Project) bool { return k.ID == p.ID }); ok && known.WorkspaceID != w.ID {
			return fmt.Errorf("project %s belongs to another workspace here: %w", p.Name, &UnknownError{Kind: "project", Name: p.Name})
		} else if !ok {
			if err := s.add("projects", Project{ID: p.ID, Name: cmp.Or(p.Name, p.ID), Description: p.Description, WorkspaceID: w.ID}); err != nil {
				return err
			}
		}
		if slices.ContainsFunc(s.workspaces, func(k Workspace) bool { return k.ID == w.ID }) {
			return nil
		}
		w.Name, w.Type = cmp.Or(w.Name, w.ID), "local"
		if s.current == "" {
			return errors.Join(s.use(w), s.add("workspaces", w))
		}
		return s.add("workspaces", w)
	})
}

// newID is a prefix and 100 random bits.
func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()[:20]) }
