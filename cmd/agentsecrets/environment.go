package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
)

func (a *app) environmentCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the environments of the project",
		Args:  takes(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.listEnvironments(cmd.Context()) },
	}
	switchTo := &cobra.Command{
		Use:               "switch NAME",
		Short:             "Make another environment the project's; a running proxy follows at once",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.environmentNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.switchEnvironment(args[0]) },
	}
	return group("environment", "Environments of a project: development, staging, production and your own",
		list, switchTo, a.copyEnvironmentCommand(), a.mergeEnvironmentCommand(), a.cleanEnvironmentCommand())
}

type environmentJSON struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Secrets int    `json:"secrets"`
}

func (a *app) listEnvironments(ctx context.Context) error {
	w, err := a.where()
	if err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	names, err := a.environmentNames()
	if err != nil {
		return err
	}
	kept, err := index(w.home).Project(w.ProjectID)
	if err != nil {
		return err
	}
	list := make([]environmentJSON, len(names))
	for i, name := range names {
		list[i] = environmentJSON{name, name == w.Environment, len(kept[name])}
	}
	return a.print(map[string]any{"environments": list}, func(out io.Writer) {
		for _, e := range list {
			fmt.Fprintf(out, "%s %s\n", arrow(e.Current), e.Name)
		}
	})
}

// environmentNames are those that every project has, then those that this one
// keeps secrets in or uses.
func (a *app) environmentNames() ([]string, error) {
	names := env.Environments()
	w, err := a.where()
	if err != nil {
		return names, nil // none of its own
	}
	kept, err := index(w.home).Project(w.ProjectID)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !slices.Contains(names, w.Environment) {
		names = append(names, w.Environment)
	}
	return names, nil
}

func validEnvironment(name string) error {
	if err := env.ValidEnvironment(name); err != nil {
		f := usage("%w", err)
		f.hint = "agentsecrets environment list"
		return f
	}
	return nil
}

func (a *app) switchEnvironment(name string) error {
	if err := outsideRun("switching the environment"); err != nil {
		return err
	}
	if err := validEnvironment(name); err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	if w.File == "" {
		return env.ErrNoProject
	}
	known, err := a.environmentNames()
	if err != nil {
		return err
	}
	if err := env.Switch(w.File, name); err != nil {
		return err
	}
	a.say("Project %s now uses %s.", w.ProjectName, name)
	if !slices.Contains(known, name) {
		a.sayNew(name, known)
	}
	return a.print(map[string]string{"environment": name}, func(io.Writer) {})
}

// sayNew tells of an environment that nothing was known of. Its name may have
// been mistyped.
func (a *app) sayNew(name string, known []string) {
	if near := env.Near(name, known); near != "" {
		a.warn("%s is new and holds no secrets; did you mean %s?", name, near)
		return
	}
	a.say("%s is new and holds no secrets yet.", name)
}
