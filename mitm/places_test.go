package mitm_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Where placeholders are expanded, where they pass as text, where they are
// refused: each row is one request through the proxy, as the origin saw it.

const (
	isKey  = "AS_SECRET_KEY"
	key64  = "dXNlcjpBU19TRUNSRVRfS0VZ" // user:AS_SECRET_KEY
	isForm = "application/x-www-form-urlencoded"
	isJSON = "application/json"
	isPart = "multipart/form-data; boundary=b7"
)

// probe is a request; of what is asked for, only what is given is looked at. In
// what the origin is to have got, V is the value, Q the value in a query, and B
// base64 of "user:" and the value.
type probe struct {
	name, bound          string // places of the binding; "" for none
	method, target       string
	field, line          string
	body                 string
	slug, hint           string // refused so; "" if it is sent on
	wantTarget, wantLine string
	wantBody             string
	text                 int // placeholders that count as text
}

func seenAs(text string) string {
	return strings.NewReplacer("{V}", value, "{Q}", queryEscape(value), "{B}", base64.StdEncoding.EncodeToString([]byte("user:"+value))).Replace(text)
}

var probes = []probe{
	// Header fields.
	{name: "bearer", field: "Authorization", line: "Bearer " + isKey, wantLine: "Bearer {V}"},
	{name: "field", field: "X-Api-Key", line: isKey, wantLine: "{V}"},
	{name: "field, part of it", field: "X-Api-Key", line: "k=" + isKey + ",v=1", wantLine: "k={V},v=1"},
	{name: "field that is bound", bound: "header:x-api-key", field: "X-Api-Key", line: isKey, wantLine: "{V}"},
	{name: "field that is not bound", bound: "header:x-api-key", field: "X-Other", line: isKey, slug: "place_denied", hint: "secrets bind KEY --in header:x-api-key --in header:x-other"},
	{name: "part of a field that is not bound", bound: "header:x-api-key", field: "X-Other", line: "a " + isKey, slug: "place_denied"},
	{name: "field, bound to query", bound: "query", field: "X-Api-Key", line: isKey, slug: "place_denied", hint: "--in query --in header:x-api-key"},
	{name: "base64 in a field", field: "X-Auth", line: key64, wantLine: "{B}"},
	{name: "base64 in a field that is not bound", bound: "query", field: "X-Auth", line: key64, slug: "place_denied"},
	{name: "base64 behind a scheme", field: "Authorization", line: "Custom " + key64, wantLine: "Custom {B}"},
	{name: "percent in a field", field: "X-Api-Key", line: "AS%5FSECRET%5FKEY", wantLine: "AS%5FSECRET%5FKEY"},
	{name: "basic", field: "Authorization", line: "Basic " + key64, wantLine: "Basic {B}"},
	{name: "basic, bound", bound: "basic", field: "Authorization", line: "Basic " + key64, wantLine: "Basic {B}"},
	{name: "basic, bound to header", bound: "header", field: "Authorization", line: "Basic " + key64, slug: "place_denied", hint: "--in header --in basic"},
	{name: "bearer, bound to basic", bound: "basic", field: "Authorization", line: "Bearer " + isKey, slug: "place_denied", hint: "--in basic --in header:authorization"},
	{name: "User-Agent", field: "User-Agent", line: isKey, wantLine: isKey, text: 1},
	{name: "Referer", field: "Referer", line: "https://x.test/" + isKey, wantLine: "https://x.test/" + isKey, text: 1},
	{name: "X-Forwarded-For", field: "X-Forwarded-For", line: isKey, wantLine: isKey, text: 1},
	{name: "X-Forwarded-Host", field: "X-Forwarded-Host", line: isKey + " " + isKey, wantLine: isKey + " " + isKey, text: 2},
	{name: "Forwarded", field: "Forwarded", line: "for=" + isKey, wantLine: "for=" + isKey, text: 1},
	{name: "Origin", field: "Origin", line: isKey, wantLine: isKey, text: 1},
	{name: "method", method: isKey, target: "/"},
	// Cookies.
	{name: "cookie", field: "Cookie", line: "sid=" + isKey, wantLine: "sid={V}"},
	{name: "cookie among others", field: "Cookie", line: "a=1; sid=" + isKey + "; b=2", wantLine: "a=1; sid={V}; b=2"},
	{name: "cookie that is bound", bound: "cookie:sid", field: "Cookie", line: "a=1; sid=" + isKey, wantLine: "a=1; sid={V}"},
	{name: "cookie that is not bound", bound: "cookie:sid", field: "Cookie", line: "sid=1; other=" + isKey, slug: "place_denied", hint: "--in cookie:sid --in cookie:other"},
	{name: "cookies, bound to cookie", bound: "cookie", field: "Cookie", line: "other=" + isKey, wantLine: "other={V}"},
	{name: "cookie, bound to another field", bound: "header:x-api-key", field: "Cookie", line: "sid=" + isKey, slug: "place_denied"},
	{name: "field, bound to a cookie", bound: "cookie:sid", field: "X-Sid", line: "sid=" + isKey, slug: "place_denied"},
	{name: "name of a cookie", field: "Cookie", line: isKey + "=1", wantLine: isKey + "=1", text: 1},
	{name: "all of the Cookie field", field: "Cookie", line: isKey, wantLine: "{V}"},
	{name: "all of the Cookie field, one bound", bound: "cookie:sid", field: "Cookie", line: isKey, slug: "place_denied", hint: "--in cookie:sid --in header:cookie"},
	{name: "cookie in the quotes of another", bound: "cookie:sid", field: "Cookie", line: `a="x; sid=` + isKey + `"`, slug: "place_denied"},
	// Query.
	{name: "query", target: "/?k=" + isKey, wantTarget: "/?k={Q}"},
	{name: "query, part of a parameter", target: "/?k=a%20" + isKey + "%26&x=1", wantTarget: "/?k=a%20{Q}%26&x=1"},
	{name: "query, percent-written", target: "/?k=%41S_SECRET%5FKEY", wantTarget: "/?k={Q}"},
	{name: "query, percent-written, not bound", bound: "header", target: "/?k=%41S_SECRET%5FKEY", slug: "place_denied", hint: "--in header --in query:k"},
	{name: "query, base64", target: "/?k=" + key64, wantTarget: "/?k={B}"},
	{name: "query, bound parameter", bound: "query:k", target: "/?a=1&k=" + isKey, wantTarget: "/?a=1&k={Q}"},
	{name: "query, bound parameter, percent-written", bound: "query:k", target: "/?%6B=" + isKey, wantTarget: "/?%6B={Q}"},
	{name: "query, other parameter", bound: "query:k", target: "/?j=" + isKey, slug: "place_denied", hint: "--in query:k --in query:j"},
	{name: "query, name of a parameter", target: "/?" + isKey + "=1&" + isKey, wantTarget: "/?" + isKey + "=1&" + isKey, text: 2},
	// Paths.
	{name: "path", target: "/bot/" + isKey + "/x", slug: "place_denied", hint: "--in path"},
	{name: "path, percent-written", target: "/bot/AS%5FSECRET_KEY/x", slug: "place_denied"},
	{name: "path, part of a segment", target: "/docs/" + isKey + ".md", wantTarget: "/docs/" + isKey + ".md", text: 1},
	{name: "path, bound", bound: "path", target: "/bot" + isKey + "/x", wantTarget: "/botsk-live-Zq3%2FvN8+xTr7=mK2pW9/x"},
	{name: "path, bound, percent-written", bound: "path", target: "/AS%5fSECRET%5fKEY/x%2Fy", wantTarget: "/sk-live-Zq3%2FvN8+xTr7=mK2pW9/x%2Fy"},
	// JSON.
	{name: "JSON value", field: "Content-Type", line: isJSON, body: `{"a":{"b":"` + isKey + `"}}`, wantBody: `{"a":{"b":"{V}"}}`},
	{name: "JSON value with escapes", field: "Content-Type", line: isJSON, body: `{"a":"\u0041S\u005fSECRET_KEY"}`, wantBody: `{"a":"{V}"}`},
	{name: "JSON text", field: "Content-Type", line: isJSON, body: `{"a":"use ` + isKey + `"}`, wantBody: `{"a":"use ` + isKey + `"}`, text: 1},
	{name: "JSON member's name", field: "Content-Type", line: isJSON, body: `{"` + isKey + `":1}`, wantBody: `{"` + isKey + `":1}`, text: 1},
	{name: "JSON path", bound: "body:keys.*.key", field: "Content-Type", line: isJSON, body: `{"keys":[{"key":"` + isKey + `"}]}`, wantBody: `{"keys":[{"key":"{V}"}]}`},
	{name: "JSON path, another", bound: "body:token", field: "Content-Type", line: isJSON, body: `{"a":{"token":"` + isKey + `"}}`, slug: "place_denied", hint: "--in body:token --in body:a.token"},
	{name: "JSON value, bound to header", bound: "header", field: "Content-Type", line: isJSON, body: `{"a":"` + isKey + `"}`, slug: "place_denied", hint: "--in header --in body:a"},
	{name: "JSON text, bound to header", bound: "header", field: "Content-Type", line: isJSON, body: `["x ` + isKey + `"]`, wantBody: `["x ` + isKey + `"]`, text: 1},
	// Forms.
	{name: "form field", field: "Content-Type", line: isForm, body: "a=1&k=" + isKey, wantBody: "a=1&k={Q}"},
	{name: "form field, percent-written", field: "Content-Type", line: isForm, body: "k=AS%5FSECRET%5FKEY", wantBody: "k={Q}"},
	{name: "form text", field: "Content-Type", line: isForm, body: "k=x+" + isKey, wantBody: "k=x+" + isKey, text: 1},
	{name: "form field, bound", bound: "form:k", field: "Content-Type", line: isForm, body: "k=" + isKey, wantBody: "k={Q}"},
	{name: "form field, another", bound: "form:k", field: "Content-Type", line: isForm, body: "j=" + isKey, slug: "place_denied", hint: "--in form:k --in form:j"},
	{name: "multipart field", field: "Content-Type", line: isPart, body: multipart(isKey, "n"), wantBody: multipart("{V}", "n"), text: 1},
	{name: "multipart field, bound", bound: "form:token", field: "Content-Type", line: isPart, body: multipart(isKey, "n "+isKey), wantBody: multipart("{V}", "n "+isKey), text: 2},
	{name: "multipart field, another", bound: "form:other", field: "Content-Type", line: isPart, body: multipart(isKey, "n"), slug: "place_denied", hint: "--in form:other --in form:token"},
	// Bodies that have no values.
	{name: "text", field: "Content-Type", line: "text/plain", body: isKey, wantBody: isKey},
	{name: "no content type", body: isKey, wantBody: isKey},
	{name: "text, bound to body", bound: "body form", field: "Content-Type", line: "text/plain", body: isKey, wantBody: isKey},
	// Every occurrence.
	{name: "any: text", bound: "body:any", field: "Content-Type", line: "text/plain", body: "a " + isKey + ", " + isKey, wantBody: "a {V}, {V}"},
	{name: "any: no content type", bound: "body:any", body: isKey, wantBody: "{V}"},
	{name: "any: XML", bound: "body:any", field: "Content-Type", line: "application/xml", body: "<k>" + isKey + "</k>", wantBody: "<k>{V}</k>"},
	{name: "any: JSON", bound: "body:any", field: "Content-Type", line: isJSON, body: `{"a":"` + isKey + `","b":"x ` + isKey + `"}`, wantBody: `{"a":"{V}","b":"x {V}"}`},
	{name: "any: form", bound: "body:any", field: "Content-Type", line: isForm, body: "a=x+" + isKey + "&b=" + isKey, wantBody: "a=x+{Q}&b={Q}"},
	{name: "any: multipart", bound: "body:any", field: "Content-Type", line: isPart, body: multipart(isKey, "n "+isKey), wantBody: strings.ReplaceAll(multipart("{V}", "n {V}"), isKey, "{V}")},
	// Messages that tell their length (gRPC's own are in TestGRPCRequests).
	{name: "any: gRPC-Web", bound: "body:any", field: "Content-Type", line: "application/grpc-web+proto", body: "\x00\x00\x00\x00\x0d" + isKey, wantBody: "\x00\x00\x00\x00\x0d" + isKey, text: 1},
	{name: "gRPC-Web, in JSON", field: "Content-Type", line: "application/grpc-web+json", body: `{"a":"` + isKey + `"}`, wantBody: `{"a":"` + isKey + `"}`},
	{name: "a stream of Connect", bound: "body:any", field: "Content-Type", line: "application/connect+json", body: "\x00\x00\x00\x00\x0f\"" + isKey + `"`, wantBody: "\x00\x00\x00\x00\x0f\"" + isKey + `"`, text: 1},
	{name: "any: field", bound: "body:any", field: "X-Api-Key", line: isKey, slug: "place_denied"},
	{name: "any: path", bound: "body:any", target: "/" + isKey, slug: "place_denied"},
}

