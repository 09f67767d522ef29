package client_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/client"
)

// An agent has a token, and uses what its policy lets it, in calls and through an
// *http.Client.
func TestAgents(t *testing.T) {
	c := newClient(t)
	issued, err := c.Agents().Register(background, "build", client.TokenOptions{Label: "ci", Life: 90 * 24 * time.Hour})
	if err != nil || issued.Agent != "build" || issued.Token == "" || issued.Label != "ci" || issued.ExpiresAt.Before(time.Now()) {
		t.Fatalf("%+v %v", issued, err)
	}
	want := client.AgentPolicy{Allow: []string{"KEY"}, Deny: []string{"LOGIN"}, Methods: []string{"GET"}, RatePerMinute: 60}
	if _, err := c.Agents().SetPolicy(background, "build", want); err != nil {
		t.Fatal(err)
	}
	p, err := c.Agents().Policy(background, "build")
	if err != nil || !slices.Equal(p.Allow, want.Allow) || !slices.Equal(p.Deny, want.Deny) || !slices.Equal(p.Methods, want.Methods) || len(p.Hosts) > 0 || p.RatePerMinute != 60 {
		t.Errorf("%+v %v", p, err)
	}
	agent := newClient(t, client.WithAgentToken(issued.Token), client.WithAgent("somebody"))
	if _, err := agent.Call(background, client.Request{URL: w.url("/v1"), Bearer: "KEY"}); err != nil {
		t.Error(err)
	}
	events, err := c.Proxy().Logs(background, client.LogFilter{Last: 1})
	if err != nil || len(events) != 1 || events[0].AgentID != "build" || events[0].TokenID != issued.ID || events[0].IdentityLevel != "issued" {
		t.Errorf("%+v %v", events, err)
	}
	w.origin.took(t)
	var denied *client.PermissionDeniedError
	for _, r := range []client.Request{{Basic: "LOGIN"}, {Bearer: "KEY", Method: "POST"}} {
		r.URL = w.url("/v1")
		if _, err := agent.Call(background, r); !errors.As(err, &denied) || denied.Hint() == "" {
			t.Errorf("%+v: %v", r, err)
		}
	}
	resp, err := agent.HTTPClient().Get(w.url("/v1?k=") + client.Placeholder("LOGIN"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if g := w.origin.took(t); resp.StatusCode != 403 || g.Method != "" {
		t.Errorf("%s, the origin got %+v", resp.Status, g)
	}
	var e *client.Error
	if r, err := agent.SpawnCapture(background, "true"); !errors.As(err, &e) || r.ExitCode != 125 || e.Hint() == "" {
		t.Errorf("an agent gets no values: %+v %v", r, err)
	}
}

func TestAgentTokens(t *testing.T) {
	c := newClient(t)
	if _, err := c.Agents().Register(background, "night", client.TokenOptions{}); err != nil {
		t.Fatal(err)
	}
	second, err := c.Agents().IssueToken(background, "night", client.TokenOptions{Environment: "staging", Label: "second"})
	if err != nil || second.Environment != "staging" {
		t.Fatalf("%+v %v", second, err)
	}
	all, err := c.Agents().List(background)
	i := slices.IndexFunc(all, func(a client.Agent) bool { return a.Name == "night" })
	if err != nil || i < 0 || all[i].Tokens != 2 || all[i].RegisteredAt.IsZero() {
		t.Errorf("%+v %v", all, err)
	}
	if err := c.Agents().RevokeToken(background, "night", second.ID); err != nil {
		t.Error(err)
	}
	tokens, err := c.Agents().Tokens(background, "night")
	if err != nil || len(tokens) != 2 || !slices.ContainsFunc(tokens, func(k client.AgentToken) bool { return k.ID == second.ID && k.Status == "revoked" }) {
		t.Errorf("%+v %v", tokens, err)
	}
	var e *client.Error
	revoked := newClient(t, client.WithAgentToken(second.Token), client.WithEnvironment("staging"))
	if _, err := revoked.Call(background, client.Request{URL: w.url("/v1"), Bearer: "KEY"}); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
	if err := c.Agents().RevokeToken(background, "night"); err != nil {
		t.Error(err)
	}
	if err := c.Agents().Delete(background, "night"); err != nil {
		t.Error(err)
	}
}

// A limit that came out empty, as from a variable that is not set, is no limit that is meant.
func TestEmptyLimits(t *testing.T) {
	c := newClient(t)
	if _, err := c.Agents().Register(background, "limited", client.TokenOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Agents().SetPolicy(background, "limited", client.AgentPolicy{Allow: []string{"KEY"}, Hosts: []string{"api.acme.test"}, Methods: []string{"GET"}}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []client.AgentPolicy{{Hosts: []string{""}}, {Methods: []string{" "}}, {Deny: []string{"A", ""}}} {
		var e *client.Error
		if _, err := c.Agents().SetPolicy(background, "limited", p); !errors.As(err, &e) || e.Slug != "bad_request" {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if p, err := c.Agents().Policy(background, "limited"); err != nil || len(p.Hosts) != 1 || len(p.Methods) != 1 {
		t.Errorf("%+v %v", p, err)
	}
}
