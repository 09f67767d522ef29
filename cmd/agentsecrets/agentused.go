package main

import (
	"path/filepath"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/agents"
)

func agentsDir(home, workspaceID string) string { return filepath.Join(home, "agents", workspaceID) }

// used is when the tokens of the workspace were last used. Its ID has been held to
// idForm by whoever read the policy.
func (w where) used() *agents.Used {
	return agents.OpenUsed(filepath.Join(agentsDir(w.home, w.WorkspaceID), "used.json"), nil)
}

// lastUses is when tokens of w were last used, which decides nothing: where that
// cannot be read, none is shown.
func (a *app) lastUses(w where) map[string]time.Time {
	used, err := w.used().All()
	if err != nil {
		a.warn("%v", err)
		if hint := a.hintFor(err); hint != "" {
			a.say("hint: %s", hint)
		}
	}
	return used
}
