package redact

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValue(t *testing.T) {
	s := setWith(key, "12345678", "5678abcdefghi", "exactly-as-long-as-marker!")
	for _, c := range [][2]string{
		{"", ""},
		{"nothing here", "nothing here"},
		{"Bearer " + key, "Bearer " + starred(32)},
		{key + key, starred(32) + starred(32)},
		{"x12345678", "x********"},
		{"12345678abcdefghi", "*****************"},
		{"exactly-as-long-as-marker!", Marker},
	} {
		in := []byte(c[0])
		if got, _ := s.Value(in); string(got) != c[1] {
			t.Errorf("Value(%q) = %q", c[0], got)
		}
		if string(in) != c[0] {
			t.Errorf("%q was changed in place", c[0])
		}
	}
}

func TestName(t *testing.T) {
	s := setWith("sk_live_4eC39HqLyjWDarjtT1zdp7dc")
	for _, name := range []string{"X-" + key + "-Y", "X-" + strings.ToLower(key) + "-Y", http.CanonicalHeaderKey("X-" + key + "-y")} {
		got, n := s.Name([]byte(name))
		if string(got) != "X-"+strings.Repeat("*", 32)+"-Y" || n.Total() != 1 {
			t.Errorf("Name(%q) = %q, %v", name, got, n)
		}
	}
	if got, n := s.Name([]byte("Content-Type")); string(got) != "Content-Type" || n != nil {
		t.Errorf("%q, %v", got, n)
	}
}

func TestHeader(t *testing.T) {
	s := setWith(key, "second-value-of-all")
	w := httptest.NewRecorder()
	h := w.Header()
	h.Set("Content-Type", "text/plain")
	h.Add("Location", "https://h/?key="+key)
	h.Add("Set-Cookie", "a=second-value-of-all; b="+key)
	h.Add("Set-Cookie", "c=d")
	h.Set("X-"+key, key)
	h["x-second-value-of-all"] = []string{"1"}
	h["x-SECOND-VALUE-OF-ALL"] = []string{"2"}
	counts := s.Header(h)
	want := http.Header{
		"Content-Type":                 {"text/plain"},
		"Location":                     {"https://h/?key=" + starred(32)},
		"Set-Cookie":                   {"a=" + strings.Repeat("*", 19) + "; b=" + starred(32), "c=d"},
		"X-" + strings.Repeat("*", 32): {starred(32)},
		"x-" + strings.Repeat("*", 19): {"2", "1"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
	if counts["verbatim"] != 7 || counts.Total() != 7 {
		t.Errorf("counted %v", counts)
	}
	if n := NewSet().Header(h).Total(); n != 0 {
		t.Errorf("an empty set counts %d", n)
	}
}

func TestCounts(t *testing.T) {
	c := Counts{"hex": 1}
	c.Add(Counts{"hex": 2, "json": 4})
	c.Add(nil)
	if c["hex"] != 3 || c.Total() != 7 {
		t.Errorf("%v", c)
	}
}
