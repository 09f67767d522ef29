package allowlist

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseRequestRule(t *testing.T) {
	for text, want := range map[string]string{
		"api.x.com": "api.x.com", "post api.x.com:443/v1/*": "POST api.x.com/v1/*", "GET *.x.com:8443": "GET *.x.com:8443",
		"api.x.com/v1/%61": "api.x.com/v1/a", "PUT [2001:db8::1]:99/a": "PUT [2001:db8::1]:99/a", "api.x.com/": "api.x.com/",
	} {
		r, err := ParseRequestRule(text)
		if err != nil || r.String() != want {
			t.Errorf("%q: %q, %v", text, r, err)
		}
		if again, err := ParseRequestRule(r.String()); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%q is read as %+v, %v", r, again, err)
		}
	}
	for text, want := range map[string]string{
		"TRACE api.x.com": "never forwarded", "GET": "", "GET ": "empty", " api.x.com": "method", "GET POST api.x.com": "space", "*/v1": "every host",
		"api.x.com/a/../b": "path", "api.x.com/v1?x": "path", "https://api.x.com/v1": "scheme", "GET https://api.x.com": "scheme", "GET *.github.io/a": "public suffix", "/v1": "empty",
	} {
		r, err := ParseRequestRule(text)
		var e *RuleError
		if text == "GET" { // a host like any other
			if r.Method != "" {
				t.Errorf("%+v", r)
			}
			continue
		}
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Hint() == "" {
			t.Errorf("%q: %v, want one that says %q", text, err, want)
		}
	}
}

func requestRule(t *testing.T, text string, places ...string) Rule {
	t.Helper()
	r, err := ParseRequestRule(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Places = places
	return r
}

// One rule must allow all of a request: two that allow half of it each do not.
func TestD5RulesForRequests(t *testing.T) {
	list := &List{Rules: []Rule{
		requestRule(t, "GET api.x.com"), requestRule(t, "POST api.x.com/v1/*", "header:x-key"), requestRule(t, "*.y.com/open/*"), requestRule(t, "z.com", "query"),
	}, Bindings: map[string]Binding{"BOUND": {Places: []string{"path", "header"}}}}
	for _, c := range []struct {
		name, host, method, path, place string
		reason, hint                    string
	}{
		{"K", "api.x.com", "GET", "/any", "query:a", "", ""},
		{"K", "api.x.com", "POST", "/v1/a", "header:x-key", "", ""},
		{"K", "api.x.com", "POST", "/v2", "header:x-key", "binding_denied", "agentsecrets workspace allowlist add 'POST api.x.com/v2'"},
		{"K", "api.x.com", "POST", "/v1/../v2", "header:x-key", "binding_denied", "agentsecrets workspace allowlist list"},
		{"K", "api.x.com", "POST", "/v1/a", "query:a", "place_denied", "agentsecrets workspace allowlist add 'POST api.x.com/v1/a' --in query:a"},
		{"K", "api.x.com", "DELETE", "/v1/a", "header:x-key", "method_denied", "agentsecrets workspace allowlist add 'DELETE api.x.com/v1/a'"},
		{"K", "api.x.com", "get", "/any", "query:a", "method_denied", "agentsecrets workspace allowlist list"},
		{"K", "a.y.com", "PATCH", "/open/a/b", "basic", "", ""},
		{"K", "a.y.com", "PATCH", "/closed", "basic", "binding_denied", "agentsecrets workspace allowlist add 'PATCH a.y.com/closed'"},
		{"K", "z.com", "GET", "/", "header:a", "place_denied", "agentsecrets workspace allowlist add 'GET z.com/' --in header:a"},
		{"K", "api.x.com", "GET", "/any", "path", "place_denied", "agentsecrets secrets bind K --in header --in query --in basic --in body --in form --in path"},
		{"BOUND", "z.com", "GET", "/", "query:a", "place_denied", "agentsecrets secrets bind BOUND --in path --in header --in query:a"},
	} {
		err := list.Check(Use{Name: c.name, Host: c.host, Port: 443, Method: c.method, Path: c.path, Place: c.place})
		var d *DeniedError
		if c.reason == "" {
			if err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if !errors.As(err, &d) || d.Reason != c.reason || d.Hint() != c.hint {
			t.Errorf("%+v: %v, %+v", c, err, d)
		}
	}
	u := Use{Name: "K", Host: "api.x.com", Port: 443, Method: "POST", Path: "/v1/a", Place: "header:x-key"}
	if got := list.Deciding(u); !reflect.DeepEqual(got, []string{"POST api.x.com/v1/* --in header:x-key"}) {
		t.Error(got)
	}
	if u.Method = "PUT"; len(list.Deciding(u)) != 2 {
		t.Error(list.Deciding(u))
	}
}

// A rule that says more than a host is never read by a program that would take it for the host alone.
func TestRequestRulesInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	want := requestRule(t, "POST a.test:9443/v1/*", "header", "query:k")
	if err := UpdatePolicy(path, func(p *Policy) error { p.Rules = []Rule{want}; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := load(t, path).Rules; len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v", got)
	}
	for version, change := range map[string]func(*Rule){
		`"version": 4`: func(*Rule) {}, `"version": 3`: func(r *Rule) { r.Method, r.Path, r.Places = "", "", nil },
	} {
		err := UpdatePolicy(path, func(p *Policy) error { p.Rules = []Rule{want}; change(&p.Rules[0]); return nil })
		text, readErr := os.ReadFile(path)
		if err != nil || readErr != nil || !strings.Contains(string(text), version) {
			t.Errorf("%v, %v: %s, want %s", err, readErr, text, version)
		}
	}
}
