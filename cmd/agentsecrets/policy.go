package main

import (
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

func (w where) policy() (*allowlist.Policy, error) {
	path, err := policyPath(w.home, w.WorkspaceID)
	if err != nil {
		return nil, err
	}
	return allowlist.LoadPolicy(path)
}

func (w where) updatePolicy(change func(*allowlist.Policy) error) error {
	return updatePolicy(w.home, w.WorkspaceID, change)
}

func updatePolicy(home, workspaceID string, change func(*allowlist.Policy) error) error {
	path, err := policyPath(home, workspaceID)
	if err != nil {
		return err
	}
	if err := atomicfile.MkdirPrivate(filepath.Dir(path)); err != nil {
		return err
	}
	return allowlist.UpdatePolicy(path, change)
}
