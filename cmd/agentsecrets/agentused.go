package main

import (
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/internal/agents"
)

func agentsDir(home, workspaceID string) string { return filepath.Join(home, "agents", workspaceID) }

// used is when the tokens of the workspace were last used. Its ID has been held to
// idForm by whoever read the policy.
func (w where) used() *agents.Used {
	return agents.OpenUsed(filepath.Join(agentsDir(w.home, w.WorkspaceID), "used.json"), nil)
}
