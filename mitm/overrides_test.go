package mitm

import (
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
