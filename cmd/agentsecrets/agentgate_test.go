package main

import (
	"errors"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

const agentsWorkspace = "wsp_aaaaaaaaaaaaaaaaaaaa"

// agentWorld is a home with the agent bot, which may use KEY, and a rule.
func agentWorld(t *testing.T) (p *policies, text string, change func(func(*agents.Agent))) {
	t.Helper()
	home := t.TempDir()
	rule, err := allowlist.ParseRule("api.acme.test")
	if err != nil {
		t.Fatal(err)
	}
	if err := updatePolicy(home, agentsWorkspace, func(p *allowlist.Policy) error {
		p.Rules = []allowlist.Rule{rule}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	path, err := policyPath(home, agentsWorkspace)
	if err != nil {
		t.Fatal(err)
	}
	change = func(do func(*agents.Agent)) {
		t.Helper()
		if err := agents.Update(path, func(_ *allowlist.Policy, b *agents.Book) error {
			a, err := b.Agent("bot")
			if err != nil {
				a, err = b.Register("bot", "", time.Now())
			}
			do(a)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(func(a *agents.Agent) {
		a.Policy.Allow = []string{"KEY"}
		if text, _, err = a.Issue(agents.Wanted{Environment: "development", Saved: true}, time.Now()); err != nil {
			t.Fatal(err)
		}
	})
	p = newPolicies(home)
	t.Cleanup(p.wait)
	return p, text, change
}

func reasonOf(err error) string {
	var p *mitm.Problem
	if errors.As(err, &p) {
		return p.Slug
	}
	return ""
}

// Wherever in a request a placeholder stands, and whether a look was kept or not,
// the agent's policy decides.
func TestL15DeniedInEveryPlace(t *testing.T) {
	p, text, _ := agentWorld(t)
	s := p.Identify(mitm.Scope{WorkspaceID: agentsWorkspace, ProjectID: "prj", Environment: "development"}, text, false)
	for _, place := range []string{"header:authorization", "cookie:a", "query:a", "basic", "path", "body:a.b", "form:a", "multipart:a", "text", "message"} {
		for _, scope := range []mitm.Scope{s, p.Look(s)} {
			u := mitm.Use{Name: "OTHER", Host: "api.acme.test", Port: 443, Method: "GET", Path: "/", Place: place, Whole: true}
			if got := reasonOf(p.Allow(scope, u)); got != "agent_denied" {
				t.Errorf("%s: %q", place, got)
			}
		}
	}
	u := mitm.Use{Name: "KEY", Host: "api.acme.test", Port: 443, Method: "GET", Path: "/", Place: "header:authorization", Whole: true}
	if err := p.Allow(s, u); err != nil {
		t.Error(err)
	}
	if u.Host = "other.test"; reasonOf(p.Allow(s, u)) != "domain_not_in_allowlist" {
		t.Error("an agent may more than anybody may")
	}
}

// What is decided in the middle of a stream goes by what counts then.
func TestL13TokenEndsInAStream(t *testing.T) {
	p, text, change := agentWorld(t)
	s := p.Identify(mitm.Scope{WorkspaceID: agentsWorkspace, ProjectID: "prj", Environment: "development"}, text, false)
	u := mitm.Use{Name: "KEY", Host: "api.acme.test", Port: 443, Method: "GET", Path: "/", Place: "header:authorization", Whole: true}
	if err := errors.Join(p.Admit(s), p.Allow(s, u)); err != nil {
		t.Fatal(err)
	}
	change(func(a *agents.Agent) {
		if _, err := a.Revoke("", time.Now()); err != nil {
			t.Fatal(err)
		}
	})
	if got := reasonOf(p.Allow(s, u)); got != "agent_token_invalid" {
		t.Errorf("in a stream: %q", got)
	}
	if got := reasonOf(p.Admit(s)); got != "agent_token_invalid" {
		t.Errorf("a new exchange: %q", got)
	}
	if got := reasonOf(p.Spend(s)); got != "agent_token_invalid" {
		t.Errorf("counted: %q", got)
	}
}

func TestL14AdmittedWhereItBelongs(t *testing.T) {
	p, text, change := agentWorld(t)
	at := func(project, environment string) string {
		return reasonOf(p.Admit(p.Identify(mitm.Scope{WorkspaceID: agentsWorkspace, ProjectID: project, Environment: environment}, text, false)))
	}
	if got := at("prj", "development"); got != "" {
		t.Error(got)
	}
	if got := at("prj", "production"); got != "agent_denied" {
		t.Errorf("another environment: %q", got)
	}
	change(func(a *agents.Agent) { a.ProjectID = "prj" })
	if got := at("prj2", "development"); got != "agent_denied" {
		t.Errorf("another project: %q", got)
	}
	s := mitm.Scope{WorkspaceID: "wsp_bbbbbbbbbbbbbbbbbbbb", ProjectID: "prj", Environment: "development"}
	if got := reasonOf(p.Admit(p.Identify(s, text, false))); got != "agent_token_invalid" {
		t.Errorf("another workspace: %q", got)
	}
}

// Names of saved tokens count where they may, and what looks like a token is none.
func TestSavedTokenNames(t *testing.T) {
	p, _, _ := agentWorld(t)
	s := mitm.Scope{WorkspaceID: agentsWorkspace, ProjectID: "prj", Environment: "development"}
	if got := p.Identify(s, "BOT_TOKEN", true); got.AgentID != "bot" {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		text  string
		names bool
	}{{"BOT_TOKEN", false}, {"bot_TOKEN", true}, {"", true}, {"OTHER_TOKEN", true}, {"ast_", true}} {
		if got := p.Identify(s, c.text, c.names); got.AgentID != "" || got.TokenID != noToken {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestAgentRate(t *testing.T) {
	p, text, change := agentWorld(t)
	change(func(a *agents.Agent) { a.Policy.Rate = 2 })
	s := p.Identify(mitm.Scope{WorkspaceID: agentsWorkspace, ProjectID: "prj", Environment: "development"}, text, false)
	other := newPolicies(p.home) // another process
	if err := errors.Join(p.Spend(s), other.Spend(s)); err != nil {
		t.Fatal(err)
	}
	var problem *mitm.Problem
	if err := p.Spend(s); !errors.As(err, &problem) || problem.Slug != "rate_limited" || problem.Status != 429 || problem.RetryAfter <= 0 || problem.RetryAfter > time.Minute {
		t.Errorf("%+v", problem)
	}
}
