package allowlist

import (
	"errors"
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

// An earlier program would take an agent's token for nobody's, so it must not read
// a policy that has agents. They are sealed with the rest.
func TestPolicyWithAgents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	change := func(agents string) {
		t.Helper()
		if err := UpdatePolicy(path, func(p *Policy) error {
			p.Agents = nil
			if agents != "" {
				p.Agents = []byte(agents)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(`{"bot": {"allow": []}}`)
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), `"version": 6`) {
		t.Errorf("%v, want version 6 in\n%s", err, text)
	}
	if p := load(t, path); !strings.Contains(string(p.Agents), `"bot"`) || !p.Sealed() {
		t.Errorf("%s", p.Agents)
	}
	save(t, path, strings.Replace(string(text), "bot", "bat", 1))
	var broken *SealError
	if _, err := LoadPolicy(path); !errors.As(err, &broken) {
		t.Errorf("an agent that was edited: %v", err)
	}
	save(t, path, string(text))
	change("")
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), `"version": 3`) {
		t.Errorf("%v, want version 3 in\n%s", err, text)
	}
}
