package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
)

func (a *app) workspaceCommand() *cobra.Command {
	cmd := group("workspace", "Workspaces, and where their secrets may go", a.allowlistCommand(), a.workspacesCommand(), a.createWorkspaceCommand(),
		a.switchWorkspaceCommand(), a.membersCommand(), a.workspacePasswordCommand(), a.renameWorkspaceCommand(), a.deleteWorkspaceCommand())
	cmd.AddCommand(a.memberCommands()...)
	return cmd
}

func (a *app) workspacesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the workspaces on this machine",
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.listWorkspaces() },
	}
}

type workspaceJSON struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Current bool   `json:"current"`
}

func (a *app) listWorkspaces() error {
	q, err := a.query()
	if err != nil {
		return err
	}
	known, err := env.OpenRegistry(q.Home).Workspaces()
	if err != nil {
		return err
	}
	current := a.currentWorkspace(q)
	list := make([]workspaceJSON, 0, len(known))
	for _, w := range known {
		list = append(list, workspaceJSON{w.ID, w.Name, w.Type, w.ID == current})
	}
	if len(list) == 0 {
		a.say("There is no workspace yet: agentsecrets init")
	}
	return a.print(map[string]any{"workspaces": list}, func(out io.Writer) {
		for _, w := range list {
			fmt.Fprintf(out, "%s %s (%s)\n", arrow(w.Current), cell(w.Name), w.Type)
		}
	})
}

// arrow points at the current one of a list.
func arrow(current bool) string {
	if current {
		return "→"
	}
	return " "
}

// currentWorkspace is that of the project here, else the registry's; "" if there is none.
func (a *app) currentWorkspace(q env.Query) string {
	if c, err := env.Load(q); err == nil {
		return c.WorkspaceID
	}
	w, err := env.OpenRegistry(q.Home).Current()
	if err != nil {
		return ""
	}
	return w.ID
}
