package allowlist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A home of an earlier version is read, and what is written there stays what that
// version reads, until a binding says more than it knew.
func TestPolicyVersions(t *testing.T) {
	const first = `{"version":1,"rules":[{"rule":"api.acme.test:9443","added_by":"ann"}],"bindings":{"prj":{"K":{"hosts":["api.acme.test:9443"],"places":["header:x-key","query"]}}}}`
	for name, c := range map[string]struct {
		binding Binding
		version string
	}{
		"hosts and places": {Binding{Hosts: []Rule{{Host: "b.test"}}, Places: []string{"header", "body:a.b", "form"}}, `"version": 1`},
		"methods":          {Binding{Methods: []string{"GET"}}, `"version": 2`},
		"paths":            {Binding{Paths: []string{"/v1/*"}}, `"version": 2`},
		"no-env":           {Binding{NoEnv: true}, `"version": 2`},
		"cookie":           {Binding{Places: []string{"header", "cookie:sid"}}, `"version": 2`},
		"cookies":          {Binding{Places: []string{"cookie"}}, `"version": 2`},
		"body:any":         {Binding{Places: []string{"body:any"}}, `"version": 2`},
	} {
		path := filepath.Join(t.TempDir(), "policy.json")
		if err := os.WriteFile(path, []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		err := UpdatePolicy(path, func(p *Policy) error {
			p.Bindings["prj"]["L"] = c.binding
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), c.version) {
			t.Errorf("%s: %v, want %s in\n%s", name, err, c.version, text)
		}
		p, err := LoadPolicy(path)
		if err != nil {
			t.Fatal(err)
		}
		use := Use{Name: "K", Host: "api.acme.test", Port: 9443, Method: "GET", Path: "/", Place: "header:x-key"}
		if err := p.List("prj").Check(use); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if use.Place = "basic"; p.List("prj").Check(use) == nil {
			t.Errorf("%s: a binding of the earlier version is lost", name)
		}
	}
}
