package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Commands that change many secrets at once show first what they would do, by
// names: whether two values are the same is not told, for a value that somebody
// guessed would be known by it.

// transferOptions are the flags of copy, merge and clean.
type transferOptions struct {
	dryRun, yes     bool
	overwrite, keep bool
}

const wholeHelp = `It shows the names first and asks; without a terminal give --yes. All of it is done or
nothing: what is cut short, the next command brings to its end. In a run it is refused.`

// command makes cmd one that changes many secrets at once; names completes its
// arguments, of which it takes as many as it says.
func (o *transferOptions) command(a *app, cmd *cobra.Command, names func() ([]string, error), run func(ctx context.Context, args []string) error) *cobra.Command {
	cmd.Long += "\n\n" + wholeHelp
	cmd.Args = takes(cobra.ExactArgs(strings.Count(cmd.Use, " ")))
	cmd.ValidArgsFunction = a.completeArgs(names)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), args) }
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be done, and do nothing")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) copyEnvironmentCommand() *cobra.Command {
	o := transferOptions{overwrite: true}
	return o.command(a, &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy all secrets to another environment, and replace those of the same names there",
		Long: `Copy all secrets of one environment to another. Those of the same names there are
replaced; what else is there stays. What a secret is bound to counts in every environment.`,
	}, a.environmentNames, func(ctx context.Context, args []string) error { return a.transfer(ctx, "copy", args[0], args[1], o) })
}

func (a *app) mergeEnvironmentCommand() *cobra.Command {
	var o transferOptions
	cmd := o.command(a, &cobra.Command{
		Use:   "merge FROM TO",
		Short: "Copy the secrets that another environment does not have",
		Long: `Copy to another environment the secrets that it does not have. If both have some of the
same names, nothing is done unless --overwrite or --keep says whose values count.`,
	}, a.environmentNames, func(ctx context.Context, args []string) error {
		if o.overwrite && o.keep {
			return usage("--overwrite and --keep exclude each other")
		}
		return a.transfer(ctx, "merge", args[0], args[1], o)
	})
	cmd.Flags().BoolVar(&o.overwrite, "overwrite", false, "the values of FROM count where both have a name")
	cmd.Flags().BoolVar(&o.keep, "keep", false, "the values of TO count where both have a name")
	return cmd
}

func (a *app) cleanEnvironmentCommand() *cobra.Command {
	var o transferOptions
	return o.command(a, &cobra.Command{
		Use:   "clean NAME",
		Short: "Delete all secrets of an environment",
		Long:  "Delete all secrets of an environment. There is no way back.",
	}, a.environmentNames, func(ctx context.Context, args []string) error { return a.clean(ctx, args[0], o) })
}

// proposal is what a command would do: names only.
type proposal struct {
	From      string   `json:"from,omitempty"`
	To        string   `json:"to"`
	Added     []string `json:"added"`
	Replaced  []string `json:"replaced"`
	Kept      []string `json:"kept"`
	Conflicts []string `json:"conflicts"`
	Deleted   []string `json:"deleted"`
	DryRun    bool     `json:"dry_run"`
}

// propose says what of from goes to to.
func propose(names map[string][]string, from, to string, o transferOptions) proposal {
	p := proposal{From: from, To: to, Added: []string{}, Replaced: []string{}, Kept: []string{}, Conflicts: []string{}, Deleted: []string{}}
	for _, name := range names[from] {
		list := &p.Added
		if slices.Contains(names[to], name) {
			list = &p.Conflicts
			if o.overwrite {
				list = &p.Replaced
			} else if o.keep {
				list = &p.Kept
			}
		}
		*list = append(*list, name)
	}
	return p
}

func (p proposal) steps() []resolve.Step {
	var steps []resolve.Step
	for _, name := range slices.Concat(p.Added, p.Replaced) {
		steps = append(steps, resolve.Step{Name: name, Environment: p.To, From: p.From})
	}
	for _, name := range p.Deleted {
		steps = append(steps, resolve.Step{Name: name, Environment: p.To})
	}
	return steps
}

func (p proposal) write(out io.Writer, project string) {
	if p.From != "" {
		fmt.Fprintf(out, "From %s to %s of project %s:\n", p.From, p.To, project)
	} else {
		fmt.Fprintf(out, "In %s of project %s:\n", p.To, project)
	}
	for _, l := range []struct {
		what  string
		names []string
	}{{"new", p.Added}, {"replaced", p.Replaced}, {"stay", p.Kept}, {"in both", p.Conflicts}, {"deleted", p.Deleted}} {
		if len(l.names) > 0 {
			fmt.Fprintf(out, "  %-9s %s\n", l.what, strings.Join(l.names, " "))
		}
	}
}

