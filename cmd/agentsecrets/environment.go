package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
)

func (a *app) environmentCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the environments of the project",
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.listEnvironments() },
	}
	switchTo := &cobra.Command{
		Use:               "switch NAME",
		Short:             "Make another environment the project's; a running proxy follows at once",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.complete(a.environmentNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.switchEnvironment(args[0]) },
	}
	return group("environment", "Environments of a project: development, staging, production and your own", list, switchTo)
}

type environmentJSON struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
}

func (a *app) listEnvironments() error {
	names, err := a.environmentNames()
	if err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	list := make([]environmentJSON, len(names))
	for i, name := range names {
		list[i] = environmentJSON{name, name == w.Environment}
	}
	return a.print(map[string]any{"environments": list}, func(out io.Writer) {
		for _, e := range list {
			fmt.Fprintf(out, "%s %s\n", arrow(e.Current), e.Name)
		}
	})
}

func (a *app) environmentNames() ([]string, error) {
	names := env.Environments()
	if w, err := a.where(); err == nil && !slices.Contains(names, w.Environment) {
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
	if err := env.Switch(w.File, name); err != nil {
		return err
	}
	a.say("Project %s now uses %s.", w.ProjectName, name)
	return a.print(map[string]string{"environment": name}, func(io.Writer) {})
}
