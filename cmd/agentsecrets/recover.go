package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/agents"
)

func (a *app) recoverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Show a policy that something else has changed, and put it in force",
		Long: `Every change of the policy seals it with a key in AGENTSECRETS_HOME. A file that
something else has edited, put back or taken away is refused everywhere. This shows
what it says, and after the workspace password seals it as it is: look first, and remove
what should not be there afterwards. The password is the one of the last sealed change,
whatever the file says now; where the key file is lost too, it is the file's own.

` + policyHelp,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.recoverPolicy(cmd.Context()) },
	}
	a.passwordFlag(cmd)
	return cmd
}

type recoverJSON struct {
	Recovered bool          `json:"recovered"`
	Reason    string        `json:"reason"` // "" where nothing was wrong
	Rules     []ruleJSON    `json:"rules"`
	Bindings  []bindingJSON `json:"bindings"` // of all projects
}

func (a *app) recoverPolicy(ctx context.Context) error {
	w, err := a.where()
	if err != nil {
		return err
	}
	const what = "recovering the policy"
	if err := outsideRun(what); err != nil {
		return w.noteRefused(err, []allowlist.Change{change("recover", "")})
	}
	path, err := policyPath(w.home, w.WorkspaceID)
	if err != nil {
		return err
	}
	r, err := allowlist.OpenRecovery(path)
	if err != nil {
		return err
	}
	result := recoverJSON{Rules: showRules(r.Policy.Rules), Bindings: bindingsOf(r.Policy)}
	if r.Broken == nil {
		a.say("Nothing is wrong with the policy of workspace %s.", w.WorkspaceName)
		return a.print(result, func(io.Writer) {})
	}
	a.showPolicy(r)
	if r.Verifier == "" && !a.interactive() {
		why := denied("agentsecrets workspace allowlist recover", "%s needs a terminal to ask on: workspace %s had no password", what, w.WorkspaceName)
		return w.noteRefused(why, []allowlist.Change{change("recover", "")})
	}
	authorize := func() error { return a.authorizeBy(ctx, r.Verifier, w.WorkspaceName, what) }
	if err := w.authorizeChanges(authorize, []allowlist.Change{change("recover", "")}); err != nil {
		return err
	}
	if err := r.Reseal(change("recover", "")); err != nil {
		return err
	}
	a.say("The policy of workspace %s is sealed, and in force.", w.WorkspaceName)
	result.Recovered, result.Reason = true, r.Broken.Error()
	return a.print(result, func(io.Writer) {})
}

// showPolicy tells a person what they are asked to put in force.
func (a *app) showPolicy(r *allowlist.Recovery) {
	a.say("%v.", r.Broken)
	if len(r.Policy.Rules) == 0 {
		a.say("It allows nothing: no host is on the allowlist.")
	} else {
		a.say("It allows %s:", count(len(r.Policy.Rules), "rule"))
	}
	for _, rule := range r.Policy.Rules {
		a.say("  %s", rule.Text())
	}
	b, err := agents.Load(r.Policy)
	if err != nil {
		a.say("  %v", err)
		b = &agents.Book{}
	}
	for _, agent := range b.Agents {
		a.say("  agent %s, with %s that count", agent.Name, count(agent.Active(time.Now()), "token"))
	}
	for _, project := range slices.Sorted(maps.Keys(r.Policy.Bindings)) {
		for _, name := range slices.Sorted(maps.Keys(r.Policy.Bindings[project])) {
			a.say("  %s of project %s %s", cell(name), cell(project), describe(r.Policy.Bindings[project][name]))
		}
	}
}

func bindingsOf(p *allowlist.Policy) []bindingJSON {
	all := []bindingJSON{}
	for _, project := range slices.Sorted(maps.Keys(p.Bindings)) {
		for _, name := range slices.Sorted(maps.Keys(p.Bindings[project])) {
			all = append(all, showBinding(name, p.Bindings[project][name]))
		}
	}
	return all
}
