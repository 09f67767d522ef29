package env

import (
	"fmt"
	"slices"
)

// RenameWorkspace gives a workspace another name. Its ID stays, by which its
// policy and its projects are found. A name that another workspace has is refused.
func (r *Registry) RenameWorkspace(id, name string) (w Workspace, err error) {
	err = r.update(func(s *state) error {
		var ok bool
		if w, ok = s.workspace(id); !ok || w.ID != id {
			return &UnknownError{Kind: "workspace", Name: id}
		}
		if err := newName(name); err != nil {
			return fmt.Errorf("%q is no name of a workspace: %w", name, err)
		}
		if other, taken := s.workspace(name); taken && other.ID != id {
			return fmt.Errorf("another workspace is named %q", name)
		}
		w.Name = name
		return s.edit("workspaces", id, func(o *object) error { return o.set("name", name) })
	})
	return w, err
}

// RemoveWorkspace forgets a workspace, which has no projects any more. If it was
// the current one, the first of the others is.
func (r *Registry) RemoveWorkspace(id string) error {
	return r.update(func(s *state) error {
		if w, ok := s.workspace(id); !ok || w.ID != id {
			return &UnknownError{Kind: "workspace", Name: id}
		}
		if p, has := s.project(func(p Project) bool { return p.WorkspaceID == id }); has {
			return fmt.Errorf("project %s belongs to the workspace", p.Name)
		}
		if s.current == id {
			var next Workspace // none
			if i := slices.IndexFunc(s.workspaces, func(w Workspace) bool { return w.ID != id }); i >= 0 {
				next = s.workspaces[i]
			}
			if err := s.use(next); err != nil {
				return err
			}
		}
		return s.edit("workspaces", id, nil)
	})
}
