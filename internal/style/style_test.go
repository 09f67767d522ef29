package style_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/style"
)

func apply(t *testing.T, s style.Styles, body, kind string) (*http.Request, string, error) {
	t.Helper()
	r, err := http.NewRequest("POST", "https://api.acme.test/v1?Address=old&z=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if err := s.Apply(r); err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != r.ContentLength {
		t.Errorf("announces %d bytes, has %d", r.ContentLength, len(b))
	}
	return r, string(b), nil
}

func TestHeadStyles(t *testing.T) {
	r, body, err := apply(t, style.Styles{
		Bearer: "TOKEN", Header: []style.Pair{{Field: "x-org", Text: "ORG"}, {Field: "X-V", Text: "v 1"}},
		Query: []style.Pair{{Field: "key", Text: "GMAP"}, {Field: "address", Text: "Lagos, Nigeria"}},
	}, "\x00raw", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer AS_SECRET_TOKEN" {
		t.Error(got)
	}
	if r.Header.Get("X-Org") != "AS_SECRET_ORG" || r.Header.Get("X-V") != "v 1" {
		t.Error(r.Header)
	}
	if got := r.URL.RawQuery; got != "Address=Lagos%2C+Nigeria&z=1&key=AS_SECRET_GMAP" {
		t.Error(got)
	}
	if body != "\x00raw" || r.Header.Get("Content-Type") != "" {
		t.Errorf("body %q, type %q", body, r.Header.Get("Content-Type"))
	}
	for text, want := range map[string]string{"JIRA": "AS_SECRET_JIRA", "me:pw": "me:pw"} {
		r, _, err := apply(t, style.Styles{Basic: text}, "", "")
		if err != nil || r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(want)) {
			t.Error(text, r, err)
		}
	}
}

func TestBodyStyles(t *testing.T) {
	for _, c := range []struct{ body, field, text, want string }{
		{"", "client_secret", "SECRET", `{"client_secret":"AS_SECRET_SECRET"}`},
		{`{"a": 1 }`, "auth.key", "K", `{"a": 1 ,"auth":{"key":"AS_SECRET_K"}}`},
		{`{"auth":{"Key":"old","n":12345678901234567890}}`, "auth.key", "K", `{"auth":{"Key":"AS_SECRET_K","n":12345678901234567890}}`},
		{`{"list":[{"k":1},{"k":2}]}`, "list.1.k", "K", `{"list":[{"k":1},{"k":"AS_SECRET_K"}]}`},
		{`{}`, "a.7", "lit\"eral", `{"a":{"7":"lit\"eral"}}`},
		{`{}`, "we*ird|na#me@x", "K", `{"we*ird|na#me@x":"AS_SECRET_K"}`},
	} {
		r, got, err := apply(t, style.Styles{Body: []style.Pair{{Field: c.field, Text: c.text}}}, c.body, "")
		if err != nil || got != c.want {
			t.Errorf("%s in %s:\n got %s %v\nwant %s", c.field, c.body, got, err, c.want)
			continue
		}
		if r.Header.Get("Content-Type") != "application/json" {
			t.Error(r.Header)
		}
	}
	_, got, err := apply(t, style.Styles{Form: []style.Pair{{Field: "api_key", Text: "K"}, {Field: "a b", Text: "c&d"}}}, "x=1&Api_Key=2", "application/x-www-form-urlencoded")
	if err != nil || got != "x=1&Api_Key=AS_SECRET_K&a+b=c%26d" {
		t.Errorf("form: %s %v", got, err)
	}
	if r, _, err := apply(t, style.Styles{Form: []style.Pair{{Field: "a", Text: "b"}}}, "", ""); err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Error(r, err)
	}
}

func TestRefused(t *testing.T) {
	f := []style.Pair{{Field: "f", Text: "K"}}
	for i, c := range []struct {
		s          style.Styles
		body, kind string
	}{
		{style.Styles{Bearer: "A", Basic: "B"}, "", ""},
		{style.Styles{Body: f, Form: f}, "", ""},
		{style.Styles{Header: []style.Pair{{Field: "bad field", Text: "K"}}}, "", ""},
		{style.Styles{Header: []style.Pair{{Field: "X", Text: "a\r\nb"}}}, "", ""},
		{style.Styles{Body: f}, "[1]", ""},
		{style.Styles{Body: f}, "{broken", ""},
		{style.Styles{Body: []style.Pair{{Field: "a..b", Text: "K"}}}, "", ""},
		{style.Styles{Body: []style.Pair{{Field: "a.b", Text: "K"}}}, `{"a":"text"}`, ""},
		{style.Styles{Form: f}, "{}", "application/json"},
		{style.Styles{Body: f}, `{"a":"` + strings.Repeat("x", style.MaxBody) + `"}`, ""},
	} {
		_, got, err := apply(t, c.s, c.body, c.kind)
		var refused *style.Error
		if !errors.As(err, &refused) {
			t.Errorf("case %d: %q %v", i, got, err)
		}
	}
}

func ExampleStyles_Apply() {
	r, _ := http.NewRequest("GET", "https://maps.acme.test/geocode", nil)
	s := style.Styles{Query: []style.Pair{{Field: "key", Text: "GMAP_KEY"}, {Field: "address", Text: "Lagos"}}}
	if err := s.Apply(r); err != nil {
		fmt.Println(err)
	}
	fmt.Println(r.URL)
	fmt.Println(s.Places())
	// Output:
	// https://maps.acme.test/geocode?key=AS_SECRET_GMAP_KEY&address=Lagos
	// [query:key query:address]
}
