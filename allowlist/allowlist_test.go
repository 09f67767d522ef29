package allowlist

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

func rules(t testing.TB, texts ...string) []Rule {
	t.Helper()
	var all []Rule
	for _, text := range texts {
		r, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestCheck(t *testing.T) {
	list := &List{
		Rules: rules(t, "api.acme.test:9443", "*.example.com", "[2001:db8::1]"),
		Bindings: map[string]Binding{
			"HOST":  {Hosts: rules(t, "a.example.com")},
			"PLACE": {Places: []string{"header:x-api-key", "form"}},
			"BOTH":  {Hosts: rules(t, "*.example.com"), Places: []string{"path"}},
			"WIDE":  {Hosts: rules(t, "evil.test"), Places: []string{"path", "header"}},
		},
	}
	for _, c := range []struct {
		name, host  string
		port        int
		place, want string
	}{
		{"ANY", "api.acme.test", 9443, "header:authorization", ""},
		{"ANY", "API.acme.test.", 9443, "query:key", ""},
		{"ANY", "x.example.com", 443, "basic", ""},
		{"ANY", "x.example.com", 443, "body:auth.token", ""},
		{"ANY", "x.example.com", 443, "form:token", ""},
		{"ANY", "2001:db8::1", 443, "header:a", ""},
		{"ANY", "x.example.com", 443, "path", reasonPlace},
		{"ANY", "x.example.com", 443, "", reasonPlace},
		{"ANY", "x.example.com", 443, "method", reasonPlace},
		{"ANY", "x.example.com", 443, "headers:a", reasonPlace},
		{"ANY", "api.acme.test", 443, "header:a", reasonDomain},
		{"ANY", "evil.test", 443, "header:a", reasonDomain},
		{"ANY", "evil.test", 443, "path", reasonDomain}, // the host comes before the place
		{"ANY", "a.example.com@evil.test", 443, "header:a", reasonDomain},
		{"ANY", "", 443, "header:a", reasonDomain},
		{"HOST", "a.example.com", 443, "header:a", ""},
		{"HOST", "b.example.com", 443, "header:a", reasonBinding},
		{"HOST", "b.example.com", 443, "path", reasonBinding}, // the binding's hosts before its places
		{"HOST", "a.example.com", 443, "path", reasonPlace},
		{"PLACE", "a.example.com", 443, "header:x-api-key", ""},
		{"PLACE", "a.example.com", 443, "form:x", ""},
		{"PLACE", "a.example.com", 443, "header:authorization", reasonPlace},
		{"PLACE", "a.example.com", 443, "basic", reasonPlace},
		{"BOTH", "a.example.com", 443, "path", ""},
		{"BOTH", "a.example.com", 443, "header:a", reasonPlace},
		{"BOTH", "api.acme.test", 9443, "path", reasonBinding},
		{"WIDE", "evil.test", 443, "header:a", reasonDomain}, // a binding never widens the list
	} {
		use := Use{Name: c.name, Host: c.host, Port: c.port, Method: "GET", Path: "/", Place: c.place}
		reason := ""
		if err := list.Check(use); err != nil {
			var d *DeniedError
			if !errors.As(err, &d) {
				t.Fatalf("%+v: %T", use, err)
			}
			if reason = d.Reason; d.Name != c.name || d.Place != c.place || d.Port != c.port {
				t.Errorf("%+v: denied as %+v", use, d)
			}
		}
		if reason != c.want {
			t.Errorf("%+v: %q, want %q", use, reason, c.want)
		}
		for _, empty := range []*List{nil, {}, {Bindings: list.Bindings}} {
			var d *DeniedError
			if err := empty.Check(use); !errors.As(err, &d) || d.Reason != reasonEmpty {
				t.Errorf("empty list: %v", err)
			}
		}
	}
}

func TestReaches(t *testing.T) {
	list := &List{Rules: rules(t, "api.acme.test:9443", "*.example.com"), Bindings: map[string]Binding{"K": {Hosts: rules(t, "evil.test")}}}
	for _, c := range []struct {
		host string
		port int
		want bool
	}{
		{"api.acme.test", 9443, true}, {"api.acme.test", 443, false}, {"API.Acme.Test.", 9443, true},
		{"a.example.com", 443, true}, {"example.com", 443, false}, {"evil.test", 443, false}, {"", 443, false},
	} {
		if got := list.Reaches(c.host, c.port); got != c.want {
			t.Errorf("%s:%d: %v", c.host, c.port, got)
		}
	}
	if (*List)(nil).Reaches("a.example.com", 443) {
		t.Error("a nil list reaches something")
	}
}

// TestHint does what the command says: after that the use must be allowed.
func TestHint(t *testing.T) {
	for _, c := range []struct {
		list List
		use  Use
		want string
	}{
		{List{}, Use{Host: "API.Acme.test", Port: 9443}, "agentsecrets workspace allowlist add api.acme.test:9443"},
		{List{}, Use{Host: "2001:db8::1", Port: 443}, "agentsecrets workspace allowlist add '[2001:db8::1]'"},
		{List{}, Use{Host: "2001:db8::1", Port: 8443}, "agentsecrets workspace allowlist add '[2001:db8::1]:8443'"},
		{List{Rules: rules(t, "x.test")}, Use{Host: "аpple.com", Port: 443}, "agentsecrets workspace allowlist add xn--pple-43d.com"},
		{List{Rules: rules(t, "*.amazonaws.com")}, Use{Host: "s3.amazonaws.com", Port: 443}, "agentsecrets workspace allowlist add s3.amazonaws.com"},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Hosts: rules(t, "*.a.test:8443"), Places: []string{"query"}}}},
			Use{Host: "b.test", Port: 443, Place: "query:k"}, "agentsecrets secrets bind K --host '*.a.test:8443' --host b.test",
		},
		{
			List{Rules: rules(t, "b.test")}, Use{Host: "b.test", Port: 443, Place: "path"},
			"agentsecrets secrets bind K --in header --in query --in basic --in body --in form --in path",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"header:x-api-key"}}}},
			Use{Host: "b.test", Port: 443, Place: "header:authorization"}, "agentsecrets secrets bind K --in header:x-api-key --in header:authorization",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: "body:messages.0.content"}, "agentsecrets secrets bind K --in basic --in body:messages.0.content",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: `body:a*b`}, "agentsecrets secrets bind K --in basic --in body",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: "body:any"}, "agentsecrets secrets bind K --in basic --in body",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: "body:a.…"}, "agentsecrets secrets bind K --in basic --in body",
		},
		{
			List{Rules: rules(t, "b.test")}, Use{Host: "b.test", Port: 443, Place: "text"},
			"agentsecrets secrets bind K --in header --in query --in basic --in body --in form --in body:any",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: "cookie:session"}, "agentsecrets secrets bind K --in basic --in cookie:session",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Methods: []string{"GET"}, Paths: []string{"/v1"}}}},
			Use{Host: "b.test", Port: 443, Method: "DELETE", Path: "/v1"}, "agentsecrets secrets bind K --method GET --method DELETE",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Paths: []string{"/v1/charges", "/v1/bal*"}}}},
			Use{Host: "b.test", Port: 443, Path: "/v1/a*b%20c;d"}, "agentsecrets secrets bind K --path /v1/charges --path '/v1/bal*' --path '/v1/a%2Ab%20c%3Bd'",
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: "query:it's; rm -rf $HOME"}, `agentsecrets secrets bind K --in basic --in 'query:it'\''s; rm -rf $HOME'`,
		},
		{
			List{Rules: rules(t, "b.test"), Bindings: map[string]Binding{"K": {Places: []string{"basic"}}}},
			Use{Host: "b.test", Port: 443, Place: "query:a\nb\x1b[2J"}, "agentsecrets secrets bind K --in basic --in query",
		},
	} {
		c.use.Name = "K"
		if c.use.Place == "" {
			c.use.Place = "header:a"
		}
		var d *DeniedError
		if !errors.As(c.list.Check(c.use), &d) {
			t.Errorf("%+v is allowed", c.use)
			continue
		}
		if d.Hint() != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.use, d.Hint(), c.want)
		}
		obey(t, &c.list, d.Hint())
		if err := c.list.Check(c.use); err != nil {
			t.Errorf("%+v: after %s: %v", c.use, d.Hint(), err)
		}
	}
}

