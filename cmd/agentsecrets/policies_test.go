package main

import (
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/mitm"
)

func TestText(t *testing.T) {
	home := t.TempDir()
	p := newPolicies(home)
	err := updatePolicy(home, "wsp_aaaaaaaaaaaaaaaaaaaa", func(p *allowlist.Policy) error {
		p.Bindings = map[string]map[string]allowlist.Binding{"prj": {"BOUND": {Places: []string{"path", "body"}}}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host, place string
		whole, want       bool
	}{
		{"KEY", "api.openai.com", "body:messages.0.content", true, true},
		{"BOUND", "api.openai.com", "body:messages.0.content", true, false},
		{"KEY", "api.openai.com", "form:prompt", true, true},
		{"KEY", "api.stripe.com", "body:key", true, false},
		{"KEY", "api.openai.com", "header:authorization", false, false},
		{"KEY", "api.openai.com", "query:key", true, false},
		{"KEY", "api.telegram.org", "path", false, true},
		{"BOUND", "api.telegram.org", "path", false, false},
		{"KEY", "api.telegram.org", "path", true, false},
	} {
		u := mitm.Use{Name: c.name, Host: c.host, Port: 443, Place: c.place, Whole: c.whole}
		if got := p.Text(mitm.Scope{WorkspaceID: "wsp_aaaaaaaaaaaaaaaaaaaa", ProjectID: "prj"}, u); got != c.want {
			t.Errorf("%+v: text is %v", u, got)
		}
	}
}

// What was looked at once counts for the exchange that looked, and for no other.
func TestPolicyAsItWasSeen(t *testing.T) {
	home, scope := t.TempDir(), mitm.Scope{WorkspaceID: "wsp_aaaaaaaaaaaaaaaaaaaa", ProjectID: "prj"}
	p := newPolicies(home)
	rules := func(rules ...allowlist.Rule) {
		t.Helper()
		if err := updatePolicy(home, scope.WorkspaceID, func(p *allowlist.Policy) error {
			p.Rules = rules
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	u := mitm.Use{Name: "KEY", Host: "api.stripe.com", Port: 443, Method: "GET", Path: "/", Place: "header:authorization", Whole: true}
	rules(allowlist.Rule{Host: u.Host})
	before := p.Look(scope)
	rules()
	for _, c := range []struct {
		name  string
		scope mitm.Scope
		want  bool
	}{{"seen before", before, true}, {"not seen", scope, false}, {"seen again", p.Look(before), false}} {
		if err := p.Allow(c.scope, u); (err == nil) != c.want || p.Reaches(c.scope, u.Host, u.Port) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
