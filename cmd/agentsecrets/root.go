package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// run parses and executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		a.report(err)
	}
	return exitCode(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := group("agentsecrets", "Let programs call APIs with secrets that they never hold",
		a.initCommand(), a.secretsCommand(), a.workspaceCommand(), a.projectCommand(), a.environmentCommand(),
		a.runCommand(), a.envCommand(), a.proxyCommand(), a.demoCommand(), a.statusCommand(), a.versionCommand(),
		a.demoOriginCommand())
	root.Version = version()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &failure{code: usageCode(cmd), err: err, hint: cmd.CommandPath() + " --help"}
	})
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.settle() }
	f := root.PersistentFlags()
	f.StringVar(&a.output, "output", "", "text or json (AGENTSECRETS_OUTPUT; default text)")
	f.StringVar(&a.workspace, "workspace", "", "workspace to use (AGENTSECRETS_WORKSPACE; default that of the project)")
	f.StringVar(&a.project, "project", "", "project to use (AGENTSECRETS_PROJECT; default that of .agentsecrets/project.json)")
	f.StringVar(&a.environment, "environment", "", "environment to use (AGENTSECRETS_ENV; default that of the project file)")
	f.BoolVar(&a.noInput, "no-input", false, "ask nothing, even on a terminal")
	a.completeGlobals(root)
	return root
}

// settle gives what no flag said its value from the environment.
func (a *app) settle() error {
	for _, s := range []struct {
		value    *string
		variable string
		preset   string
	}{
		{&a.output, "AGENTSECRETS_OUTPUT", "text"},
		{&a.workspace, "AGENTSECRETS_WORKSPACE", ""},
		{&a.project, "AGENTSECRETS_PROJECT", ""},
		{&a.environment, "AGENTSECRETS_ENV", ""},
	} {
		if *s.value == "" {
			*s.value = a.variable(s.variable)
		}
		if *s.value == "" {
			*s.value = s.preset
		}
	}
	if a.output != "text" && a.output != "json" {
		return usage("--output is text or json, not %q", a.output)
	}
	return nil
}

// group is a command that only has others under it.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		f := usage("there is no command %q", cmd.CommandPath()+" "+args[0])
		f.hint = cmd.CommandPath() + " --help"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			f.hint = cmd.CommandPath() + " " + near[0]
		}
		return f
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(subs...)
	return cmd
}

// takes makes wrong numbers of arguments usage errors that show what is right.
func takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &failure{code: usageCode(cmd), err: err, hint: cmd.UseLine()}
		}
		return nil
	}
}

// usageCode: run speaks env(1)'s codes, all others ours.
func usageCode(cmd *cobra.Command) int {
	if runsPrograms(cmd) {
		return exitOurs
	}
	return exitUsage
}

func runsPrograms(cmd *cobra.Command) bool {
	return strings.HasSuffix(cmd.CommandPath(), " run")
}

// joined makes one error of several, each on its own line.
func joined(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return fmt.Errorf("%w", errors.Join(errs...))
}