func (a *app) transfer(ctx context.Context, verb, from, to string, o transferOptions) error {
	if err := errors.Join(validEnvironment(from), validEnvironment(to)); err != nil {
		return err
	}
	if from == to {
		return usage("FROM and TO are both %s", from)
	}
	if !o.dryRun {
		if err := outsideRun(changingSecrets); err != nil {
			return err
		}
	}
	w, s, err := a.settled(ctx)
	if err != nil {
		return err
	}
	if err := a.holdsSecrets(w, from); err != nil {
		return err
	}
	if known, err := a.environmentNames(); err == nil && !slices.Contains(known, to) {
		a.sayNew(to, known)
	}
	plan := func(names map[string][]string) proposal { return propose(names, from, to, o) }
	return a.carryOut(ctx, w, s, o, plan, wholesale{
		what: verb + " " + w.ProjectName + ":" + from + " to " + to,
		done: func(p proposal) string {
			return fmt.Sprintf("%s now in %s:%s.", areOrIs(len(p.steps())), w.ProjectName, to)
		},
		idle:  fmt.Sprintf("%s has all that %s has.", to, from),
		merge: fmt.Sprintf("agentsecrets environment merge %s %s --keep", from, to),
	})
}

func areOrIs(n int) string {
	if n == 1 {
		return "1 secret is"
	}
	return count(n, "secret") + " are"
}

func (a *app) clean(ctx context.Context, environment string, o transferOptions) error {
	if err := validEnvironment(environment); err != nil {
		return err
	}
	if !o.dryRun {
		if err := outsideRun(changingSecrets); err != nil {
			return err
		}
	}
	w, s, err := a.settled(ctx)
	if err != nil {
		return err
	}
	if err := a.holdsSecrets(w, environment); err != nil {
		return err
	}
	w.Environment = environment
	plan := func(names map[string][]string) proposal {
		p := propose(nil, "", environment, o)
		p.Deleted = append(p.Deleted, names[environment]...)
		return p
	}
	return a.carryOut(ctx, w, s, o, plan, wholesale{
		what: "deleting all secrets of " + w.String(),
		done: func(p proposal) string { return fmt.Sprintf("Deleted %s from %s.", count(len(p.Deleted), "secret"), w) },
		after: func(p proposal) error {
			return w.unbindGone(p.Deleted)
		},
	})
}

// settled is where a command works and its store, with nothing left unfinished.
func (a *app) settled(ctx context.Context) (where, secrets, error) {
	w, err := a.where()
	if err != nil {
		return w, secrets{}, err
	}
	s, err := w.secrets(ctx)
	return w, s, err
}

// holdsSecrets refuses an environment without any, whose name may be mistyped.
func (a *app) holdsSecrets(w where, environment string) error {
	names, err := index(w.home).Project(w.ProjectID)
	if err != nil || len(names[environment]) > 0 {
		return err
	}
	f := &failure{
		code: exitFailure, hint: "agentsecrets environment list",
		err: fmt.Errorf("there are no secrets in %s:%s", w.ProjectName, environment),
	}
	known, err := a.environmentNames()
	if near := env.Near(environment, slices.DeleteFunc(known, func(n string) bool { return n == environment })); err == nil && near != "" {
		f.err = fmt.Errorf("%w; did you mean %s?", f.err, near)
	}
	return f
}

// wholesale is what carryOut says of what it does.
type wholesale struct {
	what  string
	done  func(proposal) string
	idle  string               // there is nothing to do
	merge string               // the command that settles conflicts
	after func(proposal) error // nil: nothing
}

// carryOut shows, asks and does what plan says of the names that there are.
func (a *app) carryOut(ctx context.Context, w where, s secrets, o transferOptions, plan func(map[string][]string) proposal, c wholesale) error {
	names, err := s.index.Project(w.ProjectID)
	if err != nil {
		return err
	}
	p := plan(names)
	p.DryRun = o.dryRun
	show := func(out io.Writer) { p.write(out, w.ProjectName) }
	if o.dryRun {
		return a.print(p, show)
	}
	if len(p.Conflicts) > 0 {
		return &failure{
			code: exitFailure, hint: c.merge,
			err: fmt.Errorf("both have %s: say --overwrite or --keep", strings.Join(p.Conflicts, " ")),
		}
	}
	if len(p.steps()) == 0 {
		a.say("%s", c.idle)
		return a.print(p, func(io.Writer) {})
	}
	if err := a.agree(ctx, o.yes, c.what, show); err != nil {
		return err
	}
	defer a.during(c.what)()
	if err := s.index.Apply(ctx, s.store, w.ProjectID, func(now map[string][]string) ([]resolve.Step, error) {
		if !reflect.DeepEqual(plan(now).steps(), p.steps()) {
			return nil, errors.New("somebody else changed these secrets just now; try again")
		}
		return p.steps(), nil
	}); err != nil {
		return err
	}
	if c.after != nil {
		if err := c.after(p); err != nil {
			return err
		}
	}
	a.say("%s", c.done(p))
	return a.print(p, func(io.Writer) {})
}

// agree wants a yes for what show shows, by flag or from a person.
func (a *app) agree(ctx context.Context, yes bool, what string, show func(io.Writer)) error {
	if yes {
		return nil
	}
	if !a.interactive() {
		f := usage("%s needs --yes: there is no terminal to ask on", what)
		f.hint = a.command + " … --yes"
		return f
	}
	show(a.stderr)
	yes, err := a.terminal().Yes(ctx, "Go on?")
	if err == nil && !yes {
		err = denied("", "%s was not confirmed; nothing was changed", what)
	}
	return err
}
