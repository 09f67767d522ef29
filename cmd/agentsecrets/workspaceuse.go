package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// changingWorkspace is refused inside a run: what counts outside it is not for the
// program there to say.
const changingWorkspace = "changing the workspace"

func (a *app) createWorkspaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "create NAME",
		Short: "Make a workspace on this machine",
		Long: `Make a workspace on this machine, with no rules, no password and no projects. The first
one becomes the current one; later ones after agentsecrets workspace switch NAME. One
that is there already stays as it is.`,
		Args: takes(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return a.createWorkspace(args[0]) },
	}
}

func (a *app) createWorkspace(name string) error {
	if err := outsideRun(changingWorkspace); err != nil {
		return err
	}
	q, err := a.query()
	if err != nil {
		return err
	}
	reg := env.OpenRegistry(q.Home)
	before, err := reg.Workspaces()
	if err != nil {
		return err
	}
	w, err := reg.EnsureWorkspace(name)
	if err != nil {
		return err
	}
	created := !slices.ContainsFunc(before, func(b env.Workspace) bool { return b.ID == w.ID })
	if created {
		a.say("Made workspace %s; agentsecrets workspace password --workspace %s gives it a password.", w.Name, atomicfile.ShellWord(w.Name))
	} else {
		a.say("Workspace %s is there already.", w.Name)
	}
	return a.print(map[string]any{"workspace": a.showWorkspace(q, w), "created": created}, func(io.Writer) {})
}

func (a *app) showWorkspace(q env.Query, w env.Workspace) workspaceJSON {
	return workspaceJSON{w.ID, w.Name, w.Type, w.ID == a.currentWorkspace(q)}
}

func (a *app) switchWorkspaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "switch NAME",
		Short: "Make another workspace the current one",
		Long: `Make another workspace the current one of this machine. It counts wherever nothing nearer
says which: --workspace wins over it, then AGENTSECRETS_WORKSPACE, then the project file of
the directory. So in a project's directory nothing changes; agentsecrets project use NAME
--workspace W changes that. A running proxy and programs that run stay where they are.`,
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.workspaceNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.switchWorkspace(args[0]) },
	}
}

func (a *app) switchWorkspace(name string) error {
	if err := outsideRun(changingWorkspace); err != nil {
		return err
	}
	q, err := a.query()
	if err != nil {
		return err
	}
	reg := env.OpenRegistry(q.Home)
	w, err := reg.Workspace(name)
	if err != nil {
		return err
	}
	if err := reg.UseWorkspace(w.ID); err != nil {
		return err
	}
	a.say("The current workspace is %s now.", w.Name)
	a.sayNearer(q, w)
	return a.print(map[string]any{"workspace": a.showWorkspace(q, w)}, func(io.Writer) {})
}

// sayNearer tells of what wins over the current workspace here.
func (a *app) sayNearer(q env.Query, w env.Workspace) {
	c, err := env.Load(env.Query{Dir: q.Dir, Home: q.Home})
	switch {
	case a.workspace != "" && a.workspace != w.Name && a.workspace != w.ID:
		a.say("note: --workspace or AGENTSECRETS_WORKSPACE says %s here, which wins.", a.workspace)
	case err == nil && c.WorkspaceID != w.ID:
		a.say("note: %s says workspace %s here, which wins: agentsecrets project use NAME --workspace %s", c.File, c.WorkspaceName, atomicfile.ShellWord(w.Name))
	}
}

func (a *app) membersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "members",
		Short: "Show who is in the workspace: without a server, you",
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.listMembers() },
	}
}

type memberJSON struct {
	Email  string `json:"email"`
	Role   string `json:"role"`
	Status string `json:"status"`
}

// listMembers lists the one whom a workspace of this machine has. There is no address of
// mail to show: it is an account of this machine, written as one.
func (a *app) listMembers() error {
	w, err := a.thisWorkspace()
	if err == nil {
		err = w.workspaceKnown()
	}
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	list := []memberJSON{{userName() + "@" + host, "owner", "active"}}
	v := map[string]any{"workspace": map[string]string{"id": w.WorkspaceID, "name": w.WorkspaceName}, "members": list}
	return a.print(v, func(out io.Writer) {
		for _, m := range list {
			fmt.Fprintf(out, "%s (%s) %s\n", cell(m.Email), m.Role, m.Status)
		}
	})
}
