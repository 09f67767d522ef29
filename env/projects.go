package env

import (
	"encoding/json"
	"fmt"
	"slices"
)

// UpdateProject gives a project a name and a description. Its ID stays, by which
// its secrets are kept. A name that another project of the workspace has is
// refused.
func (r *Registry) UpdateProject(id, name, description string) (p Project, err error) {
	err = r.update(func(s *state) error {
		var ok bool
		if p, ok = s.project(func(p Project) bool { return p.ID == id }); !ok {
			return &UnknownError{Kind: "project", Name: id}
		}
		if err := newName(name); err != nil {
			return fmt.Errorf("%q is no name of a project: %w", name, err)
		}
		if _, taken := s.project(func(o Project) bool { return o.ID != id && o.WorkspaceID == p.WorkspaceID && o.Name == name }); taken {
			return fmt.Errorf("another project is named %q", name)
		}
		p.Name, p.Description = name, description
		return s.edit("projects", id, func(o *object) error {
			if err := o.set("name", name); err != nil {
				return err
			}
			return o.set("description", description)
		})
	})
	return p, err
}

// RemoveProject forgets a project. Its secrets are not touched.
func (r *Registry) RemoveProject(id string) error {
	return r.update(func(s *state) error {
		if _, ok := s.project(func(p Project) bool { return p.ID == id }); !ok {
			return &UnknownError{Kind: "project", Name: id}
		}
		return s.edit("projects", id, nil)
	})
}

// edit changes the entry of a list that has an ID, or removes it, and leaves the
// others as they were written.
func (s *state) edit(list, id string, change func(*object) error) error {
	var entries []json.RawMessage
	if err := s.all.into(list, &entries); err != nil {
		return err
	}
	for i, entry := range entries {
		o, err := parseObject(entry)
		if err != nil {
			return err
		}
		if known, err := o.text("id"); err != nil || known != id {
			continue
		}
		s.changed = true
		if change == nil {
			return s.all.set(list, slices.Delete(entries, i, i+1))
		}
		if err := change(&o); err != nil {
			return err
		}
		if entries[i], err = o.bytes(); err != nil {
			return err
		}
		return s.all.set(list, entries)
	}
	return fmt.Errorf("%s in the registry has no entry %s", list, id)
}
