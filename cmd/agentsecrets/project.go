package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

func (a *app) projectCommand() *cobra.Command {
	return group("project", "Projects: sets of secrets for one piece of work",
		a.createProjectCommand(), a.useProjectCommand(), a.listProjectsCommand(), a.updateProjectCommand(), a.deleteProjectCommand(),
		a.inviteCommand("project", "changing who is in the project"))
}

func (a *app) createProjectCommand() *cobra.Command {
	var description string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a project in the workspace and use it here",
		Args:  takes(cobra.ExactArgs(1)),
		RunE:  func(_ *cobra.Command, args []string) error { return a.createProject(args[0], description) },
	}
	cmd.Flags().StringVar(&description, "description", "", "what the project is")
	return cmd
}

func (a *app) useProjectCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Use another project here",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.projectNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.useProject(args[0]) },
	}
}

func (a *app) listProjectsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the projects of the workspace",
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.listProjects() },
	}
}

type projectJSON struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Workspace   string `json:"workspace"`
	Current     bool   `json:"current"`
}

// inWorkspace is the workspace that commands on projects work in.
func (a *app) inWorkspace() (env.Query, env.Workspace, error) {
	q, err := a.query()
	if err != nil {
		return q, env.Workspace{}, err
	}
	reg := env.OpenRegistry(q.Home)
	if q.Workspace != "" {
		w, err := reg.Workspace(q.Workspace)
		return q, w, err
	}
	if c, err := env.Load(env.Query{Dir: q.Dir, Home: q.Home}); err == nil && c.WorkspaceID != "" && sameWorkspace(q.Home, c) == nil {
		return q, env.Workspace{ID: c.WorkspaceID, Name: c.WorkspaceName}, nil
	}
	w, err := reg.Current()
	if err == nil && w.ID == "" {
		err = errNoWorkspace
	}
	return q, w, err
}

var errNoWorkspace error = &failure{
	code: exitFailure, err: errors.New("there is no workspace yet"), hint: "agentsecrets init",
}

func (a *app) projects() ([]env.Project, error) {
	q, w, err := a.inWorkspace()
	if err != nil {
		return nil, err
	}
	return env.OpenRegistry(q.Home).Projects(w.ID)
}

func (a *app) createProject(name, description string) error {
	if err := outsideRun("changing the project"); err != nil {
		return err
	}
	q, w, err := a.inWorkspace()
	if err != nil {
		return err
	}
	p, err := env.OpenRegistry(q.Home).EnsureProject(w.ID, name, description)
	if err != nil {
		return err
	}
	return a.choose(q, w, p)
}

func (a *app) useProject(name string) error {
	if err := outsideRun("changing the project"); err != nil {
		return err
	}
	q, w, p, err := a.findProject(name)
	if err != nil {
		return err
	}
	return a.choose(q, w, p)
}

// findProject finds a project of the workspace by its name or ID.
func (a *app) findProject(name string) (env.Query, env.Workspace, env.Project, error) {
	q, w, err := a.inWorkspace()
	if err != nil {
		return q, w, env.Project{}, err
	}
	projects, err := env.OpenRegistry(q.Home).Projects(w.ID)
	if err != nil {
		return q, w, env.Project{}, err
	}
	var names []string
	for _, p := range projects {
		if p.Name == name || p.ID == name {
			return q, w, p, nil
		}
		names = append(names, p.Name)
	}
	f := &failure{
		code: exitFailure, hint: "agentsecrets project create " + atomicfile.ShellWord(name),
		err: fmt.Errorf("project_not_found: there is no project %q in workspace %s", name, w.Name),
	}
	if near := env.Near(name, names); near != "" {
		f.err, f.hint = fmt.Errorf("%w; did you mean %q?", f.err, near), "agentsecrets project list"
	}
	return q, w, env.Project{}, f
}

// choose makes p the project of the directory: in the file found walking up,
// else in a new one right here.
func (a *app) choose(q env.Query, w env.Workspace, p env.Project) error {
	path, f, err := projectFile(q)
	if err != nil {
		return err
	}
	f.ProjectID, f.ProjectName, f.Description = p.ID, p.Name, p.Description
	f.WorkspaceID, f.WorkspaceName = w.ID, w.Name
	if err := env.WriteFile(path, f); err != nil {
		return err
	}
	a.say("%s now uses project %s of workspace %s.", path, p.Name, w.Name)
	v := projectJSON{p.ID, p.Name, p.Description, w.Name, true}
	return a.print(map[string]any{"project": v}, func(io.Writer) {})
}

// projectFile finds the file that says which project a directory belongs to;
// where there is none, it is the file to be made in the directory itself.
func projectFile(q env.Query) (string, env.File, error) {
	c, err := env.Load(env.Query{Dir: q.Dir, Home: q.Home})
	switch {
	case err != nil && !errors.Is(err, env.ErrNoProject):
		return "", env.File{}, err
	case c.File == "":
		return newProjectFile(q.Dir)
	}
	f, err := env.ReadFile(c.File)
	return c.File, f, err
}

func newProjectFile(dir string) (string, env.File, error) {
	return filepath.Join(dir, ".agentsecrets", "project.json"), env.File{Environment: env.Environments()[0]}, nil
}

func (a *app) listProjects() error {
	_, w, err := a.inWorkspace()
	if err != nil {
		return err
	}
	projects, err := a.projects()
	if err != nil {
		return err
	}
	current := ""
	if here, err := a.where(); err == nil {
		current = here.ProjectID
	}
	list := make([]projectJSON, 0, len(projects))
	rows := make([][]string, 0, len(projects))
	for _, p := range projects {
		list = append(list, projectJSON{p.ID, p.Name, p.Description, w.Name, p.ID == current})
		rows = append(rows, []string{p.Name, w.Name, p.Description})
	}
	return a.print(map[string]any{"projects": list}, func(out io.Writer) {
		io.WriteString(out, grid(a.columns(), []string{"Project", "Workspace", "Description"}, rows))
	})
}
