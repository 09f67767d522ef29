package mitm

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// A binding counts for what a server may take the request for.
func TestOverrides(t *testing.T) {
	rule, err := allowlist.ParseRule("api.acme.test")
	if err != nil {
		t.Fatal(err)
	}
	list := &allowlist.List{Rules: []allowlist.Rule{rule}, Bindings: map[string]allowlist.Binding{
		"KEY": {Methods: []string{"GET"}, Paths: []string{"/v1/*"}},
	}}
	x := &exchange{scheme: "https", proxy: &Proxy{cfg: Config{Allow: func(_ Scope, u Use) error {
		return list.Check(allowlist.Use{Name: u.Name, Host: u.Host, Port: u.Port, Method: u.Method, Path: u.Path, Place: u.Place})
	}}}}
	for _, c := range []struct {
		name, field, line string
		allowed           bool
	}{
		{"KEY", "X-Request-Id", "DELETE", true},
		{"KEY", "X-Http-Method-Override", "get ", true},
		{"KEY", "X-Http-Method-Override", "DELETE", false},
		{"KEY", "X-Http-Method-Override", "GET, DELETE", false},
		{"KEY", "X-Http-Method", "delete", false},
		{"KEY", "X-Method-Override", "PUT", false},
		{"KEY", "X_http_method_override", "DELETE", false},
		{"KEY", "X-Original-Url", "/v1/users?all=1", true},
		{"KEY", "X-Original-Url", "/admin", false},
		{"KEY", "X-Rewrite-Url", "/v1/../admin", false},
		{"KEY", "X-Rewrite-Url", "https://api.acme.test/admin", false},
		{"FREE", "X-Http-Method-Override", "DELETE", true},
		{"FREE", "X-Original-Url", "/admin", true},
	} {
		x.fields = http.Header{c.field: {c.line}}
		use := found{Use{Name: c.name, Host: "api.acme.test", Port: 443, Method: "GET", Path: "/v1/users", Place: "header:authorization"}, "bearer"}
		if err := x.allow(use); (err == nil) != c.allowed {
			t.Errorf("%s with %s: %s: %v", c.name, c.field, c.line, err)
		}
	}
}

// Two such fields together name a method for a path, and that pair is asked about.
func TestOverridesTogether(t *testing.T) {
	var rules []allowlist.Rule
	for _, text := range []string{"GET api.acme.test/v1/*", "DELETE api.acme.test/v1/*", "GET api.acme.test/admin/*"} {
		r, err := allowlist.ParseRequestRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	list := &allowlist.List{Rules: rules}
	x := &exchange{scheme: "https", proxy: &Proxy{cfg: Config{Allow: func(_ Scope, u Use) error {
		return list.Check(allowlist.Use{Name: u.Name, Host: u.Host, Port: u.Port, Method: u.Method, Path: u.Path, Place: u.Place})
	}}}}
	use := found{Use{Name: "KEY", Host: "api.acme.test", Port: 443, Method: "GET", Path: "/v1/users", Place: "header:authorization"}, "bearer"}
	method, path := "X-Http-Method-Override", "X-Original-Url"
	x.fields = http.Header{method: {"DELETE"}, path: {"/v1/keys"}}
	if err := x.allow(use); err != nil {
		t.Error("every reading is allowed:", err)
	}
	x.fields = http.Header{method: {"DELETE"}, path: {"/admin/users"}}
	if x.allow(use) == nil {
		t.Error("DELETE /admin/users is allowed by no rule")
	}
	x.fields = http.Header{method: {"GET"}}
	for i := range maxReadings {
		x.fields.Add(path, fmt.Sprintf("/v1/%d", i))
	}
	if x.allow(use) == nil {
		t.Error("one request is read in any number of ways")
	}
}
