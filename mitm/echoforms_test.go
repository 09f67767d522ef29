package mitm_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// echoForm is a way in which an origin gives a value back.
type echoForm struct {
	name string
	form string // as audit names it
	of   func(v string) string
}

func eachByte(form string) func(v string) string {
	return func(v string) string {
		var b strings.Builder
		for _, c := range []byte(v) {
			fmt.Fprintf(&b, form, c)
		}
		return b.String()
	}
}

func inJSON(v string) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b[1 : len(b)-1])
}

func inUTF16(v string, order func(uint16) []byte) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(v)) {
		b = append(b, order(u)...)
	}
	return string(b)
}

func quotedPrintable(v string) string {
	var b strings.Builder
	w := quotedprintable.NewWriter(&b)
	io.WriteString(w, v)
	w.Close()
	return b.String()
}

var echoForms = []echoForm{
	{"verbatim", "verbatim", func(v string) string { return v }},
	{"upper case", "verbatim", strings.ToUpper},
	{"lower case", "verbatim", strings.ToLower},
	{"base64", "base64", func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }},
	{"base64, one ahead", "base64", func(v string) string { return base64.StdEncoding.EncodeToString([]byte("x" + v)) }},
	{"base64, two ahead", "base64", func(v string) string { return base64.StdEncoding.EncodeToString([]byte("xy" + v)) }},
	{"base64url", "base64", func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }},
	{"base64url, one ahead", "base64", func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte("x" + v)) }},
	{"base64url, two ahead", "base64", func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte("xy" + v)) }},
	{"Basic", "base64", func(v string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("api:"+v)) }},
	{"hex", "hex", func(v string) string { return hex.EncodeToString([]byte(v)) }},
	{"HEX", "hex", eachByte("%02X")},
	{"query", "percent", url.QueryEscape},
	{"path", "percent", url.PathEscape},
	{"every byte with a percent", "percent", eachByte("%%%02X")},
	{"every byte with a percent, lower case", "percent", eachByte("%%%02x")},
	{"percent of percent", "percent", func(v string) string { return url.QueryEscape(url.QueryEscape(v)) }},
	{"JSON of quotes", "json", func(v string) string { return strings.ReplaceAll(inJSON(v), "/", `\/`) }},
	{"JSON in JSON", "json", func(v string) string { return inJSON(strings.ReplaceAll(inJSON(v), "/", `\/`)) }},
	{"every byte as \\u", "json", eachByte(`\u%04x`)},
	{"HTML", "html", func(v string) string { return html.EscapeString(strings.ReplaceAll(v, "/", "&#x2F;")) }},
	{"every byte as an entity", "html", eachByte("&#%d;")},
	{"every byte as a hexadecimal entity", "html", eachByte("&#x%x;")},
	{"UTF-16, little-endian", "utf-16", func(v string) string {
		return inUTF16(v, func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} })
	}},
	{"UTF-16, big-endian", "utf-16", func(v string) string {
		return inUTF16(v, func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} })
	}},
	{"quoted-printable", "quoted-printable", quotedPrintable},
	{"Q encoding", "quoted-printable", func(v string) string { return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", "é"+v), "é", "") }},
}

// inText says whether a form can stand in a field and in a message of text.
func (f echoForm) inText() bool { return f.form != "utf-16" }

// saysForms is an origin that gives the value back in the form of its path: once in
// a field, once in a body that is known to be whole, or that streams.
func saysForms(w http.ResponseWriter, r *http.Request) {
	var i int
	fmt.Sscan(r.URL.Query().Get("form"), &i)
	f := echoForms[i]
	text := f.of(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if f.inText() {
		w.Header().Set("X-Echo", text)
	}
	w.Header().Set("Content-Type", "text/plain")
	body := "before <" + text + "> after"
	if r.URL.Path == "/whole" {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	io.WriteString(w, body[:10])
	http.NewResponseController(w).Flush()
	io.WriteString(w, body[10:])
}

// Each form is found in a field and in a body, whole or as a stream, and audit
// names it. What nobody can know is told of in docs/redaction.md, and passes.
func TestE2Forms(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(saysForms)}
		change(&cfg)
		l := lab.New(t, cfg)
		for i, f := range echoForms {
			for _, path := range []string{"/whole", "/stream"} {
				resp, body := do(t, l, "GET", l.URL(host, fmt.Sprintf("%s?form=%d", path, i)), "", bearer("KEY"))
				form := f.of(value)
				if len(body) != len("before <"+form+"> after") || !strings.HasPrefix(body, "before <") || !strings.HasSuffix(body, "> after") {
					t.Errorf("%s, %s: %q", f.name, path, body)
				}
				wantMarker(t, f.name+", "+path, body)
				for what, text := range map[string]string{"field": resp.Header.Get("X-Echo"), "body": body} {
					if strings.Contains(text, form) || strings.Contains(text, form[2:len(form)-4]) {
						t.Errorf("%s, %s: the %s holds it: %q", f.name, path, what, text)
					}
				}
				if len(resp.Header.Get("X-Echo")) != len(form) && f.inText() {
					t.Errorf("%s: the field is %q", f.name, resp.Header.Get("X-Echo"))
				}
			}
		}
		var events []audit.Event
		until(t, "every exchange is recorded", func() bool {
			events = done(l.Events())
			return len(events) == 2*len(echoForms)
		})
		for n, e := range events {
			f := echoForms[n/2]
			want := map[bool]int{true: 2, false: 1}[f.inText()]
			if e.Redactions != want || !slices.Contains(e.RedactedForms, f.form) && !slices.Contains(e.RedactedForms, "mixed") {
				t.Errorf("%s: audit says %d echoes, %v", f.name, e.Redactions, e.RedactedForms)
			}
		}
	})
}
