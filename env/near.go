package env

import "github.com/agnivade/levenshtein"

// Near is the one of names that name may have been meant to be, "" if none is
// near enough.
func Near(name string, names []string) string {
	best, distance := "", min(3, len(name)/2+1) // a short name is near to all short ones
	for _, n := range names {
		if d := levenshtein.ComputeDistance(name, n); d < distance {
			best, distance = n, d
		}
	}
	return best
}

func (s *state) unknownProject(name, workspaceID string) *UnknownError {
	var names []string
	for _, p := range s.projects {
		if p.WorkspaceID == workspaceID {
			names = append(names, p.Name)
		}
	}
	return &UnknownError{Kind: "project", Name: name, near: Near(name, names)}
}

func (s *state) unknownWorkspace(name string) *UnknownError {
	var names []string
	for _, w := range s.workspaces {
		names = append(names, w.Name)
	}
	return &UnknownError{Kind: "workspace", Name: name, near: Near(name, names)}
}
