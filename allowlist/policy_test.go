package allowlist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, path string) *Policy {
	t.Helper()
	p, err := LoadPolicy(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	p := load(t, path)
	if p.Version != 1 || len(p.Rules) != 0 || p.Password != "" {
		t.Errorf("%+v", p)
	}
	var d *DeniedError
	if err := p.List("prj_1").Check(Use{Name: "K", Host: "a.test", Port: 443, Place: "header:a"}); !errors.As(err, &d) || d.Reason != reasonEmpty {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("loading made a file")
	}
}

func TestPolicyRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "policy.json")
	want := Policy{Version: 3, Password: "$argon2id$…", Bindings: map[string]map[string]Binding{
		"prj_1": {"K": {Hosts: rules(t, "a.test:9443", "*.example.com"), Places: []string{"header:x-api-key", "path"}}, "FREE": {},
			"ALL": {Places: []string{"body:a.*", "body:any", "cookie:s"}, Methods: []string{"GET", "POST"}, Paths: []string{"/v1/*", "/a%20b"}, NoEnv: true}},
	}}
	want.Rules = rules(t, "a.test:9443", "*.example.com", "[::1]:8443", "bücher.example")
	want.Rules[0].AddedBy, want.Rules[0].AddedAt = "ann", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	err := UpdatePolicy(path, func(p *Policy) error {
		p.Rules, p.Bindings, p.Password = want.Rules, want.Bindings, want.Password
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := load(t, path)
	if !got.Sealed() {
		t.Error("it has no seal")
	}
	got.rest, got.seal = nil, nil
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v\nwant %+v", *got, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	list := got.List("prj_1")
	if err := list.Check(Use{Name: "K", Host: "a.test", Port: 9443, Place: "path"}); err != nil {
		t.Error(err)
	}
	if err := got.List("prj_2").Check(Use{Name: "K", Host: "a.test", Port: 9443, Place: "path"}); err == nil {
		t.Error("another project has the binding")
	}
}

// A later program may write more. What it wrote at the top is kept.
func TestPolicyKeepsUnknownFields(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	save(t, path, `{"version":1,"later":{"x":[1,2.50,"ü"]},"mac":"abc","rules":[{"rule":"a.test"}]}`)
	add := func(p *Policy) error {
		p.Rules = append(p.Rules, rules(t, "b.test")...)
		return nil
	}
	if err := UpdatePolicy(path, add); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(b)), "")
	for _, want := range []string{`"later":{"x":[1,2.50,"ü"]}`, `"mac":"abc"`, `"a.test"`, `"b.test"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is gone from %s", want, text)
		}
	}
}

func TestPolicyCorrupt(t *testing.T) {
	for _, text := range []string{
		"", " ", "null", "[]", "{", `{"version":1`, `{"version":1}}`, `{"version":1} x`, "\x00", "{}",
		`{"version":0}`, `{"version":-1}`, `{"version":"1"}`, `{"version":null}`, `{"version":1.5}`, `{"version":7}`, `{"version":99,"rules":[]}`,
		`{"version":1,"rules":null}`, `{"version":1,"rules":{}}`, `{"version":1,"rules":[null]}`, `{"version":1,"rules":["a.test"]}`,
		`{"version":1,"rules":[{}]}`, `{"version":1,"rules":[{"rule":"*"}]}`, `{"version":1,"rules":[{"rule":"*.github.io"}]}`,
		`{"version":1,"rules":[{"rule":"a.test","methods":["GET"]}]}`, `{"version":1,"rules":[{"rule":"a.test","added_at":"x"}]}`,
		`{"version":4,"rules":[{"rule":"GET a.test","places":null}]}`, `{"version":4,"rules":[{"rule":"GET a.test","places":[]}]}`, `{"version":4,"rules":[{"rule":"a.test","places":["nowhere"]}]}`,
		`{"version":4,"rules":[{"rule":"TRACE a.test"}]}`, `{"version":4,"rules":[{"rule":"a.test/../b"}]}`, `{"version":1,"bindings":{"p":{"K":{"hosts":["GET a.test"]}}}}`, `{"version":1,"bindings":{"p":{"K":{"hosts":["a.test/v1"]}}}}`,
		`{"version":1,"bindings":null}`, `{"version":1,"bindings":[]}`, `{"version":1,"bindings":{"p":null}}`, `{"version":1,"bindings":{"p":{"K":null}}}`,
		`{"version":1,"bindings":{"p":{"K":{"hosts":null}}}}`, `{"version":1,"bindings":{"p":{"K":{"hosts":[]}}}}`, `{"version":1,"bindings":{"p":{"K":{"hosts":[""]}}}}`,
		`{"version":1,"bindings":{"p":{"K":{"hosts":"a.test"}}}}`, `{"version":1,"bindings":{"p":{"K":{"places":[]}}}}`, `{"version":1,"bindings":{"p":{"K":{"places":["nowhere"]}}}}`,
		`{"version":1,"bindings":{"p":{"K":{"Hosts":["a.test"]}}}}`, `{"version":1,"bindings":{"p":{"K":{"verbs":["GET"]}}}}`,
		`{"version":1,"bindings":{"p":{"K":{"methods":[]}}}}`, `{"version":1,"bindings":{"p":{"K":{"methods":["TRACE"]}}}}`, `{"version":1,"bindings":{"p":{"K":{"methods":"GET"}}}}`,
		`{"version":1,"bindings":{"p":{"K":{"paths":[]}}}}`, `{"version":1,"bindings":{"p":{"K":{"paths":["v1"]}}}}`, `{"version":1,"bindings":{"p":{"K":{"paths":["/a/../b"]}}}}`,
		`{"version":1,"bindings":{"p":{"K":{"paths":null}}}}`, `{"version":1,"bindings":{"p":{"K":{"no_env":null}}}}`, `{"version":1,"bindings":{"p":{"K":{"no_env":"yes"}}}}`,
		`{"version":1,"password":null}`, `{"version":1,"password":1}`,
		`{"version":3,"seal":null}`, `{"version":3,"seal":"x"}`, `{"version":3,"seal":{"count":-1,"mac":""}}`, `{"version":3,"seal":{"count":1,"mac":"","more":1}}`,
	} {
		path := filepath.Join(t.TempDir(), "policy.json")
		save(t, path, text)
		p, err := LoadPolicy(path)
		var bad *CorruptError
		if !errors.As(err, &bad) || bad.Path != path || bad.Hint() == "" {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
		called := false
		if err := UpdatePolicy(path, func(*Policy) error { called = true; return nil }); !errors.As(err, &bad) || called {
			t.Errorf("%q: update: %v, called %v", text, err, called)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q: overwritten by %q", text, b)
		}
		if newer := strings.Contains(text, `:7}`) || strings.Contains(text, ":99"); newer != strings.Contains(bad.Hint(), "update agentsecrets") {
			t.Errorf("%q: hint %q", text, bad.Hint())
		}
	}
}

// The hint can be pasted, whatever the path has in it.
func TestPolicyCorruptHintNamesThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Größe und Maß.json")
	save(t, path, "{")
	_, err := LoadPolicy(path)
	var bad *CorruptError
	if !errors.As(err, &bad) || !strings.Contains(bad.Hint(), "mv -n '"+path+"' '"+path+".damaged'") {
		t.Errorf("%v", err)
	}
}

func TestPolicyOpenToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	save(t, path, `{"version":1}`)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPolicy(path); err == nil {
		t.Error("a policy that anybody can write is taken")
	}
}

func TestUpdatePolicyFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	const text = `{"version":1,"rules":[{"rule":"a.test"}]}`
	save(t, path, text)
	refused := errors.New("no")
	for name, change := range map[string]func(*Policy) error{
		"change fails":  func(p *Policy) error { p.Rules = nil; return refused },
		"bad rule":      func(p *Policy) error { p.Rules = []Rule{{Host: "github.io", Wildcard: true}}; return nil },
		"no host":       func(p *Policy) error { p.Rules = []Rule{{}}; return nil },
		"bad port":      func(p *Policy) error { p.Rules = []Rule{{Host: "a.test", Port: 70000}}; return nil },
		"bad place":     func(p *Policy) error { p.Bindings = bound(Binding{Places: []string{"x"}}); return nil },
		"bad host":      func(p *Policy) error { p.Bindings = bound(Binding{Hosts: []Rule{{Host: "A B"}}}); return nil },
		"bad method":    func(p *Policy) error { p.Bindings = bound(Binding{Methods: []string{"GET POST"}}); return nil },
		"bad path":      func(p *Policy) error { p.Bindings = bound(Binding{Paths: []string{"/a//b"}}); return nil },
		"empty pattern": func(p *Policy) error { p.Bindings = bound(Binding{Places: []string{""}}); return nil },
	} {
		err := UpdatePolicy(path, change)
		if err == nil || name == "change fails" && !errors.Is(err, refused) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%s: the file is now %q, %v", name, b, err)
		}
	}
}

func bound(b Binding) map[string]map[string]Binding {
	return map[string]map[string]Binding{"p": {"K": b}}
}

func TestUpdatePolicyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json")
	const n = 24
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = UpdatePolicy(path, func(p *Policy) error {
				p.Rules = append(p.Rules, Rule{Host: fmt.Sprintf("h%d.test", i)})
				return nil
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := load(t, path).Rules; len(got) != n {
		t.Errorf("%d of %d rules", len(got), n)
	}
}

// What is read back must mean what was there, or be refused.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte(`{"version":1,"later":1,"rules":[{"rule":"a.test:1","added_by":"x"}],"bindings":{"p":{"K":{"hosts":["*.b.test"],"places":["header:X"]}}},"password":"x"}`))
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":1,"bindings":{"p":{"K":{"methods":["get"],"paths":["/%61/*","/v1/b*c"],"no_env":true},"L":{"no_env":false}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePolicy(data)
		if err != nil {
			return
		}
		out, err := encodePolicy(p, func([]byte) seal { return seal{} })
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		again, err := decodePolicy(out)
		if err != nil || fmt.Sprint(again.Rules, again.Bindings, again.Password) != fmt.Sprint(p.Rules, p.Bindings, p.Password) || len(again.rest) != len(p.rest) {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
	})
}
