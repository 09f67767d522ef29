package clients_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The less common places, as curl and requests write them: multipart bodies with
// a file, cookies, percent escapes in URLs, base64 in a field.
func TestPlaces(t *testing.T) {
	for _, version := range []string{"--http1.1", "--http2"} {
		t.Run("curl "+version, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `/+=%`)
			w.agentsecrets("", "secrets", "bind", name, "--in", "header", "--in", "query", "--in", "form", "--in", "path", "--password-file", w.path("pw"))
			r := w.run(w.intercepted("sh", script(t, "places.sh"), w.origin.url(apiHost), placeholder, version), "")
			w.fieldsWentOut(placeholder)
			w.urlsWentOut()
			w.clean(r)
			w.audited("form:key", "cookie:session", "query:key", "path", "header:x-credentials")
		})
	}
	t.Run("requests", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, `/+=%`)
		r := w.run(w.intercepted(python(t), script(t, "requests_places.py"), w.origin.url(apiHost), placeholder), "")
		w.fieldsWentOut(placeholder)
		var body struct {
			Keys       []struct{ Key string }
			Note, Name string
		}
		if err := json.Unmarshal(w.origin.last("/json").body, &body); err != nil || len(body.Keys) != 1 {
			t.Fatalf("JSON body: %v", err)
		}
		w.same("JSON", body.Keys[0].Key, w.value)
		w.same("text in JSON", body.Note+body.Name, "the key is "+placeholder+"é")
		w.clean(r)
		w.audited("form:key", "cookie:session", "body:keys.0.key")
	})
}

func (w *world) same(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: the origin got %q, want %q", what, got, want)
	}
}

// fieldsWentOut holds that fields of forms and cookies arrived as the value, and
// that a text or a file which only names the token arrived as it was.
func (w *world) fieldsWentOut(token string) {
	w.t.Helper()
	got := parts(w.t, w.origin.last("/multipart"))
	w.same("multipart", got["key"], w.value)
	w.same("multipart, text", got["note"], "the key is "+token)
	w.same("multipart, file", strings.TrimSpace(got["file"]), "the key is "+token)
	form, err := url.ParseQuery(string(w.origin.last("/urlencoded").body))
	if err != nil {
		w.t.Errorf("form: %v", err)
	}
	w.same("form", form.Get("key"), w.value)
	w.same("form, text", form.Get("note"), "the key is "+token)
	cookies := map[string]string{}
	for _, c := range w.origin.last("/cookie").Cookies() {
		cookies[c.Name] = c.Value
	}
	w.same("cookie", cookies["session"], w.value)
	w.same("other cookie", cookies["theme"], "dark")
}

// parts are the parts of a multipart body, by name.
func parts(t *testing.T, r request) map[string]string {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for reader := multipart.NewReader(strings.NewReader(string(r.body)), params["boundary"]); ; {
		p, err := reader.NextPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("multipart: %v", err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("multipart: %v", err)
		}
		all[p.FormName()] = string(b)
	}
}

// urlsWentOut holds what curl.sh wrote with escapes, and where nothing is put in.
func (w *world) urlsWentOut() {
	w.t.Helper()
	query := w.origin.last("/escaped").URL.Query()
	w.same("query", query.Get("key"), w.value)
	w.same("other parameter", query.Get("place"), "Lagos, Nigeria")
	w.origin.last("/path/" + w.value + "/end")
	credentials, err := base64.StdEncoding.DecodeString(w.origin.last("/base64").Header.Get("X-Credentials"))
	if err != nil {
		w.t.Errorf("X-Credentials: %v", err)
	}
	w.same("base64", string(credentials), "me:"+w.value)
	fields := w.origin.last("/fields").Header
	for field, want := range map[string]string{"User-Agent": placeholder, "Referer": "https://acme.test/" + placeholder, http.CanonicalHeaderKey("X-Forwarded-For"): placeholder} {
		w.same(field, fields.Get(field), want)
	}
}
