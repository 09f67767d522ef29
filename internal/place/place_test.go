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
		{Cookie, "Session", "cookie:Session"},
		{Cookie, "", "cookie"},
		{Body, "any", "body:any"},
		{Text, "x", "text"},
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
		"cookie":               "cookie",
		"cookie:Session":       "cookie:Session", // names of cookies do not ignore case
		"header:Cookie":        "header:cookie",
		"body:any":             "body:any",
		"body:a.b":             "body:a.b",
		"body:messages.*.text": "body:messages.*.text",
		"body:*":               "body:*",
		`body:a\.b.c\\`:        `body:a\.b.c\\`,
		"body:a b:c":           "body:a b:c",
	} {
		if got, err := Parse(in); got != want || err != nil {
			t.Errorf("Parse(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", ":", "Header", "headers", "header:", "header:a b", "header:a:b", "header:é", "query:", "form:",
		"path:", "path:x", "basic:user", "body:", " path", "text", "text:x", "cookie:", "cookie:a b", "cookie:a=b", "cookies",
		"body:.", "body:a.", "body:.a", "body:a..b", `body:a\`, `body:a\b`, `body:a\\\`, "body:…", "body:a.…",
	} {
		got, err := Parse(in)
		if got != "" || err == nil {
			t.Errorf("Parse(%q) = %q, want an error", in, got)
			continue
		}
		for _, kind := range []string{Header, Cookie, Query, Path, Basic, Body, Form, Any} {
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
		{"header", "cookie:x", true},
		{"header", "cookie", true},
		{"header:cookie", "cookie:x", true},
		{"header:cookie", "cookie", true},
		{"header:x", "cookie:x", false},
		{"cookie", "cookie:x", true},
		{"cookie", "cookie", true},
		{"cookie", "header:cookie", true},
		{"cookie", "header:x", false},
		{"cookie:x", "cookie:x", true},
		{"cookie:x", "cookie:X", false},
		{"cookie:x", "cookie", false},
		{"cookie:x", "header:cookie", false},
		{"body:a.b", "body:a.b", true},
		{"body:a.b", "body:a.b.c", false},
		{"body:a.*", "body:a.b", true},
		{"body:a.*", "body:a.0", true},
		{"body:a.*", "body:a", false},
		{"body:a.*", "body:a.b.c", false},
		{"body:a.*", "body:a.…", false}, // any number of names
		{"body:a.*.c", "body:a.….c", false},
		{"body:*", "body:a", true},
		{"body:*", "body", false},
		{"body:*.b", "body:a.b", true},
		{"body:*.b", "body:a.c", false},
		{"body:a*", "body:ab", false},
		{"body:a.b", `body:a\.b`, false},
		{`body:a\.b`, `body:a\.b`, true},
		{"body:*", `body:a\.b`, true},
		{`body:*.b`, `body:a\\.b`, true},
		{"form:*", "form:a", false},
		{"body", "body:any", true}, // the member any of an object
		{"body", "text", false},
		{"body:any", "text", true},
		{"body:any", "body", true},
		{"body:any", "body:a.b", true},
		{"body:any", "form:a", true},
		{"body:any", "form", true},
		{"body:any", "header:a", false},
		{"body:any", "path", false},
		{"text", "text", false},
		{"form", "text", false},
	} {
		if got := Match(c.pattern, c.actual); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.actual, got)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		wide, narrow string
		want         bool
	}{
		{"header", "header", true},
		{"header", "header:x", true},
		{"header", "cookie", true},
		{"header", "cookie:x", true},
		{"header", "header:cookie", true},
		{"cookie", "header:cookie", true},
		{"header:cookie", "cookie", true},
		{"cookie", "header", false},
		{"cookie:x", "cookie", false},
		{"header:x", "header", false},
		{"body", "body:a.*", true},
		{"body", "body:any", false},
		{"body:*", "body:any", false},
		{"body:*", "body:a", true},
		{"body:*", "body", false},
		{"body:a", "body:*", false},
		{"body:a.*", "body:a.*", true},
		{"body:*.*", "body:a.*", true},
		{"body:*.b", "body:a.*", false},
		{"body:any", "body:any", true},
		{"body:any", "body", true},
		{"body:any", "body:*", true},
		{"body:any", "form:x", true},
		{"body:any", "form", true},
		{"body:any", "header", false},
		{"", "", false},
	} {
		if got := Covers(c.wide, c.narrow); got != c.want {
			t.Errorf("Covers(%q, %q) = %v", c.wide, c.narrow, got)
		}
	}
}

func TestDefaults(t *testing.T) {
	for _, p := range Defaults() {
		if got, err := Parse(p); got != p || err != nil {
			t.Errorf("%q: %q, %v", p, got, err)
		}
		for _, never := range []string{"path", "text"} {
			if Match(p, never) {
				t.Errorf("%s is in %s", never, p)
			}
		}
	}
	Defaults()[0] = "path"
	if Defaults()[0] != Header {
		t.Error("the defaults can be changed")
	}
}

// FuzzCovers takes Covers at its word.
func FuzzCovers(f *testing.F) {
	for _, s := range []string{"header", "cookie:x", "header:cookie", "body:*.b", "body:any", "form:x", "text", "body"} {
		for _, o := range []string{"header", "body", "body:a.*", "body:any", "cookie"} {
			f.Add(o, s, s)
			f.Add(s, o, "body:a.b")
			f.Add(s, o, "text")
		}
	}
	f.Fuzz(func(t *testing.T, wide, narrow, actual string) {
		wide, err1 := Parse(wide)
		narrow, err2 := Parse(narrow)
		if err1 == nil && err2 == nil && Covers(wide, narrow) && Match(narrow, actual) && !Match(wide, actual) {
			t.Errorf("%q covers %q but not %q", wide, narrow, actual)
		}
	})
}

// A place where something stood, where it can be written as a pattern, is a
// pattern that matches it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"header:X", "query:a=b", "path", "form:\x1b[0m", "body:x", "header:a:b", "body:a.*", "body:any", "cookie:x"} {
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
