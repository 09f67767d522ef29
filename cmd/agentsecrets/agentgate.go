package main

import (
	"errors"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What agents may, as the proxy asks about it. It goes by the same look at the
// policy file as the rest: a token that is revoked counts no more at the next
// exchange of whichever process.

// Identify returns s as that of the agent whose token text is. Names of saved
// tokens count where whoever gives one could read what we keep: not inside a run.
func (p *policies) Identify(s mitm.Scope, text string, names bool) mitm.Scope {
	s.AgentID, s.TokenID = "", noToken
	b, err := p.book(s)
	if err != nil {
		return s // Admit says so
	}
	agent, token := b.ByText(text)
	if token == nil && names && !agents.IsToken(text) {
		agent, token = b.BySavedName(text, time.Now())
	}
	if token != nil {
		s.AgentID, s.TokenID = agent.Name, token.ID
	}
	return s
}

// noToken is the ID of what leads to none.
const noToken = "-"

// identify is for what clients of the proxy show. Those of a run's proxy are in the
// run: they know a token, or have the run's.
func (h *house) identify(s mitm.Scope, text string) mitm.Scope {
	return h.policies.Identify(s, text, h.doors != nil || s.TokenID != "")
}

// Admit returns nil if the token of s counts where s is.
func (p *policies) Admit(s mitm.Scope) error {
	if _, err := p.agent(s); err != nil {
		return err
	}
	p.used(s.WorkspaceID).Note(s.TokenID, time.Now())
	return nil
}

// Ended reports whether the token of s counts no more and never will, which nobody
// knows of a policy that cannot be read.
func (p *policies) Ended(s mitm.Scope) bool {
	b, err := p.book(s)
	if err != nil {
		return false
	}
	agent, token := b.ByID(s.TokenID)
	var refused *agents.TokenError
	return errors.As(token.Check(agent, s.ProjectID, s.Environment, time.Now()), &refused) && refused.Status != agents.Active
}

// agent is whose token s has, if it counts.
func (p *policies) agent(s mitm.Scope) (*agents.Agent, error) {
	b, err := p.book(s)
	if err != nil {
		return nil, unreadablePolicy("", err)
	}
	agent, token := b.ByID(s.TokenID)
	err = token.Check(agent, s.ProjectID, s.Environment, time.Now())
	var refused *agents.TokenError
	if errors.As(err, &refused) {
		return nil, tokenProblem(refused)
	}
	return agent, err
}

// The reasons for which a token does not count.
const (
	reasonTokenInvalid = "agent_token_invalid"
	reasonTokenExpired = "agent_token_expired"
	reasonAgentDenied  = "agent_denied"
)

// tokenProblem is a 403, never a 401: to that clients answer with what they have
// for the origin, and git asks its user for it.
func tokenProblem(e *agents.TokenError) *mitm.Problem {
	slug := map[string]string{agents.Revoked: reasonTokenInvalid, agents.Expired: reasonTokenExpired, agents.Active: reasonAgentDenied}[e.Status]
	return &mitm.Problem{Status: http.StatusForbidden, Slug: slug, Message: e.Error(), Hint: e.Hint()}
}

// allowAgent returns nil if the policy of the agent of s, if it has one, lets it use
// a secret so. In a stream its token may have ended since.
func (p *policies) allowAgent(s mitm.Scope, u mitm.Use) error {
	if s.TokenID == "" {
		return nil
	}
	agent, err := p.agent(s)
	if err != nil {
		return err
	}
	err = agent.Policy.Check(agent.Name, useOf(u))
	var d *agents.DeniedError
	if errors.As(err, &d) {
		return &mitm.Problem{
			Status: http.StatusForbidden, Slug: reasonAgentDenied, Message: d.Error(), Hint: d.Hint(), Name: u.Name, Domain: domainOf(u),
		}
	}
	return err
}

// Spend counts an exchange of the agent of s. What cannot be counted is refused.
func (p *policies) Spend(s mitm.Scope) error {
	agent, err := p.agent(s)
	if err != nil {
		return err
	}
	m := agents.Meter{Dir: agentsDir(p.home, s.WorkspaceID)}
	wait, err := m.Spend(agent.Name, agent.Policy.Rate, time.Now())
	switch {
	case err != nil:
		return uncounted(agent.Name, err)
	case wait > 0:
		return &mitm.Problem{
			Status: http.StatusTooManyRequests, Slug: "rate_limited", RetryAfter: wait,
			Message: "agent " + agent.Name + " has used secrets as often in a minute as its policy allows",
			Hint:    "agentsecrets agent policy set " + agent.Name + " --rate N/min",
		}
	}
	return nil
}

// uncounted is for a rate of which there can be no record: it would be none.
func uncounted(agent string, err error) *mitm.Problem {
	why := "its file in the directory agents of the home cannot be read or written"
	if errors.Is(err, syscall.ENOSPC) {
		why = "the disk is full"
	}
	return &mitm.Problem{
		Status: http.StatusServiceUnavailable, Slug: "rate_uncounted", Hint: "agentsecrets doctor",
		Message: "how often agent " + agent + " uses secrets cannot be counted, so no value is sent: " + why,
	}
}

func (p *policies) book(s mitm.Scope) (*agents.Book, error) {
	if s, ok := s.Seen.(seen); ok {
		return s.book, s.err
	}
	_, b, err := p.both(s)
	return b, err
}

// used is when tokens of the workspace were last used.
func (p *policies) used(workspaceID string) *agents.Used {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.uses[workspaceID]
	if u == nil {
		u = agents.OpenUsed(filepath.Join(agentsDir(p.home, workspaceID), "used.json"), p.warn)
		p.uses[workspaceID] = u
	}
	return u
}

// wait returns when what was to be written is.
func (p *policies) wait() {
	p.mu.Lock()
	uses := make([]*agents.Used, 0, len(p.uses))
	for _, u := range p.uses {
		uses = append(uses, u)
	}
	p.mu.Unlock()
	for _, u := range uses {
		u.Wait()
	}
}