// counter counts what passes as text.
type counter struct {
	mitm.Observer
	mu   sync.Mutex
	text int
}

func (c *counter) Mentioned(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text++
}

func (c *counter) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.text
	c.text = 0
	return n
}

func TestS3Places(t *testing.T) {
	if len(probes) < 40 {
		t.Fatalf("%d probes", len(probes))
	}
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, p := range probes {
			t.Run(p.name, func(t *testing.T) { p.try(t, change) })
		}
	})
}

func bound(places string) map[string]allowlist.Binding {
	if places == "" {
		return nil
	}
	return map[string]allowlist.Binding{"KEY": {Places: strings.Fields(places)}}
}

func (p probe) try(t *testing.T, change func(*lab.Config)) {
	o := newRecorder()
	count := &counter{Observer: metrics.New(metrics.Config{})}
	cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Bindings: bound(p.bound), Change: func(c *mitm.Config) { c.Observer = count }}
	change(&cfg)
	l := lab.New(t, cfg)
	method, target := p.method, p.target
	if target == "" {
		target = "/"
	}
	if method == "" {
		method = map[bool]string{true: "GET", false: "POST"}[p.body == ""]
	}
	header := http.Header{}
	if p.field != "" {
		header.Set(p.field, p.line)
	}
	resp, body := do(t, l, method, l.URL(host, target), p.body, header)
	if p.slug != "" {
		if got := wantProblem(t, resp, body, 403, p.slug); !strings.Contains(got.Hint, p.hint) || !strings.HasPrefix(got.Hint, "agentsecrets secrets bind KEY --in ") {
			t.Errorf("hint %q, want %q", got.Hint, p.hint)
		}
		o.none(t)
		if e := l.Events(); len(e) == 0 || e[0].Status != audit.Blocked {
			t.Errorf("audit: %+v", e)
		}
		return
	}
	if resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	p.look(t, o.take(t), method, target)
	n := count.take()
	for end := time.Now().Add(10 * time.Second); n < p.text && time.Now().Before(end); n += count.take() {
		time.Sleep(time.Millisecond) // a body that streams may be counted after the response
	}
	if n != p.text {
		t.Errorf("%d placeholders count as text, want %d", n, p.text)
	}
}

