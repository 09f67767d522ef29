package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/agents"
)

// tokenFlags say what a token should be like.
type tokenFlags struct {
	label, expires, environment string
	save                        bool
}

func (o *tokenFlags) define(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.label, "label", "", "what the token is for")
	f.StringVar(&o.expires, "expires", "", "until when it counts: 30d, 12h, 2026-12-31, RFC 3339 (default: until it is revoked)")
	f.StringVar(&o.environment, "env", "", "the one environment that it is for (default: all)")
	f.BoolVar(&o.save, "save-token", false, "let AGENT_TOKEN, the agent's name in upper case, stand for it on this machine, outside runs")
	a.completeFlag(cmd, "env", a.environmentNames)
}

func (o tokenFlags) wanted() (agents.Wanted, error) {
	w := agents.Wanted{Label: o.label, Environment: o.environment, Saved: o.save}
	if err := noTokens(o.label, o.environment, o.expires); err != nil {
		return w, err
	}
	if o.environment != "" {
		if err := validEnvironment(o.environment); err != nil {
			return w, err
		}
	}
	var err error
	if o.expires != "" {
		if w.Expires, err = agents.ParseExpiry(o.expires, time.Now()); err != nil {
			return w, usage("--expires: %w", err)
		}
	}
	return w, nil
}

func (a *app) issueCommand() *cobra.Command {
	var o tokenFlags
	cmd := &cobra.Command{
		Use:   "issue NAME",
		Short: "Issue another token of an agent, which is shown once",
		Long: `Issue another token of an agent. It is shown here and never again. With --save-token
the agent's name stands for it on this machine: --token BUILD_TOKEN for agent build.`,
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.agentNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.issueToken(args[0], o) },
	}
	o.define(a, cmd)
	return cmd
}

func (a *app) tokensCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list NAME", Aliases: []string{"ls"},
		Short:             "Show the tokens of an agent, never their text",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.agentNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.listTokens(args[0]) },
	}
}

func (a *app) revokeCommand() *cobra.Command {
	var name string
	var all, confirmed bool
	cmd := &cobra.Command{
		Use:   "revoke TOKEN_ID --agent NAME",
		Short: "End a token, or with --all those of an agent; it counts no more at once, in runs too",
		Args:  takes(cobra.MaximumNArgs(1)),

		ValidArgsFunction: a.completeID(func() ([]described, error) { return a.tokenIDs(name) }),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case name == "":
				return usage("whose token? --agent is missing")
			case all == (len(args) == 1):
				return usage("which token? give its ID, of agent token list %s, or --all", shownAgent(name))
			}
			return a.revokeTokens(cmd.Context(), name, strings.Join(args, ""), confirmed)
		},
	}
	cmd.Flags().StringVar(&name, "agent", "", "whose token it is (required)")
	cmd.Flags().BoolVar(&all, "all", false, "all of its tokens")
	confirmFlag(cmd, &confirmed)
	a.completeFlag(cmd, "agent", a.agentNames)
	return cmd
}

type issuedJSON struct {
	Agent       string     `json:"agent"`
	Scope       string     `json:"scope"` // workspace, or the project's name
	ProjectID   string     `json:"project_id"`
	ID          string     `json:"id"`
	Token       string     `json:"token"`
	Label       string     `json:"label"`
	Environment string     `json:"environment"` // "": all
	Expires     *time.Time `json:"expires_at,omitempty"`
	SavedAs     string     `json:"saved_as"` // "": it is not
}

