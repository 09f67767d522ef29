package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/agents"
)

// What an agent may do is never more than what any program of this user may, so
// outside a run nobody is asked for the password. A program inside a run could
// give itself more by these commands than its run has, and is refused.

const changingAgents = "changing agents, their tokens or policies"

func (a *app) agentCommand() *cobra.Command {
	token := group("token", "Give agents tokens, and take them back", a.issueCommand(), a.tokensCommand(), a.revokeCommand())
	policy := group("policy", "Say what an agent may use", a.agentPolicyCommand(), a.setAgentPolicyCommand())
	return group("agent", "Named agents, with tokens and limits of their own",
		a.registerCommand(), a.agentsCommand(), a.deleteAgentCommand(), token, policy)
}

func (a *app) registerCommand() *cobra.Command {
	var o tokenFlags
	cmd := &cobra.Command{
		Use:   "register NAME",
		Short: "Register an agent, and issue its first token, which is shown once",
		Long: `Register an agent in the workspace, or with --project in that project alone, and
issue its first token. The token is shown here and never again.

  agentsecrets agent register build-bot --expires 30d
  AS_AGENT_TOKEN=ast_… agentsecrets run --intercept -- CMD

An agent may use what any program in its project may, until agent policy set says less.`,
		Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.register(args[0], cmd.Flags().Changed("project"), o)
		},
	}
	o.define(a, cmd)
	return cmd
}

func (a *app) agentsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the agents of the workspace; with --project those that are of that project alone",
		Args:  takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.listAgents(cmd.Flags().Changed("project"))
		},
	}
}

func (a *app) deleteAgentCommand() *cobra.Command {
	var confirmed bool
	cmd := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"},
		Short:             "Delete an agent; its tokens count no more, at once",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.agentNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.deleteAgent(cmd.Context(), args[0], confirmed)
		},
	}
	confirmFlag(cmd, &confirmed)
	return cmd
}

func confirmFlag(cmd *cobra.Command, confirmed *bool) {
	cmd.Flags().BoolVar(confirmed, "confirm", false, "do not ask")
}

// confirmed wants a yes for what, by --confirm or from a person.
func (a *app) confirmed(ctx context.Context, yes bool, what string) error {
	if !yes && !a.interactive() {
		f := usage("%s needs --confirm: there is no terminal to ask on", what)
		f.hint = a.command + " … --confirm"
		return f
	}
	return a.agree(ctx, yes, what, func(out io.Writer) { fmt.Fprintf(out, "This is %s.\n", what) })
}

// agentsHere is the workspace whose agents are meant: that of the project here, or
// the current one.
func (a *app) agentsHere() (where, error) {
	w, err := a.whereIfAny()
	if err == nil && w.WorkspaceID == "" {
		err = env.ErrNoProject
	}
	if err == nil {
		err = w.workspaceKnown()
	}
	return w, err
}

// changeAgents changes the agents of w, outside runs only; what is refused is
// written down.
func (w where) changeAgents(done allowlist.Change, change func(*agents.Book) error) error {
	if err := outsideRun(changingAgents); err != nil {
		return w.noteRefused(err, []allowlist.Change{done})
	}
	path, err := policyPath(w.home, w.WorkspaceID)
	if err != nil {
		return err
	}
	return agents.Update(path, func(p *allowlist.Policy, b *agents.Book) error {
		if err := change(b); err != nil {
			return usageOf(err)
		}
		p.Note(done)
		return nil
	})
}

// changeAgent is changeAgents of the one of that name.
func (w where) changeAgent(done allowlist.Change, name string, change func(*agents.Agent) error) error {
	return w.changeAgents(done, func(b *agents.Book) error {
		agent, err := b.Agent(name)
		if err != nil {
			return err
		}
		return change(agent)
	})
}

// removeAgents takes the agents of the project of w out of p.
func (w where) removeAgents(p *allowlist.Policy) error {
	b, err := agents.Load(p)
	if err != nil {
		return err
	}
	for _, name := range b.RemoveOf(w.ProjectID) {
		p.Note(change("delete", "agent "+name))
	}
	return b.Save(p)
}

func (w where) agents() (*agents.Book, error) {
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	return agents.Load(policy)
}

// agent finds one of the workspace of w by name.
func (w where) agent(name string) (*agents.Agent, error) {
	b, err := w.agents()
	if err != nil {
		return nil, err
	}
	return b.Agent(name)
}