// look compares what the origin got.
func (p probe) look(t *testing.T, got seen, method, target string) {
	t.Helper()
	if p.wantTarget != "" {
		target = seenAs(p.wantTarget)
	}
	if got.Method != method || normalPath(got.Target) != normalPath(target) {
		t.Errorf("origin got %s %s, want %s %s", got.Method, got.Target, method, target)
	}
	if want := seenAs(p.wantLine); want != "" && got.Header.Get(p.field) != want {
		t.Errorf("%s: origin got %q, want %q", p.field, got.Header.Get(p.field), want)
	}
	if want := seenAs(p.wantBody); got.Body != want || p.body != "" && got.Length != int64(len(want)) {
		t.Errorf("origin got %d bytes %q, want %d, %q", got.Length, got.Body, len(want), want)
	}
}

// A body of unknown length streams, a compressed one passes as it is, a long one
// may hold no use; with body:any too.
func TestAnywhereInBodies(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Bindings: bound("body:any")}
		change(&cfg)
		l := lab.New(t, cfg)
		text := strings.Repeat("x", 100_000) + isKey + " and " + isKey
		req, err := http.NewRequest("POST", l.URL(host, "/"), io.MultiReader(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		if resp, body := send(t, l.Client, req); resp.StatusCode != 200 {
			t.Fatalf("%s %s", resp.Status, body)
		}
		if got := o.take(t); got.Length != -1 || got.Body != strings.ReplaceAll(text, isKey, value) {
			t.Errorf("unknown length: origin got %d bytes, ends %q", len(got.Body), got.Body[max(0, len(got.Body)-70):])
		}
		resp, body := do(t, l, "POST", l.URL(host, "/"), isKey+" "+strings.Repeat("x", 1<<20), nil)
		wantProblem(t, resp, body, 413, "body_too_large")
		o.none(t)
		long := strings.Repeat("x", 1<<20) + "AS_SECRET_ KEY"
		do(t, l, "POST", l.URL(host, "/"), long, nil)
		if got := o.take(t); got.Body != long || got.Length != int64(len(long)) {
			t.Errorf("long: origin got %d bytes, announced %d", len(got.Body), got.Length)
		}
	})
}

