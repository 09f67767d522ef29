package main

import (
	"fmt"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Tokens come and go in the life of a daemon, and those that have gone take no room.
func TestDoorsOfEndedTokensClose(t *testing.T) {
	p, text, _ := agentWorld(t)
	at := mitm.Scope{WorkspaceID: agentsWorkspace, ProjectID: "prj", Environment: "development"}
	d := &doors{newRun: lab.New(t, lab.Config{}).Proxy.NewRun, ended: p.Ended}
	key, general, err := d.openFor(at)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := d.asAgent(key, general, p.Identify(at, text, true))
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxDoors + 10 {
		if _, _, err := d.asAgent(key, general, mitm.Scope{AgentID: "bot", TokenID: fmt.Sprint("gone", i)}); err != nil {
			t.Fatal(i, err)
		}
	}
	if d.open[kept] == nil || d.open[key] == nil || len(d.open) > maxDoors {
		t.Errorf("of %d doors, that of a token that counts: %v", len(d.open), d.open[kept])
	}
}

// openFor opens the door of s for whoever comes.
func (d *doors) openFor(s mitm.Scope) (door, *entrance, error) {
	key := door{workspaceID: s.WorkspaceID, projectID: s.ProjectID}
	e, err := d.enter(key, func() func() mitm.Scope { return func() mitm.Scope { return s } })
	return key, e, err
}
