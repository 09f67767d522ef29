package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
)

func (a *app) deleteWorkspaceCommand() *cobra.Command {
	var o transferOptions
	cmd := o.command(a, &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"},
		Short: "Delete a workspace with its rules and all secrets of its projects",
		Long: `Delete a workspace with its rules, its projects, and all their secrets in every
environment. There is no way back. This asks for the workspace password. Project files
are not touched: they may be under version control. The log of changes stays.`,
	}, a.workspaceNames, func(ctx context.Context, args []string) error { return a.deleteWorkspace(ctx, args[0], o) })
	a.passwordFlag(cmd)
	return cmd
}

// demolition is what is lost with a workspace.
type demolition struct {
	Workspace workspaceJSON `json:"workspace"`
	Projects  []removal     `json:"projects"`
	Rules     int           `json:"rules"`
	Secrets   int           `json:"secrets"` // in all environments
	DryRun    bool          `json:"dry_run"`
}

func (d demolition) write(out io.Writer) {
	fmt.Fprintf(out, "Workspace %s with %s, %s and %s, and for ever:\n", d.Workspace.Name,
		count(d.Rules, "rule"), count(len(d.Projects), "project"), count(d.Secrets, "secret"))
	for _, r := range d.Projects {
		r.write(out)
	}
}

func (a *app) deleteWorkspace(ctx context.Context, name string, o transferOptions) error {
	w, err := a.namedWorkspace(name)
	if err != nil {
		return err
	}
	gone := change("delete", w.WorkspaceName)
	if !o.dryRun { // before anything is read: in a run it is refused, whatever there is
		if err := outsideRun("deleting workspace " + w.WorkspaceName); err != nil {
			return w.noteRefused(err, []allowlist.Change{gone})
		}
	}
	s, err := w.secrets(ctx)
	if err != nil {
		return err
	}
	d, err := w.demolition(s, o.dryRun)
	if err != nil || o.dryRun {
		if err == nil {
			err = a.print(d, d.write)
		}
		return err
	}
	for _, r := range d.Projects {
		if err := a.mayDelete(ctx, w.of(r.Project)); err != nil {
			return err
		}
	}
	if _, err := a.mayChange(ctx, w, "deleting the secrets and rules", gone); err != nil {
		return err
	}
	if err := a.agree(ctx, o.yes, "deleting workspace "+w.WorkspaceName+" with "+count(d.Secrets, "secret"), d.write); err != nil {
		return err
	}
	if err := w.demolish(ctx, s, d, gone); err != nil {
		return err
	}
	a.say("Deleted workspace %s with %s.", w.WorkspaceName, count(d.Secrets, "secret"))
	if q, err := a.query(); err == nil {
		if path, f, err := projectFile(q); err == nil && f.WorkspaceID == w.WorkspaceID {
			a.say("%s still names it: agentsecrets init --workspace NAME --project NAME", path)
		}
	}
	return a.print(d, func(io.Writer) {})
}

func (w where) demolition(s secrets, dryRun bool) (demolition, error) {
	registry := env.OpenRegistry(w.home)
	ws, err := registry.Workspace(w.WorkspaceID)
	if err != nil {
		return demolition{}, err
	}
	policy, err := w.policy()
	if err != nil {
		return demolition{}, err
	}
	projects, err := registry.Projects(w.WorkspaceID)
	if err != nil {
		return demolition{}, err
	}
	d := demolition{Workspace: workspaceJSON{ws.ID, ws.Name, ws.Type, false}, Projects: []removal{}, Rules: len(policy.Rules), DryRun: dryRun}
	for _, p := range projects {
		kept, err := s.index.Project(p.ID)
		if err != nil {
			return d, err
		}
		for _, names := range kept {
			d.Secrets += len(names)
		}
		d.Projects = append(d.Projects, removal{Project: projectJSON{p.ID, p.Name, p.Description, ws.Name, false}, Deleted: kept, DryRun: dryRun})
	}
	return d, nil
}

// of is where a project of the workspace is worked on.
func (w where) of(p projectJSON) where {
	w.ProjectID, w.ProjectName, w.Environment = p.ID, p.Name, env.Environments()[0]
	return w
}

// demolish takes the rules first, and writes that down: what cannot be written down
// is not done, and what is cut short allows nothing. The workspace's entry goes
// last, and its password just before: until then the same command finds what is
// left, and asks. An empty policy stays, sealed, so that an older one which somebody
// puts back is not believed.
func (w where) demolish(ctx context.Context, s secrets, d demolition, gone allowlist.Change) error {
	if err := w.updatePolicy(func(p *allowlist.Policy) error {
		p.Rules, p.Agents = nil, nil
		p.Note(gone)
		return nil
	}); err != nil {
		return err
	}
	for _, r := range d.Projects {
		if err := w.of(r.Project).deleteAll(ctx, s, r); err != nil {
			return err
		}
	}
	if err := w.updatePolicy(func(p *allowlist.Policy) error {
		p.Bindings, p.Password = nil, ""
		return nil
	}); err != nil {
		return err
	}
	return env.OpenRegistry(w.home).RemoveWorkspace(w.WorkspaceID)
}
