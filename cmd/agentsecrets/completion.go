package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
)

// Completion answers with names that exist here. It says nothing on failure:
// its output goes into a command line that somebody is typing.

func (a *app) complete(names func() ([]string, error)) cobra.CompletionFunc {
	return func(_ *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if a.settle() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, err := names()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var fit []string
		for _, name := range all {
			if strings.HasPrefix(name, typed) && !slices.Contains(given, name) {
				fit = append(fit, name)
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) completeFlag(cmd *cobra.Command, flag string, names func() ([]string, error)) {
	if err := cmd.RegisterFlagCompletionFunc(flag, a.complete(names)); err != nil {
		panic(err) // a flag that this command does not have
	}
}

func (a *app) completeGlobals(root *cobra.Command) {
	a.completeFlag(root, "output", func() ([]string, error) { return []string{"json", "text"}, nil })
	a.completeFlag(root, "workspace", a.workspaceNames)
	a.completeFlag(root, "project", a.projectNames)
	a.completeFlag(root, "environment", a.environmentNames)
}

func (a *app) secretNames() ([]string, error) {
	w, err := a.where()
	if err != nil {
		return nil, err
	}
	return w.names()
}

func (a *app) ruleNames() ([]string, error) {
	w, err := a.where()
	if err != nil {
		return nil, err
	}
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range policy.Rules {
		names = append(names, r.String()) // as remove takes it
	}
	return names, nil
}

func (a *app) workspaceNames() ([]string, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	known, err := env.OpenRegistry(home).Workspaces()
	var names []string
	for _, w := range known {
		names = append(names, w.Name)
	}
	return names, err
}

func (a *app) projectNames() ([]string, error) {
	projects, err := a.projects()
	var names []string
	for _, p := range projects {
		names = append(names, p.Name)
	}
	return names, err
}
