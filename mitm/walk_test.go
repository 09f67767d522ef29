package mitm

import (
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/place"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// FuzzWalk: who changes nothing gets back what was there, and each text that is
// shown stands in it, in its order.
func FuzzWalk(f *testing.F) {
	for _, line := range []string{"a=1; b=AS_SECRET_K;c", `a="x; sid=AS_SECRET_K"`, ";;=;", "Basic dXNlcjpBU19TRUNSRVRfS0VZ", "basic  !", "", "=", "a==b=c"} {
		for _, field := range []string{"Cookie", "Authorization", "X-Forwarded-For", "X-Key"} {
			f.Add(field, line)
		}
	}
	f.Fuzz(func(t *testing.T, field, line string) {
		rest := line
		got, err := walkField(http.CanonicalHeaderKey(field), line, func(s slot, text string) (string, error) {
			if s.place == "" || !s.text && s.escape == nil {
				t.Errorf("%q: %+v", line, s)
			}
			if kindOf(s.place) != place.Basic {
				_, after, ok := strings.Cut(rest, text)
				if !ok {
					t.Errorf("%q is shown %q", line, text)
				}
				rest = after
			}
			return text, nil
		})
		if err != nil || got != line {
			t.Errorf("%q became %q, %v", line, got, err)
		}
		got, err = walkParam(line, func(_ slot, text string) (string, error) { return text, nil })
		if err != nil || got != line {
			t.Errorf("%q became %q, %v", line, got, err)
		}
	})
}

// FuzzCookies: a value makes no cookie of its own, and goes into none but those
// that policy was asked about.
func FuzzCookies(f *testing.F) {
	f.Add("a=1; sid=AS_SECRET_K", "v-1/+=")
	f.Add(`a="x; sid=AS_SECRET_K"; b=AS_SECRET_K`, "v;x=y")
	f.Add("AS_SECRET_K=1", `"`)
	f.Fuzz(func(t *testing.T, line, value string) {
		asked := map[string]bool{}
		got, err := walkCookies(line, func(s slot, text string) (string, error) {
			if s.text || s.place == "header:cookie" {
				return text, nil
			}
			asked[strings.TrimPrefix(s.place, "cookie:")] = true
			b, err := placeholder.Expand(nil, []byte(text), func(string) ([]byte, error) { return s.escape([]byte(value)) })
			return string(b), err
		})
		if err != nil {
			return // refused
		}
		before, err1 := http.ParseCookie(line)
		after, err2 := http.ParseCookie(got)
		if err1 != nil || err2 != nil {
			return // not even net/http knows what they are
		}
		if len(before) != len(after) {
			t.Fatalf("%q became %q: %d cookies, then %d", line, got, len(before), len(after))
		}
		for i, c := range after {
			if c.Name != before[i].Name || c.Value != before[i].Value && !asked[c.Name] {
				t.Errorf("%q became %q: %s", line, got, c.Name)
			}
		}
	})
}

// BenchmarkWalk is what the search for placeholders costs a usual request that
// holds none.
func BenchmarkWalk(b *testing.B) {
	x := &exchange{target: parseTarget("/v1/charges/ch_3MmlLrLkdIwHu7ix0snN0B15?limit=10&after=2024-01-02T03%3A04%3A05Z&q=a%20b")}
	out := &http.Request{Header: http.Header{
		"Accept": {"*/*"}, "Accept-Language": {"en-US,en;q=0.9"}, "Authorization": {"Bearer " + strings.Repeat("eyJhbGciOi", 30)},
		"Content-Type": {"application/json"}, "Cookie": {"theme=dark; session=" + strings.Repeat("0123456789abcdef", 8)},
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"}, "X-Request-Id": {"7f9c24e8-3b12-4fef-91e4-5d6f7a8b9c0d"},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if uses, err := x.findHead(out); err != nil || uses != nil {
			b.Fatal(uses, err)
		}
	}
}