// Bound to other hosts, methods or paths, body:any opens nothing here: what is
// named in a text stays text.
func TestAnywhereIsBound(t *testing.T) {
	other := allowlist.Rule{Host: "other.test"}
	for name, b := range map[string]allowlist.Binding{
		"host":   {Places: []string{"body:any"}, Hosts: []allowlist.Rule{other}},
		"method": {Places: []string{"body:any"}, Methods: []string{"PUT"}},
		"path":   {Places: []string{"body:any"}, Paths: []string{"/v2/*"}},
	} {
		o := newRecorder()
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Bindings: map[string]allowlist.Binding{"KEY": b, "ANY": {Places: []string{"body:any"}}}})
		const text = "see " + isKey + "\n"
		do(t, l, "POST", l.URL(host, "/"), text, http.Header{"Content-Type": {"text/plain"}})
		if got := o.take(t); got.Body != text {
			t.Errorf("%s: origin got %q", name, got.Body)
		}
	}
}

// A value that reads like a placeholder is not expanded by the second look at a
// body, for body:any: the request is refused.
func TestS4AnywhereNoRescan(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{
		Secrets: map[string]string{"A": "AS_SECRET_B", "B": value}, Allow: []string{host}, Origin: o,
		Bindings: map[string]allowlist.Binding{"B": {Places: []string{"body:any"}}},
	})
	resp, body := do(t, l, "POST", l.URL(host, "/"), `{"a":"AS_SECRET_A"}`, http.Header{"Content-Type": {isJSON}})
	wantProblem(t, resp, body, 422, "value_not_allowed_in_place")
	o.none(t)
}

