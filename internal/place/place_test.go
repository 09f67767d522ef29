package place

import (
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for _, c := range []struct{ kind, field, want string }{
		{Header, "X-Api-Key", "header:x-api-key"},
		{Header, "", "header"},
		{Query, "Key", "query:Key"},
		{Path, "", "path"},
		{Path, "3", "path"},
		{Basic, "user", "basic"},
		{Body, "a.b.0", "body:a.b.0"},
		{Body, "", "body"},
		{Form, "a:b", "form:a:b"},
	} {
		if got := Of(c.kind, c.field); got != c.want {
			t.Errorf("Of(%q, %q) = %q, want %q", c.kind, c.field, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"header":               "header",
		"header:Authorization": "header:authorization",
		"query":                "query",
		"query:Key":            "query:Key",
		"query:a:b":            "query:a:b",
		"path":                 "path",
		"basic":                "basic",
		"body":                 "body",
		"form":                 "form",
		"form:f":               "form:f",
	} {
		if got, err := Parse(in); got != want || err != nil {
			t.Errorf("Parse(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", ":", "Header", "headers", "header:", "header:a b", "header:a:b", "header:é", "query:", "form:",
		"path:", "path:x", "basic:user", "body:", "body:a.b", "body:any", " path",
	} {
		got, err := Parse(in)
		if got != "" || err == nil {
			t.Errorf("Parse(%q) = %q, want an error", in, got)
			continue
		}
		for _, kind := range []string{Header, Query, Path, Basic, Body, Form} {
			if !strings.Contains(err.Error(), kind) {
				t.Errorf("Parse(%q): %v does not name %s", in, err, kind)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, actual string
		want            bool
	}{
		{"header", "header:x-api-key", true},
		{"header", "header", true},
		{"header:x", "header:x", true},
		{"header:x", "header:x-api-key", false},
		{"header:x", "header", false},
		{"header:x", "header:x:y", false},
		{"body", "body:messages.0.content", true},
		{"body", "body", true},
		{"body:a", "body:a.b", false},
		{"form", "body:f", false},
		{"path", "path", true},
		{"basic", "header:authorization", false},
		{"head", "header:x", false},
		{"", "", false},
		{"", "header", false},
		{"", ":x", false},
	} {
		if got := Match(c.pattern, c.actual); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.actual, got)
		}
	}
}

// A place where something stood, where it can be written as a pattern, is a
// pattern that matches it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"header:X", "query:a=b", "path", "form:\x1b[0m", "body:x", "header:a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err != nil {
			return
		}
		kind, field, _ := strings.Cut(s, ":")
		if !Match(p, Of(kind, field)) || !Match(kind, p) {
			t.Errorf("%q is not matched by %q", s, p)
		}
		if again, err := Parse(p); again != p || err != nil {
			t.Errorf("Parse(%q) = %q, %v", p, again, err)
		}
	})
}
