package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

const agentVariable = "AS_AGENT_TOKEN"

// agentFlag lets a command be for an agent: by a token, or the name of a saved one.
func agentFlag(cmd *cobra.Command) {
	cmd.Flags().String("token", "", "agent whose limits hold: its token, or the name of a saved one (AS_AGENT_TOKEN, AGENTSECRETS_TOKEN)")
}

// agentToken is what was given, by flag or variable; "" where nothing was. Which
// agent it means is for the proxy to say.
func (a *app) agentToken(cmd *cobra.Command) (string, error) {
	f := cmd.Flags().Lookup("token")
	if f != nil && f.Changed {
		text := f.Value.String()
		if text == "" {
			u := usage("--token is empty: whoever it was for would have no limits")
			u.hint = "agentsecrets agent list"
			return "", u
		}
		if agents.IsToken(text) && a.output != "json" {
			a.warn("other programs see the token among the arguments of this one: %s=… keeps it from them", agentVariable)
		}
		return text, nil
	}
	return cmp.Or(a.variable(agentVariable), a.variable("AGENTSECRETS_TOKEN")), nil
}

// asAgent is the scope of who has shown a token here, outside runs; what it is worth
// the proxy says at each exchange.
func (h *house) asAgent(s mitm.Scope, token string) mitm.Scope {
	if token == "" {
		return s
	}
	return h.policies.Identify(s, token, true)
}

// admitted refuses what would have no exchange that is not refused.
func (h *house) admitted(s mitm.Scope) error {
	if s.TokenID == "" {
		return nil
	}
	err := h.policies.Admit(s)
	var p *mitm.Problem
	if errors.As(err, &p) {
		return &failure{code: exitDenied, err: p, hint: p.Hint}
	}
	return err
}

func forAgent(name string) string {
	if name == "" {
		return ""
	}
	return ", for agent " + name
}
