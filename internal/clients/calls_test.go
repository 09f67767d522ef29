package clients_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// calls are the programs that make one call for each place of a request.
// prints is a text that shows which protocol the client spoke.
var calls = []struct {
	client string
	argv   func(t *testing.T, url, token string) []string
	prints string
}{
	{"curl over HTTP/1.1", func(t *testing.T, url, token string) []string {
		return []string{"sh", script(t, "curl.sh"), url, token, "--http1.1"}
	}, "HTTP version 1.1"},
	{"curl over HTTP/2", func(t *testing.T, url, token string) []string {
		return []string{"sh", script(t, "curl.sh"), url, token, "--http2"}
	}, "HTTP version 2"},
	{"requests", func(t *testing.T, url, token string) []string {
		return []string{python(t), script(t, "requests_calls.py"), url, token}
	}, ""},
	{"httpx", func(t *testing.T, url, token string) []string {
		return []string{python(t), script(t, "httpx_sync.py"), url, token}
	}, "HTTP/1.1"},
	{"httpx async", func(t *testing.T, url, token string) []string {
		return []string{python(t), script(t, "httpx_async.py"), url, token}
	}, "HTTP/1.1"},
	{"httpx over HTTP/2", func(t *testing.T, url, token string) []string {
		return []string{python(t), script(t, "httpx_async.py"), url, token, "http2"}
	}, "HTTP/2"},
	{"aiohttp", func(t *testing.T, url, token string) []string {
		return []string{python(t), script(t, "aiohttp_calls.py"), url, token}
	}, ""},
	{"Node fetch", func(t *testing.T, url, token string) []string {
		return []string{"node", script(t, "fetch.mjs"), url, token}
	}, ""},
	{"Node https", func(t *testing.T, url, token string) []string {
		return []string{"node", script(t, "https.mjs"), url, token}
	}, ""},
}

func TestCalls(t *testing.T) {
	for _, c := range calls {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `q"7\&+/=%`)
			r := w.run(w.intercepted(c.argv(t, w.origin.url(apiHost), placeholder)...), "")
			w.wentOut(placeholder)
			w.cameBack(r)
			if !strings.Contains(r.stdout, c.prints) {
				t.Errorf("stdout does not say %q:\n%s", c.prints, r.stdout)
			}
			w.clean(r)
			w.audited("header:authorization", "header:x-api-key", "query:key", "basic", "body:auth.key", "form:key")
		})
	}
}

// The control of TestCalls: the same programs, given the value itself and not
// run by us, pass the same checks at the origin and show the value.
func TestCallsWithoutUs(t *testing.T) {
	for _, c := range calls {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			w := newOutside(t, "")
			r := w.run(w.direct(c.argv(t, w.origin.url("localhost"), w.value)...), "")
			w.wentOut(w.value)
			if !strings.Contains(r.stdout, c.prints) {
				t.Errorf("stdout does not say %q:\n%s", c.prints, r.stdout)
			}
			if got := strings.Join(w.trace.Forms([]byte(r.stdout)), " "); got != "verbatim base64" {
				t.Errorf("stdout shows the value in the forms %q", got)
			}
		})
	}
}

// wentOut holds that the origin got the value in every place that was the
// token, and that a text which only names the token arrived as it was.
func (w *world) wentOut(token string) {
	t, o := w.t, w.origin
	t.Helper()
	same := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the origin got %q, want %q", what, got, want)
		}
	}
	same("bearer", o.last("/header").Header.Get("Authorization"), "Bearer "+w.value)
	same("field", o.last("/header").Header.Get("X-Api-Key"), w.value)
	same("compressed", o.last("/gzip").Header.Get("Authorization"), "Bearer "+w.value)

	query := o.last("/query").URL.Query()
	same("query", query.Get("key"), w.value)
	same("other parameter", query.Get("place"), "Lagos, Nigeria")

	_, password, _ := o.last("/basic").BasicAuth()
	same("password", password, w.value)

	var body struct {
		Auth struct{ Key string }
		Note string
	}
	if err := json.Unmarshal(o.last("/json").body, &body); err != nil {
		t.Errorf("JSON body: %v", err)
	}
	same("JSON field", body.Auth.Key, w.value)
	same("text in JSON", body.Note, "the key is "+token)

	form, err := url.ParseQuery(string(o.last("/form").body))
	if err != nil {
		t.Errorf("form body: %v", err)
	}
	same("form field", form.Get("key"), w.value)
	same("other form field", form.Get("grant_type"), "client_credentials")
}

// cameBack holds that the client saw the marker wherever the value was echoed:
// verbatim in two bodies beside their X-Echo fields, in the field of its own,
// in a JSON body and a query and form body. Basic comes back as base64, where
// the marker has no room; the scripts' user names are of different lengths, so
// that the value stands in all three alignments.
func (w *world) cameBack(r result) {
	w.t.Helper()
	if n := strings.Count(r.stdout, marker); n < 8 {
		w.t.Errorf("the client saw the marker %d times, want 8 at least:\n%s", n, r.stdout)
	}
	if !strings.Contains(r.stdout, "Basic ") || !strings.Contains(r.stdout, strings.Repeat("*", 40)) {
		w.t.Errorf("the client saw no covered Basic credential:\n%s", r.stdout)
	}
}
