package mitm_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

func call(t *testing.T, l *lab.Lab, method, url, body string, s style.Styles) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	l.Proxy.Call(w, req, l.Run, s)
	return w.Result(), w.Body.String()
}

func TestCall(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Text: func(u mitm.Use) bool { return strings.HasPrefix(u.Place, "body") }})
	resp, body := call(t, l, "POST", l.URL(host, "/v1?a=1"), `{"note":"AS_SECRET_KEY","b":{}}`, style.Styles{
		Bearer: "KEY", Header: []style.Pair{{Field: "x-org", Text: "KEY"}},
		Query: []style.Pair{{Field: "k", Text: "KEY"}, {Field: "address", Text: "Lagos, Nigeria"}},
		Body:  []style.Pair{{Field: "b.secret", Text: "KEY"}},
	})
	if resp.StatusCode != 200 || body != "ok" {
		t.Fatalf("%s %s", resp.Status, body)
	}
	got := o.take(t)
	if got.Header.Get("Authorization") != "Bearer "+value || got.Header.Get("X-Org") != value {
		t.Errorf("fields %v", got.Header)
	}
	if want := "/v1?a=1&k=" + queryEscape(value) + "&address=Lagos%2C+Nigeria"; normalPath(got.Target) != normalPath(want) {
		t.Errorf("target %s", got.Target)
	}
	// What a style asks for is expanded; text of the caller's own stays text.
	if want := `{"note":"AS_SECRET_KEY","b":{"secret":"` + value + `"}}`; got.Body != want {
		t.Errorf("body %s", got.Body)
	}
	if e := done(l.Events()); len(e) != 1 || len(e[0].Places) != 4 {
		t.Errorf("audit %+v", e)
	}
}

func TestCallRefused(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	for _, c := range []struct {
		url, body string
		s         style.Styles
		status    int
		slug      string
	}{
		{l.URL(evil, "/"), "", style.Styles{Bearer: "KEY"}, 403, "domain_not_in_allowlist"},
		{l.URL(host, "/"), "", style.Styles{Bearer: "NOSUCH"}, 424, "secret_not_found"},
		{"ftp://" + host + "/", "", style.Styles{Bearer: "KEY"}, 400, "bad_authority"},
		{"https://u:p@" + host + "/", "", style.Styles{Bearer: "KEY"}, 400, "bad_authority"},
		{"http://" + host + "/", "", style.Styles{Bearer: "KEY"}, 403, "plaintext_denied"},
		{l.URL(host, "/"), "[]", style.Styles{Body: []style.Pair{{Field: "a", Text: "KEY"}}}, 400, "bad_request"},
	} {
		resp, body := call(t, l, "POST", c.url, c.body, c.s)
		wantProblem(t, resp, body, c.status, c.slug)
	}
	o.none(t)
}

// A call's response is redacted as any other.
func TestCallEcho(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(echoer)})
	resp, body := call(t, l, "GET", l.URL(host, "/?gzip"), "", style.Styles{Bearer: "KEY"})
	noEcho(t, "body", body)
	noEcho(t, "head", strings.Join(resp.Header["Set-Cookie"], ""))
	wantMarker(t, "body", body)
}