// Values that would change what surrounds them.
func TestS2CookieOrBody(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{
		Secrets: map[string]string{"SEMI": "a=1; admin=true", "PART": "x\r\n--b7\r\ny", "BYTES": "\xff\xfe-not-utf-8"}, Allow: []string{host}, Origin: o,
		Bindings: map[string]allowlist.Binding{"PART": {Places: []string{"body:any"}}, "BYTES": {Places: []string{"body:any"}}},
	})
	for _, c := range []struct{ field, line, body string }{
		{"Cookie", "sid=AS_SECRET_SEMI", ""},
		{"Cookie", `sid="AS_SECRET_SEMI"`, ""},
		{"Cookie", `a="; sid=AS_SECRET_SEMI`, ""},
		{"Content-Type", isPart, multipart("x AS_SECRET_PART", "n")},
		{"Content-Type", isJSON, `["x AS_SECRET_BYTES"]`},
	} {
		resp, body := do(t, l, "POST", l.URL(host, "/"), c.body, http.Header{c.field: {c.line}})
		wantProblem(t, resp, body, 422, "value_not_allowed_in_place")
		o.none(t)
	}
	// All of the field may be any cookies.
	do(t, l, "GET", l.URL(host, "/"), "", http.Header{"Cookie": {"AS_SECRET_SEMI"}})
	if got := o.take(t).Header.Get("Cookie"); got != "a=1; admin=true" {
		t.Errorf("Cookie: %q", got)
	}
}

