package allowlist

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/*": "/*", "/v1/charges": "/v1/charges", "/v1/charges/": "/v1/charges/", "/v1/*": "/v1/*", "/v1/*/x": "/v1/*/x",
		"/bot*/send*Message": "/bot*/send*Message", "/%63harges": "/charges", "/a b": "/a%20b", "/a%20b": "/a%20b", "/%2A": "/%2A", "/é": "/%C3%A9",
		"/a:b@c": "/a:b@c", "/a..b/...": "/a..b/...", "/a;b": "/a%3Bb", "/%7Euser": "/~user",
	} {
		got, err := ParsePath(in)
		if got != want || err != nil {
			t.Errorf("ParsePath(%q) = %q, %v, want %q", in, got, err, want)
		}
		if again, err := ParsePath(got); again != got || err != nil {
			t.Errorf("ParsePath(%q) = %q, %v", got, again, err)
		}
	}
	for _, in := range []string{
		"", "v1", "*", "https://a.test/v1", "//", "/v1//x", "/./a", "/a/..", "/%2e%2E/a", "/.;x/a", "/;/a", "/a%2Fb", "/a%5cb", `/a\b`,
		"/a%252Fb", "/a%zz", "/a%", "/v1/**", "/a**b", "/a?b=c", "/a#b", "/a%3Fb", "/a\x00", "/a%0Ab", "/%ff", "/\xff", "/%c0%af",
	} {
		if got, err := ParsePath(in); err == nil || got != "" {
			t.Errorf("ParsePath(%q) = %q", in, got)
		}
	}
}

