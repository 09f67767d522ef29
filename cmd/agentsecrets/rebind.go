package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// bindOptions are the flags of secrets bind.
type bindOptions struct {
	bindFlags
	remove bool
	clear  []string
}

// parts are what --clear takes away.
func parts() []string { return []string{"host", "in", "method", "path", "no-env", "all"} }

func (a *app) bindCommand() *cobra.Command {
	var o bindOptions
	cmd := &cobra.Command{
		Use:   "bind NAME… [--host RULE] [--in PLACE] [--method METHOD] [--path PATH] [--no-env]",
		Short: "Say where secrets may go: hosts, places in a request, methods, paths",
		Long: `Bind secrets that are kept. What is given of hosts, places, methods or paths takes
the place of what was bound, and what is not given stays; with --remove it is taken
away instead. --clear takes a whole part away, so that it is not bound any more. All
is checked before any is changed. Making a binding narrower needs no password; making
it wider, or clearing a part, needs the workspace password. In a run both are refused.

Places: header, header:FIELD, cookie, cookie:NAME, query, query:PARAM, basic, body,
body:PATH (such as body:auth.token or body:keys.*), form, form:FIELD, path, and
body:any, which is every occurrence in any body, prompts and files included. Unbound, a
secret may stand in header, cookie, query and basic, and in body and form as a whole value.`,
		Example: `  agentsecrets secrets bind STRIPE_KEY --host api.stripe.com --in header:authorization
  agentsecrets secrets bind STRIPE_KEY --method GET --path '/v1/*' --no-env
  agentsecrets secrets bind STRIPE_KEY --remove --host files.stripe.com
  agentsecrets secrets bind STRIPE_KEY --clear path`,
		Args:              takes(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeArgs(a.secretNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.bindSecrets(cmd.Context(), args, o) },
	}
	o.define(a, cmd)
	f := cmd.Flags()
	f.BoolVar(&o.remove, "remove", false, "take away what the other flags name")
	f.StringArrayVar(&o.clear, "clear", nil, "part that is not to be bound any more: host, in, method, path, no-env or all (repeatable)")
	a.passwordFlag(cmd)
	a.completeFlag(cmd, "clear", listed(parts()...))
	return cmd
}

// bindingJSON is what a secret is bound to; empty lists: to nothing of that kind.
type bindingJSON struct {
	Name    string   `json:"name"`
	Hosts   []string `json:"hosts"`
	Places  []string `json:"places"`
	Methods []string `json:"methods"`
	Paths   []string `json:"paths"`
	NoEnv   bool     `json:"no_env"`
}

func showBinding(name string, b allowlist.Binding) bindingJSON {
	return bindingJSON{name, ruleTexts(b.Hosts), orEmpty(b.Places), orEmpty(b.Methods), orEmpty(b.Paths), b.NoEnv}
}

func (a *app) bindSecrets(ctx context.Context, args []string, o bindOptions) error {
	b, err := o.wanted()
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	names, err := checkNames(args)
	if err != nil {
		return err
	}
	if err := w.bindOutsideRun(names); err != nil {
		return err
	}
	if err := w.known(); err != nil {
		return err
	}
	all, err := w.bindable(args)
	if err != nil {
		return err
	}
	made := map[string]allowlist.Binding{}
	err = a.rebind(ctx, w, all, func(name string, old allowlist.Binding, _ bool) (allowlist.Binding, error) {
		made[name], err = o.apply(name, old, b)
		return made[name], err
	})
	if err != nil {
		return err
	}
	if !o.remove {
		a.warnAny(b)
	}
	list := make([]bindingJSON, len(all))
	for i, g := range all {
		list[i] = showBinding(g.name, made[g.name])
		a.say("%s %s.", g.name, describe(made[g.name]))
	}
	return a.print(map[string]any{"bound": list, "project": w.ProjectName}, func(io.Writer) {})
}

func (o bindOptions) check() error {
	for _, part := range o.clear {
		if !slices.Contains(parts(), part) {
			return usage("there is no part %q: --clear takes host, in, method, path, no-env or all", part)
		}
	}
	switch {
	case o.remove && !o.any():
		return usage("remove what? --remove goes with --host, --in, --method, --path or --no-env")
	case o.remove && len(o.clear) > 0:
		return usage("--remove takes some away, --clear all of a part: give one of them")
	case !o.any() && len(o.clear) == 0:
		return usage("bind to what? give --host, --in, --method, --path or --no-env")
	}
	return nil
}

// bindable are the secrets that args name: each is kept in some environment, or
// bound already.
func (w where) bindable(args []string) ([]given, error) {
	names, err := checkNames(args)
	if err != nil {
		return nil, err
	}
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	var all []given
	var missing []error
	for _, name := range names {
		held, err := index(w.home).Environments(w.ProjectID, name)
		if err != nil {
			return nil, err
		}
		if _, bound := policy.Bindings[w.ProjectID][name]; len(held) == 0 && !bound {
			missing = append(missing, notStored(w, name))
		}
		all = append(all, given{name: name})
	}
	return all, joined(missing)
}

// apply does to old what the flags say, of which b is the reading.
func (o bindOptions) apply(name string, old allowlist.Binding, b wanted) (allowlist.Binding, error) {
	if o.remove {
		return b.outOf(name, old)
	}
	for _, part := range o.clear {
		switch part {
		case "host":
			old.Hosts = nil
		case "in":
			old.Places = nil
		case "method":
			old.Methods = nil
		case "path":
			old.Paths = nil
		case "no-env":
			old.NoEnv = false
		default:
			old = allowlist.Binding{}
		}
	}
	return b.over(old), nil
}

// outOf takes b out of old. What is not there is an error, and so is the last of
// a part: an empty list would not mean nowhere but anywhere.
func (b wanted) outOf(name string, old allowlist.Binding) (allowlist.Binding, error) {
	var bad []error
	old.Hosts = without(name, "host", old.Hosts, b.Hosts, allowlist.Rule.String, &bad)
	itself := func(s string) string { return s }
	old.Places = without(name, "in", old.Places, b.Places, itself, &bad)
	old.Methods = without(name, "method", old.Methods, b.Methods, itself, &bad)
	old.Paths = without(name, "path", old.Paths, b.Paths, itself, &bad)
	if b.NoEnv && !old.NoEnv {
		bad = append(bad, notBound(name, "no-env", ""))
	}
	old.NoEnv = old.NoEnv && !b.NoEnv
	return old, joined(bad)
}

func notBound(name, flag, text string) *failure {
	return &failure{code: exitFailure, hint: "agentsecrets secrets list --output json", err: fmt.Errorf("%s is not bound with --%s%s", name, flag, text)}
}

func without[T any](name, flag string, have, gone []T, text func(T) string, bad *[]error) []T {
	left := slices.Clone(have)
	for _, g := range gone {
		is := func(t T) bool { return text(t) == text(g) }
		if !slices.ContainsFunc(have, is) {
			*bad = append(*bad, notBound(name, flag, " "+text(g)))
		}
		left = slices.DeleteFunc(left, is)
	}
	if len(gone) > 0 && len(left) == 0 && len(have) > 0 {
		*bad = append(*bad, &failure{
			code: exitUsage, hint: "agentsecrets secrets bind " + name + " --clear " + flag,
			err: fmt.Errorf("nothing of --%s would be left of the binding of %s, and that would not mean nowhere but anywhere", flag, name),
		})
	}
	return left
}
