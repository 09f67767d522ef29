package allowlist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A home of an earlier version is read. Its next change is written as no earlier
// program reads it: one that knows no seal would break it.
func TestPolicyVersions(t *testing.T) {
	for _, first := range []string{
		`{"version":1,"rules":[{"rule":"api.acme.test:9443","added_by":"ann"}],"bindings":{"prj":{"K":{"hosts":["api.acme.test:9443"],"places":["header:x-key","query"]}}}}`,
		`{"version":2,"rules":[{"rule":"api.acme.test:9443"}],"bindings":{"prj":{"K":{"methods":["GET"],"paths":["/*"],"places":["header:x-key","cookie"],"no_env":true}}}}`,
	} {
		path := filepath.Join(t.TempDir(), "policy.json")
		save(t, path, first)
		if load(t, path).Sealed() {
			t.Error("a file without a seal has one")
		}
		err := UpdatePolicy(path, func(p *Policy) error {
			p.Bindings["prj"]["L"] = Binding{Places: []string{"header"}}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), `"version": 3`) {
			t.Errorf("%v, want version 3 in\n%s", err, text)
		}
		p := load(t, path)
		use := Use{Name: "K", Host: "api.acme.test", Port: 9443, Method: "GET", Path: "/", Place: "header:x-key"}
		if err := p.List("prj").Check(use); err != nil || !p.Sealed() {
			t.Errorf("%v, sealed %v", err, p.Sealed())
		}
		if use.Place = "basic"; p.List("prj").Check(use) == nil {
			t.Error("a binding of the earlier version is lost")
		}
	}
}