func parsed(t testing.TB, parse func(string) (string, error), texts ...string) []string {
	t.Helper()
	var all []string
	for _, text := range texts {
		s, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// obey changes l as the command would, with the words that a shell makes of it.
func obey(t *testing.T, l *List, command string) {
	t.Helper()
	out, err := exec.Command("sh", "-c", `printf '%s\n' `+command).Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if slices.Contains(words, "allowlist") {
		l.Rules = append(l.Rules, rules(t, words[4:]...)...)
		return
	}
	b := l.Bindings[words[3]]
	var hosts []Rule
	var places, methods, paths []string
	for i := 4; i+1 < len(words); i += 2 {
		switch words[i] {
		case "--host":
			hosts = append(hosts, rules(t, words[i+1])...)
		case "--in":
			p, err := place.Parse(words[i+1])
			if err != nil {
				t.Fatal(err)
			}
			places = append(places, p)
		case "--method":
			methods = append(methods, parsed(t, ParseMethod, words[i+1])...)
		case "--path":
			paths = append(paths, parsed(t, ParsePath, words[i+1])...)
		}
	}
	if methods != nil {
		b.Methods = methods
	}
	if paths != nil {
		b.Paths = paths
	}
	if hosts != nil {
		b.Hosts = hosts
	}
	if places != nil {
		b.Places = places
	}
	l.Bindings = map[string]Binding{words[3]: b}
}

func TestCheckMethodAndPath(t *testing.T) {
	list := &List{Rules: rules(t, "a.test", "b.test"), Bindings: map[string]Binding{
		"METHOD": {Methods: []string{"GET", "POST"}},
		"PATH":   {Paths: []string{"/v1/charges", "/v2/*"}},
		"ALL":    {Hosts: rules(t, "a.test"), Methods: []string{"GET"}, Paths: []string{"/v1/*"}, Places: []string{"header"}},
	}}
	for _, c := range []struct{ name, host, method, path, place, want string }{
		{"FREE", "a.test", "DELETE", "//..", "header:a", ""},
		{"METHOD", "a.test", "GET", "/", "header:a", ""},
		{"METHOD", "a.test", "get", "/", "header:a", reasonMethod},
		{"METHOD", "a.test", "", "/", "header:a", reasonMethod},
		{"METHOD", "a.test", "PATCH", "/", "path", reasonMethod},
		{"PATH", "a.test", "GET", "/v1/charges", "header:a", ""},
		{"PATH", "a.test", "PUT", "/v2/a/b", "header:a", ""},
		{"PATH", "a.test", "GET", "/v1/charges/x", "header:a", reasonBinding},
		{"PATH", "a.test", "GET", "/v2/../v1", "header:a", reasonBinding},
		{"PATH", "a.test", "GET", "", "header:a", reasonBinding},
		{"ALL", "a.test", "GET", "/v1/x", "header:a", ""},
		{"ALL", "b.test", "PUT", "/", "query:a", reasonBinding},
		{"ALL", "a.test", "PUT", "/", "query:a", reasonMethod},
		{"ALL", "a.test", "GET", "/", "query:a", reasonBinding},
		{"ALL", "a.test", "GET", "/v1/x", "query:a", reasonPlace},
	} {
		use := Use{Name: c.name, Host: c.host, Port: 443, Method: c.method, Path: c.path, Place: c.place}
		reason := ""
		var d *DeniedError
		if err := list.Check(use); errors.As(err, &d) {
			reason = d.Reason
			if d.Method != c.method || d.Path != c.path || !strings.Contains(d.Error(), c.name) || !strings.Contains(d.Hint(), "agentsecrets secrets ") {
				t.Errorf("%+v: denied as %+v: %v, %s", use, d, d, d.Hint())
			}
		}
		if reason != c.want {
			t.Errorf("%+v: %q, want %q", use, reason, c.want)
		}
	}
}

// What no command could allow gets none that pretends to.
func TestHintWithoutWay(t *testing.T) {
	list := &List{Rules: rules(t, "a.test"), Bindings: map[string]Binding{"K": {Methods: []string{"GET"}, Paths: []string{"/*"}}}}
	for _, u := range []Use{{Method: "GET", Path: "/a/../b"}, {Method: "GET", Path: "//b"}, {Method: "get", Path: "/"}, {Method: "TRACE", Path: "/"}, {Method: "A B", Path: "/"}} {
		u.Name, u.Host, u.Port, u.Place = "K", "a.test", 443, "header:a"
		var d *DeniedError
		if !errors.As(list.Check(u), &d) || d.Hint() != "agentsecrets secrets list" {
			t.Errorf("%+v: %v, %s", u, d, d.Hint())
		}
	}
}

func TestAsksFor(t *testing.T) {
	for _, c := range []struct {
		b      Binding
		actual string
		want   bool
	}{
		{Binding{}, "body:a", false}, {Binding{Places: []string{"body"}}, "body:a", true}, {Binding{Places: []string{"header"}}, "body:a", false},
		{Binding{Places: []string{"body"}}, "text", false}, {Binding{Places: []string{"body:any"}}, "text", true},
	} {
		if got := c.b.AsksFor(c.actual); got != c.want {
			t.Errorf("%v asks for %s: %v", c.b.Places, c.actual, got)
		}
	}
}

// What the wire says is quoted in errors and hints without moving anybody's cursor.
func TestDeniedIsPrintable(t *testing.T) {
	list := &List{Rules: rules(t, "a.test"), Bindings: map[string]Binding{"M": {Methods: []string{"GET"}}, "P": {Paths: []string{"/x"}}}}
	for _, u := range []Use{
		{Name: "K", Host: "a\x1b[2J\n.test", Port: 443, Place: "header:a"},
		{Name: "K\x1b", Host: "a.test", Port: 443, Place: "path\r\n\u202e"},
		{Name: "M", Host: "a.test", Port: 443, Method: "GET\x1b\u202e", Place: "header:a"},
		{Name: "P", Host: "a.test", Port: 443, Path: "/\x1b\u202e", Place: "header:a"},
		{Name: "P", Host: "a.test", Port: 443, Path: "/\u202eé", Place: "header:a"},
	} {
		var d *DeniedError
		if !errors.As(list.Check(u), &d) {
			t.Fatalf("%+v is allowed", u)
		}
		if text := d.Error() + d.Hint(); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", text)
		}
	}
}

func TestNarrows(t *testing.T) {
	b := func(hosts string, places ...string) Binding {
		return Binding{Hosts: rules(t, strings.Fields(hosts)...), Places: places}
	}
	for _, c := range []struct {
		now, old Binding
		want     bool
	}{
		{b(""), b(""), true},
		{b("a.test"), b(""), true},
		{b(""), b("a.test"), false},
		{b("a.test"), b("a.test"), true},
		{b("a.test"), b("a.test b.test"), true},
		{b("a.test b.test"), b("a.test"), false},
		{b("a.test:8443"), b("a.test"), false},
		{b("a.test:443"), b("a.test"), true},
		{b("x.a.test"), b("*.a.test"), true},
		{b("a.test"), b("*.a.test"), false},
		{b("x.y.a.test"), b("*.a.test"), false},
		{b("x.a.test:8443"), b("*.a.test"), false},
		{b("*.a.test"), b("*.a.test"), true},
		{b("*.a.test"), b("a.test x.a.test"), false},
		{b("*.x.a.test"), b("*.a.test"), false},
		{b("s3.amazonaws.com"), b("*.amazonaws.com"), false}, // not reached by the wildcard
		{b("", "header"), b(""), true},
		{b("", "header:x"), b(""), true},
		{b("", "path"), b(""), false},
		{b("", "body"), b(""), false}, // a prompt was text before
		{b("", "header", "form:key"), b(""), false},
		{b("", "header", "path"), b(""), false},
		{b(""), b("", "header"), false},
		{b("", "header:x"), b("", "header"), true},
		{b("", "header"), b("", "header:x"), false},
		{b("", "header:x"), b("", "header:x"), true},
		{b("", "header:xy"), b("", "header:x"), false},
		{b("", "header", "query", "basic", "body", "form"), b(""), false}, // a body that is named is no text anywhere,
		{b(""), b("", "header", "query", "basic", "body", "form"), true},
		{b("a.test", "path"), b("", "path"), true},
		{b("", "header"), b("a.test", "header"), false},
		{b("", "cookie:s"), b(""), true},
		{b("", "cookie"), b("", "header"), true},
		{b("", "body:a.b"), b("", "body"), true},
		{b("", "body:a.b"), b("", "body:a.*"), true},
		{b("", "body:a.*"), b("", "body:a.b"), false},
		{b("", "body:any"), b(""), false},
		{b("", "body:any"), b("", "body", "form"), false},
		{b("", "form:x"), b("", "body:any"), true},
		{Binding{Methods: []string{"GET"}}, Binding{}, true},
		{Binding{}, Binding{Methods: []string{"GET"}}, false},
		{Binding{Methods: []string{"GET"}}, Binding{Methods: []string{"POST", "GET"}}, true},
		{Binding{Methods: []string{"POST", "GET"}}, Binding{Methods: []string{"GET"}}, false},
		{Binding{Paths: []string{"/v1"}}, Binding{}, true},
		{Binding{}, Binding{Paths: []string{"/*"}}, false},
		{Binding{Paths: []string{"/v1/a"}}, Binding{Paths: []string{"/x", "/v1/*"}}, true},
		{Binding{Paths: []string{"/v1/a", "/y"}}, Binding{Paths: []string{"/x", "/v1/*"}}, false},
		{Binding{NoEnv: true}, Binding{}, true},
		{Binding{}, Binding{NoEnv: true}, false},
		{Binding{NoEnv: true}, Binding{NoEnv: true}, true},
	} {
		if got := c.now.Narrows(c.old); got != c.want {
			t.Errorf("%v narrows %v: %v", c.now, c.old, got)
		}
	}
}