func TestParseMethod(t *testing.T) {
	for in, want := range map[string]string{"GET": "GET", "post": "POST", "M-SEARCH": "M-SEARCH"} {
		if got, err := ParseMethod(in); got != want || err != nil {
			t.Errorf("ParseMethod(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "GET POST", "GET,POST", "*", "A*", "G_T", "trace", "TRACK", "Connect", "GÉT"} {
		if got, err := ParseMethod(in); err == nil || got != "" {
			t.Errorf("ParseMethod(%q) = %q", in, got)
		}
	}
}

func TestMatchPath(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/v1/charges", "/v1/charges", true},
		{"/v1/charges", "/v1/%63harges", true},
		{"/v1/charges", "/v1/charges/", false},
		{"/v1/charges", "/v1/Charges", false},
		{"/v1/charges", "/v1", false},
		{"/v1/charges/", "/v1/charges/", true},
		{"/", "/", true},
		{"/", "", false},
		{"/*", "/", true},
		{"/*", "/a/b/c", true},
		{"/*", "", false},
		{"/*", "*", false}, // OPTIONS *
		{"/*", "a", false},
		{"/v1/*", "/v1/a", true},
		{"/v1/*", "/v1/a/b", true},
		{"/v1/*", "/v1/", true},
		{"/v1/*", "/v1", false},
		{"/v1/*", "/v10/a", false},
		{"/v1/*", "/v2/a", false},
		{"/v1/a*", "/v1/abc", true},
		{"/v1/a*", "/v1/a", true},
		{"/v1/a*", "/v1/a/b", false},
		{"/v1/*/x", "/v1/a/x", true},
		{"/v1/*/x", "/v1/a/b/x", false},
		{"/v1/*/x", "/v1//x", false},
		{"/v1/a*b*c", "/v1/a-b-c", true},
		{"/v1/a*b*c", "/v1/abc", true},
		{"/v1/a*b*c", "/v1/acb", false},
		{"/v1/ab*bc", "/v1/abc", false},
		{"/bot*/sendMessage", "/botAS_SECRET_TG/sendMessage", true},
		{"/%2A", "/*", true},
		{"/%2A", "/a", false},
		{"/a%20b", "/a%20b", true},

		// Servers differ in what these mean.
		{"/v1/*", "/v1/../admin", false},
		{"/v1/*", "/v1/a/../../admin", false},
		{"/v1/*", "/v1/%2e%2e/admin", false},
		{"/v1/*", "/v1/.%2E/admin", false},
		{"/v1/*", "/v1/./a", false},
		{"/v1/*", "/v1/.", false},
		{"/v1/*", "/v1/..", false},
		{"/v1/*", "/v1/..;/admin", false},
		{"/v1/*", "/v1/..;a=b/admin", false},
		{"/v1/*", "/v1/..%3B/admin", false},
		{"/v1/*", "/v1/;/admin", false},
		{"/v1/*", "/v1/..%2Fadmin", false},
		{"/v1/*", "/v1/..%5cadmin", false},
		{"/v1/*", `/v1/..\admin`, false},
		{"/v1/*", "/v1/%252e%252e/admin", false},
		{"/v1/*", "/v1/a%2500", false},
		{"/v1/*", "/v1/a%2Fb", false},
		{"/v1/*", "/v1//a", false},
		{"/v1/*", "//v1/a", false},
		{"/v1/*", "/v1/a//", false},
		{"/v1/*", "/v1/a?b", false},
		{"/v1/*", "/v1/a%3Fb", false},
		{"/v1/*", "/v1/a#b", false},
		{"/v1/*", "/v1/a%00b", false},
		{"/v1/*", "/v1/a%0d%0ab", false},
		{"/v1/*", "/v1/a%zz", false},
		{"/v1/*", "/v1/%c0%ae%c0%ae/admin", false},
		{"/v1/*", "/v1/a\xff", false},
		{"/v1/*", "/v1/a;b/c", true},
		{"/v1/*", "/v1/...", true},
		{"/v1/*", "/v1/a%20b%C3%A9", true},
		{"/v1/*", "/v1/*", true},
	} {
		if got := matchPath(c.pattern, c.path); got != c.want {
			t.Errorf("matchPath(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}

// naivePath is a pattern as a regular expression.
func naivePath(pattern string) *regexp.Regexp {
	text := regexp.QuoteMeta(pattern)
	if rest, ok := strings.CutSuffix(text, `/\*`); ok {
		text = rest + `/\*\*`
	}
	text = strings.ReplaceAll(text, `\*\*`, `\x00`)
	text = strings.ReplaceAll(text, `\*`, `[^/]*`)
	text = strings.ReplaceAll(text, `\x00`, `.*`)
	return regexp.MustCompile(`(?s)^` + text + `$`)
}

// A path that a pattern matches is clean, stays what it is when it is decoded and
// cleaned, and matches a naive version of the pattern.
func FuzzMatchPath(f *testing.F) {
	for _, pattern := range []string{"/v1/*", "/*", "/v1/a*b", "/*/x", "/v1/%2A"} {
		for _, p := range []string{"/v1/a", "/v1/../x", "/v1//a", "/v1/%2e%2E/a", "/v1/a%2fb", "/v1/..;/a", "/v1/a*b", "/%76%31/", "/x/x"} {
			f.Add(pattern, p)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, p string) {
		pattern, err := ParsePath(pattern)
		if err != nil {
			return
		}
		got := matchPath(pattern, p)
		decoded, err := url.PathUnescape(p)
		clean := err == nil && strings.HasPrefix(decoded, "/") && !strings.ContainsAny(decoded, `\%?#`) &&
			strings.Count(decoded, "/") == strings.Count(p, "/") && strings.TrimSuffix(decoded, "/") == strings.TrimSuffix(path.Clean(decoded), "/")
		if got && !clean {
			t.Errorf("%q matches %q", pattern, p)
		}
		if exact := patternOf(p); exact != "" && (!matchPath(exact, p) || got && !coversPath(pattern, exact)) {
			t.Errorf("%q is the pattern of %q, which %q matches: %v", exact, p, pattern, got)
		}
		if strings.ContainsAny(p, ";%") || strings.Contains(pattern, "%") || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			return
		}
		if want := clean && naivePath(pattern).MatchString(p); got != want {
			t.Errorf("%q matches %q: %v", pattern, p, got)
		}
	})
}

func TestCoversPath(t *testing.T) {
	for _, c := range []struct {
		wide, narrow string
		want         bool
	}{
		{"/*", "/*", true}, {"/*", "/v1/*", true}, {"/v1/*", "/*", false}, {"/v1/*", "/v1", false}, {"/v1/*", "/v1/", true},
		{"/v1/*", "/v1/a/*", true}, {"/v1/*/*", "/v1/*", false}, {"/v1/*", "/v1/*/x", true}, {"/*/x", "/v1/x", true}, {"/*/x", "/v1*/x", true},
		{"/*/x", "/v1/*", false}, {"/v1/a*", "/v1/ab", true}, {"/v1/a*", "/v1/*", false}, {"/v1/a*", "/v1/ab*", false}, // not known to
		{"/v1/a*", "/v1/a*", true}, {"/v1", "/v1", true}, {"/v1", "/v2", false}, {"/v1/a*", "/v1/%61b", true}, {"/v1/a*", "/v1/a%2A", true},
	} {
		if got := coversPath(c.wide, c.narrow); got != c.want {
			t.Errorf("coversPath(%q, %q) = %v", c.wide, c.narrow, got)
		}
	}
}

// FuzzCoversPath takes coversPath at its word.
func FuzzCoversPath(f *testing.F) {
	patterns := []string{"/*", "/v1/*", "/v1/*/x", "/v1/a*", "/v1/", "/*/*", "/v1/%2A"}
	for _, a := range patterns {
		for _, b := range patterns {
			f.Add(a, b, "/v1/a/x")
			f.Add(a, b, "/v1/*")
			f.Add(a, b, "/v1/")
		}
	}
	f.Fuzz(func(t *testing.T, wide, narrow, p string) {
		wide, err1 := ParsePath(wide)
		narrow, err2 := ParsePath(narrow)
		if err1 == nil && err2 == nil && coversPath(wide, narrow) && matchPath(narrow, p) && !matchPath(wide, p) {
			t.Errorf("%q covers %q but not %q", wide, narrow, p)
		}
	})
}
