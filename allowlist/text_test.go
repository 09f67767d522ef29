package allowlist

import "testing"

func TestIsText(t *testing.T) {
	hosts := NewCatalogue()
	api := Rule{Host: "api.acme.test"}
	list := &List{Rules: []Rule{api, {Host: "api.openai.com"}}, Bindings: map[string]Binding{
		"PATH": {Places: []string{"path"}}, "BODY": {Places: []string{"body:k"}}, "FORM": {Places: []string{"form"}}, "ANY": {Places: []string{"body:any"}},
		"ANY_ELSEWHERE": {Places: []string{"body:any"}, Hosts: []Rule{{Host: "api.openai.com"}}},
		"ANY_PUT":       {Places: []string{"body:any"}, Methods: []string{"PUT"}}, "HEADER": {Places: []string{"header"}},
	}}
	for _, c := range []struct {
		name, host, place string
		whole, want       bool
	}{
		{"K", "api.acme.test", "path", true, false}, {"K", "api.acme.test", "path", false, true},
		{"PATH", "api.acme.test", "path", false, false}, {"PATH", "api.acme.test", "path", true, false},
		{"K", "api.acme.test", "body:k", true, false}, {"K", "api.openai.com", "body:k", true, true}, {"K", "api.openai.com", "form:k", true, true},
		{"BODY", "api.openai.com", "body:k", true, false}, {"BODY", "api.openai.com", "body:l", true, true}, {"BODY", "api.openai.com", "form:k", true, true},
		{"FORM", "api.openai.com", "form:k", true, false}, {"ANY", "api.openai.com", "body:k", true, false},
		{"K", "api.acme.test", "text", false, true}, {"HEADER", "api.acme.test", "text", false, true}, {"BODY", "api.acme.test", "text", false, true},
		{"ANY", "api.acme.test", "text", false, false}, {"ANY", "api.openai.com", "text", false, false}, {"ANY", "evil.test", "text", false, true},
		{"ANY_ELSEWHERE", "api.acme.test", "text", false, true}, {"ANY_ELSEWHERE", "api.openai.com", "text", false, false}, {"ANY_PUT", "api.acme.test", "text", false, true},
		{"K", "api.openai.com", "header:x", false, false}, {"K", "api.openai.com", "query:x", false, false}, {"K", "api.openai.com", "cookie:x", true, false},
	} {
		u := Use{Name: c.name, Host: c.host, Port: 443, Method: "POST", Path: "/", Place: c.place, Whole: c.whole}
		if got := list.IsText(u, hosts); got != c.want {
			t.Errorf("%+v: %v", u, got)
		}
	}
	if u := (Use{Name: "K", Host: "api.acme.test", Port: 443, Place: "path"}); !(*List)(nil).IsText(u, hosts) {
		t.Error("without rules part of a segment is no text")
	}
}

func TestAnywhere(t *testing.T) {
	api, other := Rule{Host: "api.acme.test"}, Rule{Host: "other.test", Port: 8443}
	for name, c := range map[string]struct {
		binding     Binding
		api, second bool
	}{
		"unbound": {Binding{}, false, false}, "body": {Binding{Places: []string{"body", "header"}}, false, false}, "any": {Binding{Places: []string{"header", "body:any"}}, true, true},
		"any at one":            {Binding{Places: []string{"body:any"}, Hosts: []Rule{other}}, false, true},
		"any off the allowlist": {Binding{Places: []string{"body:any"}, Hosts: []Rule{{Host: "third.test"}}}, false, false},
	} {
		list := &List{Rules: []Rule{api, other}, Bindings: map[string]Binding{"K": c.binding, "L": {Places: []string{"query"}}}}
		if a, o, third := list.Anywhere("API.acme.test", 443), list.Anywhere("other.test", 8443), list.Anywhere("third.test", 443); a != c.api || o != c.second || third {
			t.Errorf("%s: %v %v %v", name, a, o, third)
		}
	}
	if (*List)(nil).Anywhere("api.acme.test", 443) || new(List).Anywhere("api.acme.test", 443) {
		t.Error("anywhere with no rules")
	}
}