func (a *app) register(name string, ofProject bool, o tokenFlags) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	wanted, err := o.wanted()
	if err != nil {
		return err
	}
	scope := agentScope{}
	if ofProject {
		if err := w.known(); err != nil {
			return err
		}
		scope = agentScope{w.ProjectID, w.ProjectName}
	}
	var i issuedJSON
	err = w.changeAgents(change("register", "agent "+shownAgent(name)), func(b *agents.Book) error {
		agent, err := b.Register(name, scope.id, time.Now())
		if err != nil {
			return err
		}
		i, err = issue(agent, scope, wanted)
		return err
	})
	if err != nil {
		return err
	}
	a.say("Agent %s is registered. Its token is shown this once.", i.Agent)
	return a.showIssued(i, true)
}

// shownAgent keeps a token that was given for a name out of the log of changes.
func shownAgent(name string) string {
	if agents.ValidName(name) != nil {
		return "?"
	}
	return name
}

type agentJSON struct {
	Name       string     `json:"name"`
	Scope      string     `json:"scope"` // workspace, or the project's name
	ProjectID  string     `json:"project_id"`
	Tokens     int        `json:"tokens"` // that work
	LastUsed   *time.Time `json:"last_used,omitempty"`
	Registered time.Time  `json:"registered_at"`
}

func (a *app) listAgents(ofProject bool) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	b, err := w.agents()
	if err != nil {
		return err
	}
	used := a.lastUses(w)
	list := []agentJSON{}
	for _, agent := range b.Agents {
		if ofProject && agent.ProjectID != w.ProjectID {
			continue
		}
		scope := w.scopeOf(agent)
		list = append(list, agentJSON{agent.Name, scope.String(), scope.id, agent.Active(time.Now()), lastUsed(used, agent.Tokens...), agent.Registered})
	}
	if len(list) == 0 {
		a.say("No agents found: agentsecrets agent register NAME")
	}
	return a.print(map[string]any{"agents": list}, func(out io.Writer) {
		t := fixed{headings: []string{"AGENT", "SCOPE", "TOKENS", "LAST USED", "REGISTERED"}, widths: []int{agents.MaxName, 16, 9, 26}}
		for _, v := range list {
			t.rows = append(t.rows, []string{v.Name, v.Scope, fmt.Sprint(v.Tokens), orNever(v.LastUsed), v.Registered.Format(time.RFC3339)})
		}
		t.show(a, out)
	})
}

func (a *app) deleteAgent(ctx context.Context, name string, yes bool) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	if err := outsideRun(changingAgents); err != nil {
		return w.noteRefused(err, []allowlist.Change{change("delete", "agent "+shownAgent(name))})
	}
	agent, err := w.agent(name)
	if err != nil {
		return err
	}
	if err := a.confirmed(ctx, yes, "deleting agent "+agent.Name+" with "+count(agent.Active(time.Now()), "token")); err != nil {
		return err
	}
	err = w.changeAgents(change("delete", "agent "+agent.Name), func(b *agents.Book) error {
		agent, err = b.Remove(name)
		return err
	})
	if err != nil {
		return err
	}
	a.say("Agent %s is deleted; its tokens count no more.", agent.Name)
	return a.print(map[string]string{"deleted": agent.Name}, func(io.Writer) {})
}

// agentScope is where an agent works: a project, or with no ID the whole workspace.
type agentScope struct{ id, name string }

func (s agentScope) String() string {
	switch {
	case s.id == "":
		return "workspace"
	case s.name == "" || s.name == "workspace":
		return s.id
	}
	return s.name
}

func (w where) scopeOf(agent *agents.Agent) agentScope {
	s := agentScope{id: agent.ProjectID}
	if p, err := env.OpenRegistry(w.home).Project(s.id); err == nil && p.ID == s.id {
		s.name = p.Name
	}
	return s
}

func (a *app) agentNames() ([]string, error) {
	w, err := a.agentsHere()
	if err != nil {
		return nil, err
	}
	b, err := w.agents()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(b.Agents))
	for i, agent := range b.Agents {
		names[i] = agent.Name
	}
	return names, nil
}

// lastUsed is when the last of tokens was used, nil where none was.
func lastUsed(used map[string]time.Time, tokens ...agents.Token) *time.Time {
	var all []time.Time
	for _, t := range tokens {
		if at, ok := used[t.ID]; ok {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return nil
	}
	last := slices.MaxFunc(all, time.Time.Compare)
	return &last
}

func orNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Format(time.RFC3339)
}
