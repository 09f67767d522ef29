package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/agents"
)

func (a *app) agentPolicyCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "get NAME",
		Short:             "Show what an agent may use",
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.agentNames),
		RunE:              func(_ *cobra.Command, args []string) error { return a.showAgentPolicy(args[0]) },
	}
}

// agentPolicyFlags replace what they name; an empty text takes all of it away.
type agentPolicyFlags struct {
	allow, deny, hosts, methods []string
	rate                        string
}

func (a *app) setAgentPolicyCommand() *cobra.Command {
	var o agentPolicyFlags
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Say which secrets an agent may use, with which hosts and methods, and how often",
		Long: `Say what an agent may use. It only takes away: what the allowlist and bindings deny stays
denied, and --deny wins over --allow. What is given replaces what was there, the rest stays:

  agentsecrets agent policy set build --allow 'STRIPE_*,GITHUB_TOKEN' --deny STRIPE_LIVE_KEY
  agentsecrets agent policy set build --host api.stripe.com --method GET --rate 60/min
  agentsecrets agent policy set build --allow '*' --deny '' --host '' --method '' --rate none

--allow '' allows no secret at all; --host '' and --method '' allow any. The rate counts
exchanges with secrets, of all processes together. It counts at once, in runs too.`,
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeArgs(a.agentNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.setAgentPolicy(cmd, args[0], o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.allow, "allow", nil, "secrets that it may use, * stands for any characters (repeatable, or with commas)")
	f.StringSliceVar(&o.deny, "deny", nil, "secrets that it may not use")
	f.StringSliceVar(&o.hosts, "host", nil, "hosts that it may use secrets with, as in rules of the allowlist")
	f.StringSliceVar(&o.methods, "method", nil, "methods that it may use secrets with")
	f.StringVar(&o.rate, "rate", "", "how many exchanges with secrets a minute: 60/min, or none for any number")
	return cmd
}

// apply reads all flags that were given, and changes p only if all can be read.
func (o agentPolicyFlags) apply(p *agents.Policy, given func(string) bool) error {
	var bad []error
	next := *p
	if given("allow") {
		next.Allow = parseAll(trimmed(o.allow), agents.ParsePattern, &bad)
	}
	if given("deny") {
		next.Deny = parseAll(trimmed(o.deny), agents.ParsePattern, &bad)
	}
	if given("host") {
		hosts, err := parseRules(trimmed(o.hosts), parseAgentHost)
		if err != nil {
			bad = append(bad, err)
		}
		next.Hosts = hosts
	}
	if given("method") {
		next.Methods = parseAll(trimmed(o.methods), allowlist.ParseMethod, &bad)
	}
	if given("rate") {
		rate, err := agents.ParseRate(o.rate)
		if err != nil {
			bad = append(bad, usage("--rate: %w", err))
		}
		next.Rate = rate
	}
	if len(bad) == 0 {
		*p = next
	}
	return joined(bad)
}

// parseAgentHost leaves out the hint of a rule, which would let values of everybody go there.
func parseAgentHost(text string) (allowlist.Rule, error) {
	rule, err := agents.ParseHost(text)
	var bad *allowlist.RuleError
	if errors.As(err, &bad) {
		return rule, fmt.Errorf("--host %q %s", bad.Text, bad.Reason)
	}
	return rule, err
}

// trimmed are the texts that say something.
func trimmed(texts []string) []string {
	var some []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(some, t) {
			some = append(some, t)
		}
	}
	return some
}

func (a *app) setAgentPolicy(cmd *cobra.Command, name string, o agentPolicyFlags) error {
	given := cmd.Flags().Changed
	if !slices.ContainsFunc([]string{"allow", "deny", "host", "method", "rate"}, given) {
		return usage("what is to change? give --allow, --deny, --host, --method or --rate")
	}
	if err := noTokens(slices.Concat(o.allow, o.deny, o.hosts, o.methods, []string{o.rate})...); err != nil {
		return err
	}
	if err := o.apply(&agents.Policy{}, given); err != nil {
		return err
	}
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	var v agentPolicyJSON
	err = w.changeAgent(change("policy", "agent "+shownAgent(name)), name, func(agent *agents.Agent) error {
		if err := o.apply(&agent.Policy, given); err != nil {
			return err
		}
		v = showPolicyOf(agent)
		return nil
	})
	if err != nil {
		return err
	}
	a.say("The policy of agent %s is changed.", v.Agent)
	return a.print(v, v.write)
}

type agentPolicyJSON struct {
	Agent   string   `json:"agent"`
	Allow   []string `json:"allow"`
	Deny    []string `json:"deny"`
	Hosts   []string `json:"hosts"`   // none: any
	Methods []string `json:"methods"` // none: any
	Rate    int      `json:"rate_per_minute"`
}

func showPolicyOf(agent *agents.Agent) agentPolicyJSON {
	p := agent.Policy
	return agentPolicyJSON{agent.Name, orEmpty(p.Allow), orEmpty(p.Deny), agents.HostTexts(p.Hosts), orEmpty(p.Methods), p.Rate}
}

func (a *app) showAgentPolicy(name string) error {
	w, err := a.agentsHere()
	if err != nil {
		return err
	}
	agent, err := w.agent(name)
	if err != nil {
		return err
	}
	v := showPolicyOf(agent)
	return a.print(v, v.write)
}

// write says it under the labels that SDKs look for.
func (v agentPolicyJSON) write(out io.Writer) {
	or := func(texts []string, none string) string {
		if len(texts) == 0 {
			return none
		}
		return strings.Join(texts, ", ")
	}
	rate := "any"
	if v.Rate > 0 {
		rate = fmt.Sprintf("%d/min", v.Rate)
	}
	for _, r := range [][2]string{
		{"Agent:", v.Agent}, {"Allowed Secrets:", or(v.Allow, "(none)")}, {"Denied Secrets:", or(v.Deny, "(none)")},
		{"Hosts:", or(v.Hosts, "any")}, {"Methods:", or(v.Methods, "any")}, {"Rate:", rate},
	} {
		fmt.Fprintf(out, "%-17s %s\n", r[0], r[1])
	}
}
