package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/prompt"
	"github.com/agentsecrets/agentsecrets/placeholder"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// setOptions are the flags of secrets set.
type setOptions struct {
	stdin   bool
	envFile string
	allow   bool
	bindFlags
}

func (a *app) setCommand() *cobra.Command {
	var o setOptions
	cmd := &cobra.Command{
		Use:   "set NAME[=VALUE]…",
		Short: "Keep a secret; the value is asked for, or read from standard input",
		Long: `Keep one or more secrets; all are checked before any is kept. Without =VALUE the
value is asked for, without showing it; --stdin reads it from standard input. One
newline at the end is not part of it. --env-file takes names and values from a .env
file, byte for byte; with NAMEs, those only.

A new secret of a well-known name, such as STRIPE_KEY, is bound to the hosts and places
of its provider's API. --host, --in, --method, --path and --no-env take the place of the
same part of that; agentsecrets secrets bind --help explains them. Of a secret that is
kept already they change the binding alone, unless there is a new value too; widening
needs the workspace password. --allow also puts the hosts that the secret is bound to on
the workspace's allowlist, for which it asks as workspace allowlist add does.`,
		Example: `  agentsecrets secrets set STRIPE_KEY --allow
  agentsecrets secrets set ACME_KEY --host api.example.com --in header:x-api-key
  agentsecrets secrets set ACME_KEY --stdin <key.txt
  agentsecrets secrets set --env-file .env GITHUB_TOKEN`,
		Args:              takes(o.args),
		ValidArgsFunction: a.completeArgs(a.secretNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.set(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.stdin, "stdin", false, "read the value from standard input")
	f.StringVar(&o.envFile, "env-file", "", "read names and values from a .env file; - is standard input")
	f.BoolVar(&o.allow, "allow", false, "also allow the hosts that the secret is bound to")
	o.define(a, cmd)
	a.passwordFlag(cmd)
	return cmd
}

// args: a file has names of its own.
func (o *setOptions) args(cmd *cobra.Command, args []string) error {
	if o.envFile != "" {
		return nil
	}
	return cobra.MinimumNArgs(1)(cmd, args)
}

type setJSON struct {
	Set []string `json:"set"`
	guessableJSON
	Project     string `json:"project"`
	Environment string `json:"environment"`
}

// given is a secret as the user gave it.
type given struct {
	name  string
	value resolve.Value // none: the one that is kept stays
}

func (a *app) set(ctx context.Context, args []string, o setOptions) error {
	if err := outsideRun(changingSecrets); err != nil {
		return a.noteSetInRun(err, args, o)
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	s, err := w.secrets(ctx)
	if err != nil {
		return err
	}
	b, err := o.wanted()
	if err != nil {
		return err
	}
	if o.allow {
		names, err := checkNames(args)
		if err == nil {
			_, err = w.hostsToAllow(names, b)
		}
		if err != nil {
			return err
		}
	}
	all, err := a.readSecrets(ctx, w, args, o)
	if err != nil {
		return err
	}
	var rules []allowlist.Rule
	if o.allow {
		if rules, err = a.boundHosts(ctx, w, all, b); err != nil {
			return err
		}
	}
	if err := a.keep(ctx, w, s, all, b); err != nil {
		return err
	}
	if err := a.allowBound(ctx, rules); err != nil {
		return err
	}
	if o.envFile != "" {
		a.warnClear(o.envFile)
	}
	return a.print(setJSON{namesOf(all), guessable(all), w.ProjectName, w.Environment}, func(io.Writer) {})
}

// keep binds and stores all, or stores none.
func (a *app) keep(ctx context.Context, w where, s secrets, all []given, b wanted) error {
	// The binding first: a value must never be there without it.
	if err := a.bind(ctx, w, all, b); err != nil {
		return err
	}
	var items []resolve.Item
	for _, g := range all {
		if !g.value.IsZero() {
			items = append(items, resolve.Item{Name: g.name, Value: g.value})
		}
	}
	if len(items) > 0 {
		if err := s.index.SetAll(ctx, s.store, w.ProjectID, w.Environment, items); err != nil {
			return err
		}
	}
	for _, g := range all {
		if g.value.IsZero() {
			a.say("Changed what %s is bound to; its value stays.", g.name)
			continue
		}
		a.say("Keeping %s in %s; programs write %s.", g.name, w, placeholder.For(g.name))
	}
	return nil
}

func namesOf(all []given) []string {
	names := make([]string, len(all))
	for i, g := range all {
		names[i] = g.name
	}
	return names
}

// readSecrets checks every name and value before anything is kept.
func (a *app) readSecrets(ctx context.Context, w where, args []string, o setOptions) ([]given, error) {
	names, err := checkNames(args)
	if err != nil {
		return nil, err
	}
	if o.envFile != "" {
		return a.readEnvFile(args, o)
	}
	if o.stdin && (len(args) != 1 || strings.Contains(args[0], "=")) {
		return nil, usage("--stdin reads one value: give one NAME, without =VALUE")
	}
	kept, err := w.names()
	if err != nil {
		return nil, err
	}
	all := make([]given, 0, len(args))
	inArgs := false
	for i, arg := range args {
		hasValue := strings.Contains(arg, "=")
		inArgs = inArgs || hasValue
		if !hasValue && !o.stdin && o.any() && slices.Contains(kept, names[i]) {
			all = append(all, given{name: names[i]})
			continue
		}
		b, err := a.readValue(ctx, names[i], arg, o)
		if err != nil {
			return nil, err
		}
		if b, err = a.checkValue(names[i], b); err != nil {
			return nil, err
		}
		all = append(all, given{names[i], resolve.New(b)})
	}
	if inArgs {
		a.warn("a value in the arguments stays in your shell's history and was in the process list; NAME alone asks for it")
	}
	return all, nil
}

// checkNames returns the names in args, of which each may stand there once.
func checkNames(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if err := resolve.ValidName(name); err != nil {
			return nil, err
		}
		if slices.Contains(names, name) {
			return nil, usage("%s is given twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// readValue takes a value from the argument, standard input or the terminal.
func (a *app) readValue(ctx context.Context, name, arg string, o setOptions) ([]byte, error) {
	if _, value, ok := strings.Cut(arg, "="); ok {
		return []byte(value), nil
	}
	if o.stdin {
		b, err := io.ReadAll(io.LimitReader(a.stdin, resolve.MaxValue+3)) // and a newline; one more is too many
		if err != nil {
			return nil, fmt.Errorf("read the value of %s from standard input: %w", name, err)
		}
		return b, nil
	}
	if !a.interactive() {
		f := usage("no value for %s: give --stdin, there is no terminal to ask on", name)
		f.hint = "agentsecrets secrets set " + name + " --stdin"
		return nil, f
	}
	b, err := a.terminal().HiddenAlone(ctx, "Value of "+name+": ")
	if errors.Is(err, prompt.ErrSeveralLines) {
		f := usage("the value of %s: %w; nothing was kept", name, err)
		f.hint = "agentsecrets secrets set " + name + " --stdin < FILE"
		return nil, f
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the value of %s: %w", name, err)
	}
	return b, nil
}

var (
	errEmpty  = errors.New("the value is empty")
	errTooBig = fmt.Errorf("the value has more than %d bytes", resolve.MaxValue)
)