// Toward hosts whose bodies are text a whole value is text too, but not where a
// binding asks for it.
func TestTextHosts(t *testing.T) {
	for _, c := range []struct{ bound, want string }{
		{"", isKey}, {"header body", value}, {"body:any", value}, {"body:k", value},
	} {
		o := newRecorder()
		l := lab.New(t, lab.Config{
			Secrets: secrets, Allow: []string{"api.openai.com"}, Origin: o, Bindings: bound(c.bound),
			Change: func(m *mitm.Config) {
				m.Pin = func(_ string, port int) (netip.AddrPort, bool) {
					return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)), true
				}
			},
		})
		resp, body := do(t, l, "POST", l.URL("api.openai.com", "/"), `{"k":"`+isKey+`"}`, http.Header{"Content-Type": {isJSON}})
		if resp.StatusCode != 200 {
			t.Fatalf("%s %s", resp.Status, body)
		}
		if got := o.take(t).Body; got != `{"k":"`+c.want+`"}` {
			t.Errorf("bound to %q: origin got %s", c.bound, got)
		}
	}
}

// What comes compressed is not opened: it passes, and is counted.
func TestS8CodedBody(t *testing.T) {
	for _, bind := range []string{"", "body:any"} {
		o := newRecorder()
		count := &codedCounter{Observer: metrics.New(metrics.Config{})}
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Bindings: bound(bind), Change: func(c *mitm.Config) { c.Observer = count }})
		const body = `{"k":"` + isKey + `"}` // nothing reads it: it need not be gzip
		for _, lines := range [][]string{{"gzip"}, {"identity", "br"}, {"GZIP, identity"}} {
			do(t, l, "POST", l.URL(host, "/"), body, http.Header{"Content-Type": {isJSON}, "Content-Encoding": lines})
			if got := o.take(t); got.Body != body || got.Length != int64(len(body)) {
				t.Errorf("%q: origin got %s", lines, got.Body)
			}
		}
		do(t, l, "POST", l.URL(evil, "/"), body, http.Header{"Content-Type": {isJSON}, "Content-Encoding": {"gzip"}})
		o.take(t)
		do(t, l, "POST", l.URL(host, "/"), body, http.Header{"Content-Type": {isJSON}, "Content-Encoding": {"identity"}})
		if got := o.take(t); got.Body != strings.Replace(body, isKey, value, 1) {
			t.Errorf("identity: origin got %s", got.Body)
		}
		if count.bodies != 3 {
			t.Errorf("%d coded bodies counted, want 3", count.bodies)
		}
	}
}

type codedCounter struct {
	mitm.Observer
	bodies int
}

func (c *codedCounter) CodedBody() { c.bodies++ }
