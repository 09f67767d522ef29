package client

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Agents are names for programs, with tokens that say who they are and a policy that says
// what they may use. A client that is an agent is made by [WithAgentToken].
type Agents struct{ c *Client }

// Agents is what `agentsecrets agent` does.
func (c *Client) Agents() Agents { return Agents{c} }

// TokenOptions says for what a token is, and until when.
type TokenOptions struct {
	Label       string
	Environment string        // the one that it is for; "" for all
	Life        time.Duration // 0: until it is revoked
	Save        bool          // the agent's name stands for it on this machine
}

func (o TokenOptions) flags() []string {
	var flags []string
	if o.Label != "" {
		flags = append(flags, "--label="+o.Label)
	}
	if o.Environment != "" {
		flags = append(flags, "--env="+o.Environment)
	}
	if o.Life > 0 {
		flags = append(flags, fmt.Sprintf("--expires=%dm", max(1, int(o.Life.Minutes()))))
	}
	if o.Save {
		flags = append(flags, "--save-token")
	}
	return flags
}

// IssuedToken is a token of an agent, which is shown this once. It is no value of a secret.
type IssuedToken struct {
	Agent       string    `json:"agent"`
	Scope       string    `json:"scope"` // workspace, or the project's name
	ProjectID   string    `json:"project_id"`
	ID          string    `json:"id"`
	Token       string    `json:"token"`
	Label       string    `json:"label"`
	Environment string    `json:"environment"`
	ExpiresAt   time.Time `json:"expires_at"` // zero: never
	SavedAs     string    `json:"saved_as"`
}

// Register makes an agent, of the client's project if it is bound to one, else of the
// workspace, and its first token.
func (a Agents) Register(ctx context.Context, name string, o TokenOptions) (IssuedToken, error) {
	return answer[IssuedToken](ctx, a.c, nil, given("agent register", o.flags(), name)...)
}

// Agent is one of them.
type Agent struct {
	Name         string    `json:"name"`
	Scope        string    `json:"scope"`
	ProjectID    string    `json:"project_id"`
	Tokens       int       `json:"tokens"` // how many count
	LastUsed     time.Time `json:"last_used"`
	RegisteredAt time.Time `json:"registered_at"`
}

// List is all agents.
func (a Agents) List(ctx context.Context) ([]Agent, error) {
	r, err := answer[struct{ Agents []Agent }](ctx, a.c, nil, "agent", "list")
	return r.Agents, err
}

// Delete takes an agent away, with its tokens, and asks nobody.
func (a Agents) Delete(ctx context.Context, name string) error {
	return a.c.do(ctx, given("agent delete", []string{"--confirm"}, name)...)
}

// IssueToken makes one more token.
func (a Agents) IssueToken(ctx context.Context, name string, o TokenOptions) (IssuedToken, error) {
	return answer[IssuedToken](ctx, a.c, nil, given("agent token issue", o.flags(), name)...)
}

// AgentToken is what is known of a token, which is not the token.
type AgentToken struct {
	ID          string    `json:"id"`
	Label       string    `json:"label"`
	Environment string    `json:"environment"`
	IssuedAt    time.Time `json:"issued_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	LastUsed    time.Time `json:"last_used"`
	Status      string    `json:"status"` // active, expired or revoked
	SavedAs     string    `json:"saved_as"`
}

// Tokens are those of an agent.
func (a Agents) Tokens(ctx context.Context, name string) ([]AgentToken, error) {
	r, err := answer[struct{ Tokens []AgentToken }](ctx, a.c, nil, given("agent token list", nil, name)...)
	return r.Tokens, err
}

// RevokeToken ends a token, by its ID; without one, all tokens of the agent. It counts at once.
func (a Agents) RevokeToken(ctx context.Context, name string, ids ...string) error {
	flags := []string{"--agent=" + name, "--confirm"}
	if len(ids) == 0 {
		return a.c.do(ctx, given("agent token revoke", append(flags, "--all"))...)
	}
	for _, id := range ids {
		if err := a.c.do(ctx, given("agent token revoke", flags, id)...); err != nil {
			return err
		}
	}
	return nil
}

// AgentPolicy says what an agent may use, beside what everybody in its project may.
type AgentPolicy struct {
	Allow         []string `json:"allow"` // names, in which * stands for any characters
	Deny          []string `json:"deny"`
	Hosts         []string `json:"hosts"`           // none: any
	Methods       []string `json:"methods"`         // none: any
	RatePerMinute int      `json:"rate_per_minute"` // 0: any number
}

// Policy is that of an agent.
func (a Agents) Policy(ctx context.Context, name string) (AgentPolicy, error) {
	return answer[AgentPolicy](ctx, a.c, nil, given("agent policy get", nil, name)...)
}

// SetPolicy makes p the whole policy of an agent: no name is allowed that p does not.
func (a Agents) SetPolicy(ctx context.Context, name string, p AgentPolicy) (AgentPolicy, error) {
	var flags []string
	for _, f := range []struct {
		flag  string
		texts []string
	}{{"--allow", p.Allow}, {"--deny", p.Deny}, {"--host", p.Hosts}, {"--method", p.Methods}} {
		if len(f.texts) == 0 {
			flags = append(flags, f.flag+"=")
		}
		for _, t := range f.texts {
			if strings.TrimSpace(t) == "" { // alone it would take the limit away
				return AgentPolicy{}, badRequest("an empty text limits nothing: leave it out of %s", strings.TrimPrefix(f.flag, "--"))
			}
			flags = append(flags, f.flag+"="+t)
		}
	}
	rate := "--rate=none"
	if p.RatePerMinute > 0 {
		rate = fmt.Sprintf("--rate=%d/min", p.RatePerMinute)
	}
	return answer[AgentPolicy](ctx, a.c, nil, given("agent policy set", append(flags, rate), name)...)
}
