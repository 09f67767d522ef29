package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/place"
)

func (a *app) allowlistCommand() *cobra.Command {
	return group("allowlist", "Say which hosts secrets may go to", a.allowCommand(), a.disallowCommand(), a.allowedCommand(), a.allowTestCommand(), a.changesCommand(), a.recoverCommand())
}

const policyHelp = `This needs the workspace password, or a yes on a terminal where there is none. In
a run it is refused.`

func (a *app) allowCommand() *cobra.Command {
	var o ruleFlags
	cmd := &cobra.Command{
		Use:   "add RULE…",
		Short: "Allow hosts: api.stripe.com, *.example.com, host:8443, or some requests: 'POST host/v1/*'",
		Long: `Allow hosts: api.stripe.com, *.example.com, host:8443. A method before the host, a path
after it and --in allow some requests to it only: 'POST api.stripe.com/v1/*'. One rule must
allow all of a request. All rules are checked before any is changed.

` + ruleHelp + "\n\n" + policyHelp,
		Example: `  agentsecrets workspace allowlist add api.stripe.com
  agentsecrets workspace allowlist add '*.example.com' api.example.net:8443
  agentsecrets workspace allowlist add 'POST api.acme.com/v1/*' --in header:authorization`,
		Args:              takes(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeArgs(a.hostNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.allow(cmd.Context(), args, o) },
	}
	o.define(cmd)
	a.passwordFlag(cmd)
	return cmd
}

func (a *app) disallowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove RULE…", Aliases: []string{"rm"},
		Short:             "Take rules away, all are checked before any is changed",
		Long:              "Take rules away, all are checked before any is changed.\n\n" + policyHelp,
		Args:              takes(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeArgs(a.ruleNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.disallow(cmd.Context(), args) },
	}
	a.passwordFlag(cmd)
	return cmd
}

func (a *app) allowedCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the rules",
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.listRules() },
	}
}

// parseRules reads all of texts, so that a mistake in the last one changes nothing.
func parseRules(texts []string, parse func(string) (allowlist.Rule, error)) ([]allowlist.Rule, error) {
	var rules []allowlist.Rule
	var bad []error
	for _, text := range texts {
		r, err := parse(text)
		if err != nil {
			bad = append(bad, usage("%w", err))
			continue
		}
		if !slices.ContainsFunc(rules, sameRule(r)) {
			rules = append(rules, r)
		}
	}
	return rules, joined(bad)
}

// sameRule goes by what a rule allows: its options are no part of that.
func sameRule(r allowlist.Rule) func(allowlist.Rule) bool {
	return func(other allowlist.Rule) bool { return other.Request() == r.Request() }
}

// namedRule is what remove goes by: a rule is named without its places.
func namedRule(r allowlist.Rule) func(allowlist.Rule) bool {
	return func(other allowlist.Rule) bool { return other.String() == r.String() }
}

func (a *app) allow(ctx context.Context, texts []string, o ruleFlags) error {
	rules, err := parseRules(texts, allowlist.ParseRequestRule)
	if err != nil {
		return err
	}
	var bad []error
	places := parseAll(o.in, place.Parse, &bad)
	if err := joined(bad); err != nil {
		return err
	}
	options, err := a.ruleOptions(o)
	if err != nil {
		return err
	}
	for i := range rules {
		rules[i].Places, rules[i].Options = places, options
		a.warnOfPlaintext(rules[i])
	}
	added, err := a.addRules(ctx, rules)
	if err != nil {
		return err
	}
	return a.print(map[string][]string{"added": orEmpty(added)}, func(io.Writer) {})
}

// addRules adds the rules that are not there yet or have other options, and
// returns those. A rule without options leaves those that are there: what is
// repeated without thought takes nothing away.
func (a *app) addRules(ctx context.Context, rules []allowlist.Rule) ([]string, error) {
	who, now := userName(), time.Now().UTC().Truncate(time.Second)
	for i := range rules {
		rules[i].AddedBy, rules[i].AddedAt = who, now
		if rules[i].Wildcard {
			a.warn("%s takes every name one label under it, whoever runs it", rules[i])
		}
	}
	a.warnOfLoopback(rules)
	var added, told []string
	err := a.changeRules(ctx, allowing(rules), changesOf("add", rules), func(p *allowlist.Policy) error {
		added, told = nil, nil
		for _, r := range rules {
			at := slices.IndexFunc(p.Rules, sameRule(r))
			switch {
			case at < 0:
				p.Rules = append(p.Rules, r)
				told = append(told, fmt.Sprintf("Secrets may now go to %s.", r.Text()))
			case r.Options == p.Rules[at].Options, r.Options == allowlist.Options{}:
				told = append(told, fmt.Sprintf("%s was allowed already.", p.Rules[at].Text()))
				continue
			default:
				told = append(told, fmt.Sprintf("Secrets may now go to %s. Before, it was %s.", r.Text(), p.Rules[at].Text()))
				p.Rules[at] = r
			}
			p.Note(change("add", r.Text()))
			added = append(added, r.Text())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, text := range told {
		a.say("%s", text)
	}
	return added, nil
}

func (a *app) disallow(ctx context.Context, texts []string) error {
	rules, err := parseRules(texts, allowlist.ParseRequestRule)
	if err != nil {
		return err
	}
	err = a.changeRules(ctx, "removing "+strings.Join(ruleTexts(rules), ", "), changesOf("remove", rules), func(p *allowlist.Policy) error {
		var missing []error
		for _, r := range rules {
			if !slices.ContainsFunc(p.Rules, namedRule(r)) {
				missing = append(missing, &failure{
					code: exitFailure, err: fmt.Errorf("%s is not on the allowlist", r), hint: "agentsecrets workspace allowlist list",
				})
				continue
			}
			p.Note(change("remove", r.String()))
			p.Rules = slices.DeleteFunc(p.Rules, namedRule(r))
		}
		return joined(missing)
	})
	if err != nil {
		return err
	}
	for _, r := range rules {
		a.say("Secrets may no longer go to %s.", r)
	}
	return a.print(map[string][]string{"removed": ruleTexts(rules)}, func(io.Writer) {})
}

// changeRules asks first, and writes under the policy's lock. tried is written down where it is refused.
func (a *app) changeRules(ctx context.Context, what string, tried []allowlist.Change, change func(*allowlist.Policy) error) error {
	w, err := a.where()
	if err == nil {
		err = w.workspaceKnown()
	}
	if err != nil {
		return err
	}
	a.askThere() // what names every rule with its options
	authorize := func() error { return a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, what) }
	if err := w.authorizeChanges(authorize, tried); err != nil {
		return err
	}
	return w.updatePolicy(change)
}

func ruleTexts(rules []allowlist.Rule) []string {
	texts := make([]string, len(rules))
	for i, r := range rules {
		texts[i] = r.Text()
	}
	return texts
}

// orEmpty makes JSON show [] rather than null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
