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
