package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/resolve"
)

func (a *app) updateProjectCommand() *cobra.Command {
	var name, description string
	cmd := &cobra.Command{
		Use:               "update NAME",
		Short:             "Give a project another name or description; its secrets stay",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.projectNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := cmd.Flags()
			if !f.Changed("name") && !f.Changed("description") {
				return usage("what is to change? give --name or --description")
			}
			return a.updateProject(args[0], func(p *env.Project) {
				if f.Changed("name") {
					p.Name = name
				}
				if f.Changed("description") {
					p.Description = description
				}
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "its new name")
	cmd.Flags().StringVar(&description, "description", "", "what it is")
	return cmd
}

func (a *app) updateProject(name string, change func(*env.Project)) error {
	if err := outsideRun("changing the project"); err != nil {
		return err
	}
	q, w, p, err := a.findProject(name)
	if err != nil {
		return err
	}
	change(&p)
	if p, err = env.OpenRegistry(q.Home).UpdateProject(p.ID, p.Name, p.Description); err != nil {
		return err
	}
	here, err := renameHere(q, p)
	if err != nil {
		return err
	}
	a.say("Project %s of workspace %s is changed.", p.Name, w.Name)
	v := projectJSON{p.ID, p.Name, p.Description, w.Name, here}
	return a.print(map[string]any{"project": v}, func(io.Writer) {})
}

// renameHere has the project file of this directory say what the registry says,
// and reports whether the project is the one here. Other directories' files go
// by the ID and may say the old name.
func renameHere(q env.Query, p env.Project) (bool, error) {
	path, f, err := projectFile(q)
	if err != nil || f.ProjectID != p.ID {
		return false, err
	}
	f.ProjectName, f.Description = p.Name, p.Description
	return true, env.WriteFile(path, f)
}

func (a *app) deleteProjectCommand() *cobra.Command {
	var o transferOptions
	return o.command(a, &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"},
		Short: "Delete a project with all its secrets, in every environment",
		Long: `Delete a project with all its secrets, in every environment, and what they are bound to.
There is no way back. Project files are not touched: they may be under version control.
A project that has secrets is deleted after a yes on a terminal, or with --yes.`,
	}, a.projectNames, func(ctx context.Context, args []string) error { return a.deleteProject(ctx, args[0], o) })
}

// removal is what is lost with a project, by environment.
type removal struct {
	Project projectJSON         `json:"project"`
	Deleted map[string][]string `json:"deleted"`
	DryRun  bool                `json:"dry_run"`
}

// empty reports that no secret is lost: then nobody is asked, as for secrets that are
// deleted by name.
func (r removal) empty() bool {
	for _, names := range r.Deleted {
		if len(names) > 0 {
			return false
		}
	}
	return true
}

func (r removal) write(out io.Writer) {
	fmt.Fprintf(out, "Project %s of workspace %s, and for ever:\n", r.Project.Name, r.Project.Workspace)
	for _, environment := range slices.Sorted(maps.Keys(r.Deleted)) {
		p := proposal{To: environment, Deleted: r.Deleted[environment]}
		p.write(out, r.Project.Name)
	}
}

func (a *app) deleteProject(ctx context.Context, name string, o transferOptions) error {
	q, ws, p, err := a.findProject(name)
	if err != nil {
		return err
	}
	w := where{Context: env.Context{
		WorkspaceID: ws.ID, WorkspaceName: ws.Name, ProjectID: p.ID, ProjectName: p.Name, Environment: env.Environments()[0],
	}, home: q.Home, store: a.homeStore}
	if !o.dryRun {
		if err := outsideRun(changingSecrets); err != nil {
			return err
		}
	}
	s, err := w.secrets(ctx)
	if err != nil {
		return err
	}
	kept, err := s.index.Project(p.ID)
	if err != nil {
		return err
	}
	r := removal{Project: projectJSON{p.ID, p.Name, p.Description, ws.Name, false}, Deleted: kept, DryRun: o.dryRun}
	if o.dryRun {
		return a.print(r, r.write)
	}
	if err := a.mayDelete(ctx, w); err != nil {
		return err
	}
	if err := a.agree(ctx, o.yes || r.empty(), "deleting project "+p.Name+" with its secrets", r.write); err != nil {
		return err
	}
	if err := w.deleteAll(ctx, s, r); err != nil {
		return err
	}
	a.say("Deleted project %s of workspace %s.", p.Name, ws.Name)
	if path, f, err := projectFile(q); err == nil && f.ProjectID == p.ID {
		a.say("%s still names it: agentsecrets project use NAME", path)
	}
	return a.print(r, func(io.Writer) {})
}

func (a *app) mayDelete(ctx context.Context, w where) error {
	serves := func(p daemon.Project) bool { return p.ProjectID == w.ProjectID }
	if st, err := askDaemon(ctx, w.home); err == nil && (st.ProjectID == w.ProjectID || slices.ContainsFunc(st.Projects, serves)) {
		return &failure{
			code: exitFailure, hint: "agentsecrets proxy stop", err: fmt.Errorf("the proxy serves project %s", w.ProjectName),
		}
	}
	return nil
}

// deleteAll takes the values first and the entry in the registry last: cut short
// anywhere, the same command finds the project and what is left of it.
func (w where) deleteAll(ctx context.Context, s secrets, r removal) error {
	err := s.index.Apply(ctx, s.store, w.ProjectID, func(now map[string][]string) ([]resolve.Step, error) {
		if !maps.EqualFunc(now, r.Deleted, slices.Equal) {
			return nil, errors.New("somebody else changed its secrets just now; try again")
		}
		var steps []resolve.Step
		for environment, names := range now {
			for _, name := range names {
				steps = append(steps, resolve.Step{Name: name, Environment: environment})
			}
		}
		return steps, nil
	})
	if err != nil {
		return err
	}
	policy, err := w.policy()
	if err != nil {
		return err
	}
	if _, bound := policy.Bindings[w.ProjectID]; bound || policy.Agents != nil {
		if err := w.updatePolicy(func(p *allowlist.Policy) error {
			if err := w.removeAgents(p); err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(p.Bindings[w.ProjectID])) {
				p.Note(change("clear", name))
			}
			delete(p.Bindings, w.ProjectID)
			return nil
		}); err != nil {
			return err
		}
	}
	return env.OpenRegistry(w.home).RemoveProject(w.ProjectID)
}