func issue(agent *agents.Agent, scope agentScope, wanted agents.Wanted) (issuedJSON, error) {
	text, t, err := agent.Issue(wanted, time.Now())
	if err != nil {
		return issuedJSON{}, usage("%w", err)
	}
	i := issuedJSON{
		Agent: agent.Name, Scope: scope.String(), ProjectID: scope.id, ID: t.ID, Token: text, Label: t.Label, Environment: t.Environment,
		Expires: orNil(t.Expires),
	}
	if t.Saved {
		i.SavedAs = agent.SavedName()
	}
	return i, nil
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// showIssued writes labels that SDKs look for: what begins a line must be no other
// word that begins as one of them.
func (a *app) showIssued(i issuedJSON, registered bool) error {
	if i.SavedAs != "" {
		a.say("On this machine --token %s stands for it.", i.SavedAs)
	}
	return a.print(i, func(out io.Writer) {
		rows := [][2]string{{"Agent", i.Agent}}
		if registered {
			rows = [][2]string{{"Name", i.Agent}, {"Scope", i.Scope}}
		}
		rows = append(rows, [2]string{"ID", i.ID}, [2]string{"Label", cell(i.Label)}, [2]string{"Environment", i.Environment})
		if i.Expires != nil {
			rows = append(rows, [2]string{"Expires", i.Expires.Format(time.RFC3339)})
		}
		for _, r := range append(rows, [2]string{"Token", i.Token}) {
			if r[1] != "" && r[1] != cell("") {
				fmt.Fprintf(out, "%-12s %s\n", r[0], r[1])
			}
		}
	})
}

func (a *app) issueToken(name string, o tokenFlags) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	wanted, err := o.wanted()
	if err != nil {
		return err
	}
	var i issuedJSON
	err = w.changeAgent(change("issue", "agent "+shownAgent(name)), name, func(agent *agents.Agent) (err error) {
		i, err = issue(agent, w.scopeOf(agent), wanted)
		return err
	})
	if err != nil {
		return err
	}
	a.say("This token of agent %s is shown this once.", i.Agent)
	return a.showIssued(i, false)
}

type tokenJSON struct {
	ID          string     `json:"id"`
	Label       string     `json:"label"`
	Environment string     `json:"environment"`
	Issued      time.Time  `json:"issued_at"`
	Expires     *time.Time `json:"expires_at,omitempty"`
	LastUsed    *time.Time `json:"last_used,omitempty"`
	Status      string     `json:"status"` // active, expired or revoked
	SavedAs     string     `json:"saved_as"`
}

func (a *app) listTokens(name string) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	agent, err := w.agent(name)
	if err != nil {
		return err
	}
	used := a.lastUses(w)
	list := []tokenJSON{}
	for _, t := range agent.Tokens {
		v := tokenJSON{t.ID, t.Label, t.Environment, t.Issued, orNil(t.Expires), lastUsed(used, t), t.Status(time.Now()), ""}
		if t.Saved {
			v.SavedAs = agent.SavedName()
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		a.say("No tokens found: agentsecrets agent token issue %s", agent.Name)
	}
	return a.print(map[string]any{"agent": agent.Name, "tokens": list}, func(out io.Writer) { a.showTokens(out, list) })
}

// until has no more than the 16 characters that a program gives the column.
const until = "20060102T1504Z"

func (a *app) showTokens(out io.Writer, list []tokenJSON) {
	t := fixed{headings: []string{"TOKEN ID", "LABEL", "EXPIRES", "LAST USED", "STATUS"}, widths: []int{20, 16, 16, 26}}
	for _, v := range list {
		expires, label := "(none)", v.Label
		if v.Expires != nil {
			expires = v.Expires.Format(until)
		}
		if label == "" {
			label = "(none)"
		}
		t.rows = append(t.rows, []string{v.ID, label, expires, orNever(v.LastUsed), v.Status})
	}
	t.show(a, out)
}

func (a *app) revokeTokens(ctx context.Context, name, id string, yes bool) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	done := change("revoke", "agent "+shownAgent(name))
	if err := outsideRun(changingAgents); err != nil {
		return w.noteRefused(err, []allowlist.Change{done})
	}
	agent, err := w.agent(name)
	if err != nil {
		return err
	}
	if _, err := agent.Revoke(id, time.Now()); err != nil { // of a copy: an ID that is wrong is not asked about
		return err
	}
	what := "revoking all tokens of agent " + agent.Name
	if id != "" {
		what = "revoking token " + id + " of agent " + agent.Name
	}
	if err := a.confirmed(ctx, yes, what); err != nil {
		return err
	}
	var ended []string
	err = w.changeAgent(done, name, func(agent *agents.Agent) (err error) {
		ended, err = agent.Revoke(id, time.Now())
		return err
	})
	if err != nil {
		return err
	}
	a.say("Revoked %s of agent %s.", count(len(ended), "token"), agent.Name)
	return a.print(map[string]any{"agent": agent.Name, "revoked": orEmpty(ended)}, func(io.Writer) {})
}
