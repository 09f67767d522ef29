package allowlist

import (
	"slices"
	"testing"
)

func TestDeciding(t *testing.T) {
	l := &List{
		Rules: []Rule{mustRule(t, "api.acme.test"), mustRule(t, "*.acme.test"), mustRule(t, "other.test")},
		Bindings: map[string]Binding{
			"A": {Hosts: []Rule{mustRule(t, "api.acme.test")}, Places: []string{"header:x-key", "path"}, Methods: []string{"GET"}, Paths: []string{"/v1/*"}, NoEnv: true},
			"B": {},
		},
	}
	for _, test := range []struct {
		use  Use
		want []string
	}{
		{Use{Name: "A", Host: "API.acme.test.", Port: 443}, []string{"api.acme.test", "*.acme.test",
			"A bound to --host api.acme.test --in header:x-key --in path --method GET --path '/v1/*' --no-env"}},
		{Use{Name: "B", Host: "x.acme.test", Port: 443}, []string{"*.acme.test"}},
		{Use{Name: "C", Host: "api.acme.test", Port: 8443}, nil},
		{Use{Name: "A", Host: "a b", Port: 443}, []string{"A bound to --host api.acme.test --in header:x-key --in path --method GET --path '/v1/*' --no-env"}},
	} {
		if got := l.Deciding(test.use); !slices.Equal(got, test.want) {
			t.Errorf("%+v:\ngot  %q\nwant %q", test.use, got, test.want)
		}
	}
	if got := (*List)(nil).Deciding(Use{}); got != nil {
		t.Errorf("no list decides by %q", got)
	}
	want := "agentsecrets secrets bind A --in header:x-key --in path --in body:a"
	if got := l.PlaceHint(Use{Name: "A", Host: "api.acme.test", Port: 443, Place: "body:a"}); got != want {
		t.Errorf("hint %q, want %q", got, want)
	}
}

func mustRule(t *testing.T, text string) Rule {
	t.Helper()
	r, err := ParseRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
