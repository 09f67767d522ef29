package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/agentsecrets/agentsecrets/env"
)

// run parses and executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	a.words = args
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	if completing(args) {
		hush(root)
		return exitCode(root.ExecuteContext(ctx))
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil {
		a.command = cmd.CommandPath() // also where its arguments were wrong, and nothing was begun
		a.report(err)
		a.reportJSON(err)
	}
	return exitCode(err)
}

const rootHelp = `Let programs call APIs with secrets that they never hold.

  agentsecrets init
  agentsecrets secrets set STRIPE_KEY
  agentsecrets workspace allowlist add api.stripe.com
  agentsecrets run --intercept -- \
      curl https://api.stripe.com/v1/balance -H 'Authorization: Bearer AS_SECRET_STRIPE_KEY'

Exit codes: 1 failed, 2 wrong use, 3 refused, 4 no such secret, 5 the proxy cannot be
reached. Those of run are the program's and env(1)'s (agentsecrets help exit-codes).

All state is in the directory AGENTSECRETS_HOME (default ~/.agentsecrets); agentsecrets
help environment-variables lists the others.`

func (a *app) rootCommand() *cobra.Command {
	root := group("agentsecrets", "Let programs call APIs with secrets that they never hold",
		a.initCommand(), a.secretsCommand(), a.unlockCommand(), a.lockCommand(), a.passphraseCommand(), a.workspaceCommand(), a.agentCommand(), group("allowlist", "Say whether secrets would go to a URL, and why", a.allowTestCommand()), a.projectCommand(), a.environmentCommand(),
		a.callCommand(), a.runCommand(), a.envCommand(), a.proxyCommand(), a.caCommand(), a.demoCommand(), a.doctorCommand(), a.mcpCommand(), a.logCommand(), a.explainCommand(), a.statusCommand(), a.loginCommand(), a.logoutCommand(), a.versionCommand(),
		a.demoOriginCommand(), a.keychainHelperCommand())
	root.AddCommand(topics()...)
	helpCommand(root)
	root.Long = rootHelp
	root.Version = version()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &failure{code: usageCode(cmd, a.words), err: wrongFlag(cmd, err), hint: cmd.CommandPath() + " --help"}
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		a.command = cmd.CommandPath()
		if completing([]string{cmd.CalledAs()}) {
			return nil // who types an answer hears nothing
		}
		if err := a.settle(); err != nil {
			return &failure{code: usageCode(cmd, append([]string{cmd.Name()}, args...)), err: err}
		}
		return nil
	}
	f := root.PersistentFlags()
	f.StringVar(&a.output, "output", "", "text or json (AGENTSECRETS_OUTPUT; default text)")
	f.StringVar(&a.workspace, "workspace", "", "workspace to use (AGENTSECRETS_WORKSPACE; default that of the project)")
	f.StringVar(&a.project, "project", "", "project to use (AGENTSECRETS_PROJECT; default that of .agentsecrets/project.json)")
	f.StringVar(&a.environment, "environment", "", "environment to use (AGENTSECRETS_ENV; default that of the project file)")
	f.BoolVar(&a.noInput, "no-input", false, "ask nothing, even on a terminal")
	a.completeGlobals(root)
	a.completeTree(root)
	return root
}

// wrongFlag says what a flag takes that was given no number, and names the flag that
// one which does not exist may have been.
func wrongFlag(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) && errors.As(err, new(*strconv.NumError)) { // which names a function of Go
		return fmt.Errorf("--%s takes a number, not %q: %s", value.GetFlag().Name, value.GetValue(), value.GetFlag().Usage)
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near := env.Near(unknown.GetSpecifiedName(), known); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
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
	if a.environment != "" {
		return validEnvironment(a.environment)
	}
	return nil
}

// group is a command that only has others under it.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: helpOf}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(subs...)
	return cmd
}

// helpOf is what a group does by itself.
func helpOf(group *cobra.Command, args []string) error {
	if len(args) == 0 {
		return group.Help()
	}
	return unknownCommand(group, args[0])
}

// unknownCommand says that a group has none of this name, and which was meant.
func unknownCommand(group *cobra.Command, name string) *failure {
	f := usage("there is no command %q", group.CommandPath()+" "+name)
	f.hint = group.CommandPath() + " --help"
	if near := group.SuggestionsFor(name); len(near) > 0 {
		f.hint = group.CommandPath() + " " + near[0]
	}
	if slices.Contains([]string{"get", "show", "read", "reveal", "print"}, name) && strings.HasSuffix(group.CommandPath(), " secrets") {
		f = usage("there is no command %q: no command prints a value", group.CommandPath()+" "+name)
		f.hint = "agentsecrets run --intercept -- CMD" // never set, which would take the value away
	}
	return f
}

// takes makes wrong numbers of arguments usage errors that show what is right.
func takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		return &failure{
			code: usageCode(cmd, nil), err: wrongCount(cmd, args),
			hint: usedAs(cmd),
		}
	}
}

// usedAs is how cmd is used, without flags that may be left away.
func usedAs(cmd *cobra.Command) string { return strings.Replace(cmd.UseLine(), " [flags]", "", 1) }

// flagsInUse stand after arguments in how a command is used.
var flagsInUse = regexp.MustCompile(` \[--[^\]]*\]`)

// wrongCount says what is missing or too much, not what stands there: that may
// be a value.
func wrongCount(cmd *cobra.Command, args []string) error {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	takes = flagsInUse.ReplaceAllString(takes, "")
	switch {
	case takes == "":
		return fmt.Errorf("%s takes no arguments", cmd.CommandPath())
	case len(args) == 0:
		return fmt.Errorf("%s: %s is missing", cmd.CommandPath(), takes[strings.LastIndex(takes, " ")+1:])
	}
	return fmt.Errorf("%s takes %s, not %s", cmd.CommandPath(), takes, count(len(args), "argument"))
}

// usageCode: what runs programs speaks env(1)'s codes, all others ours. Words
// are the command's name and what stands behind it.
func usageCode(cmd *cobra.Command, words []string) int {
	switch cmd.CommandPath() {
	case "agentsecrets run":
		return exitOurs
	case "agentsecrets env":
		if namesProgram(words) {
			return exitOurs
		}
	}
	return exitUsage
}

// namesProgram reports whether anything behind env is no flag. Flags that could
// not be read may have had values, so it is a guess, on the side of a program.
func namesProgram(words []string) bool {
	behind := words[slices.Index(words, "env")+1:]
	return slices.ContainsFunc(behind, func(w string) bool { return w == "--" || !strings.HasPrefix(w, "-") })
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
