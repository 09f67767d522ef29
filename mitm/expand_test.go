package mitm_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

func eachProtocol(t *testing.T, f func(t *testing.T, change func(*lab.Config))) {
	t.Helper()
	for _, client1 := range []bool{false, true} {
		for _, origin1 := range []bool{false, true} {
			name := fmt.Sprintf("client h%d origin h%d", version(client1), version(origin1))
			t.Run(name, func(t *testing.T) {
				f(t, func(c *lab.Config) { c.ClientH1, c.OriginH1 = client1, origin1 })
			})
		}
	}
}

func version(http1 bool) int {
	if http1 {
		return 1
	}
	return 2
}

func TestExpandHead(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{
			Secrets: map[string]string{"KEY": value, "KEY_2": "second-value-77", "ODD": `a b&c=d/e"f`}, Allow: []string{host}, Origin: o,
			Bindings: map[string]allowlist.Binding{"ODD": {Places: []string{"path", "query", "header"}}},
		}
		change(&cfg)
		l := lab.New(t, cfg)
		url := l.URL(host, "/v1/AS_SECRET_ODD/x%2Fy//z?key=AS_SECRET_KEY&both=AS_SECRET_KEY_2-AS_SECRET_ODD&empty=&flag")
		resp, _ := do(t, l, "GET", url, "", http.Header{
			"Authorization": {"Bearer AS_SECRET_KEY"},
			"X-Api-Key":     {"AS_SECRET_KEY_2", "AS_SECRET_KEY"},
			"X-Lower":       {"as_secret_key AS_SECRET_ AS_SECRET_lower"},
			"Cookie":        {"s=AS_SECRET_KEY"},
			"User-Agent":    {"AS_SECRET_KEY"},
			"Referer":       {"https://x/AS_SECRET_KEY"},
		})
		if resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		got := o.take(t)
		want := "/v1/a%20b&c=d%2Fe%22f/x%2Fy//z?key=" + queryEscape(value) + "&both=second-value-77-" + queryEscape(`a b&c=d/e"f`) + "&empty=&flag"
		if gotPath, wantPath := normalPath(got.Target), normalPath(want); gotPath != wantPath {
			t.Errorf("target\n got %s\nwant %s", got.Target, want)
		}
		for field, want := range map[string][]string{
			"Authorization": {"Bearer " + value}, "X-Api-Key": {"second-value-77", value},
			"X-Lower": {"as_secret_key AS_SECRET_ AS_SECRET_lower"}, "Cookie": {"s=" + value},
			"User-Agent": {"AS_SECRET_KEY"}, "Referer": {"https://x/AS_SECRET_KEY"},
		} {
			if g := got.Header[field]; strings.Join(g, "|") != strings.Join(want, "|") {
				t.Errorf("%s: got %q, want %q", field, g, want)
			}
		}
		e := done(l.Events())
		if len(e) != 1 || len(e[0].SecretKeys) != 3 || e[0].TargetURL != l.URL(host, "/v1/AS_SECRET_ODD/x%2Fy//z") {
			t.Errorf("audit: %+v", e)
		}
	})
}

// normalPath makes two spellings of the same target equal: which characters a
// path or query escapes is for the escaper to choose.
func normalPath(target string) string {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return err.Error()
	}
	return strings.Join(splitEscaped(u.EscapedPath()), "|") + "?" + fmt.Sprint(u.Query())
}

func splitEscaped(p string) []string {
	segs := strings.Split(p, "/")
	for i, s := range segs {
		segs[i], _ = url.PathUnescape(s)
		segs[i] = fmt.Sprintf("%q", segs[i])
	}
	return segs
}

func queryEscape(s string) string { return url.QueryEscape(s) }

func TestS5Basic(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	for _, c := range []struct{ pair, want string }{
		{"user:AS_SECRET_KEY", "user:" + value},
		{"AS_SECRET_KEY:", value + ":"},
		{"AS_SECRET_KEY:AS_SECRET_KEY", value + ":" + value},
		{"user:password", "user:password"},
	} {
		field := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.pair))
		do(t, l, "GET", l.URL(host, "/"), "", http.Header{"Authorization": {field}})
		got := o.take(t)
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.want))
		if g := got.Header.Get("Authorization"); g != want {
			t.Errorf("%s: got %q, want %q", c.pair, g, want)
		}
	}
}

func TestExpandBody(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{Secrets: map[string]string{"KEY": value, "ODD": "q\"\\\n\té&="}, Allow: []string{host}, Origin: o}
		change(&cfg)
		l := lab.New(t, cfg)
		for _, c := range []struct{ kind, body, want string }{
			{"application/json", `{"a": "AS_SECRET_KEY", "b":["AS_SECRET_ODD"] }`, `{"a": "` + value + `", "b":[` + jsonString("q\"\\\n\té&=") + `] }`},
			{"application/vnd.x+json; charset=utf-8", `"AS_SECRET_KEY"`, `"` + value + `"`},
			{"application/json", `{"AS_SECRET_KEY":"use AS_SECRET_KEY here"}`, `{"AS_SECRET_KEY":"use AS_SECRET_KEY here"}`},
			{"application/x-www-form-urlencoded", "a=AS_SECRET_KEY&b=x+AS_SECRET_KEY&c=AS_SECRET_ODD", "a=" + queryEscape(value) + "&b=x+AS_SECRET_KEY&c=" + queryEscape("q\"\\\n\té&=")},
			{"text/plain", "AS_SECRET_KEY", "AS_SECRET_KEY"},
			{"multipart/form-data; boundary=b7", multipart("AS_SECRET_KEY", "see AS_SECRET_KEY"), multipart(value, "see AS_SECRET_KEY")},
		} {
			do(t, l, "POST", l.URL(host, "/"), c.body, http.Header{"Content-Type": {c.kind}})
			got := o.take(t)
			if !sameBody(c.kind, got.Body, c.want) {
				t.Errorf("%s %s:\n got %s\nwant %s", c.kind, c.body, got.Body, c.want)
			}
			if got.Length != int64(len(got.Body)) {
				t.Errorf("%s: announced %d bytes, sent %d", c.kind, got.Length, len(got.Body))
			}
		}
	})
}

func multipart(token, note string) string {
	return "--b7\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n" + token +
		"\r\n--b7\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n" + note +
		"\r\n--b7\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\nAS_SECRET_KEY\r\n--b7--\r\n"
}

func sameBody(kind, got, want string) bool {
	if strings.Contains(kind, "json") {
		var g, w any
		return json.Unmarshal([]byte(got), &g) == nil && json.Unmarshal([]byte(want), &w) == nil && fmt.Sprint(g) == fmt.Sprint(w)
	}
	return got == want
}

func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// A body of unknown length streams through the expander.
func TestExpandUnknownLength(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o}
		change(&cfg)
		l := lab.New(t, cfg)
		body := `{"pad":"` + strings.Repeat("x", 100_000) + `","k":"AS_SECRET_KEY"}`
		req, _ := http.NewRequest("POST", l.URL(host, "/"), io.MultiReader(strings.NewReader(body[:50]), strings.NewReader(body[50:])))
		req.Header.Set("Content-Type", "application/json")
		resp, _ := send(t, l.Client, req)
		if resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		if got := o.take(t); got.Body != strings.Replace(body, "AS_SECRET_KEY", value, 1) {
			t.Errorf("origin got %d bytes, ends %q", len(got.Body), got.Body[max(0, len(got.Body)-60):])
		}
		if e := done(l.Events()); len(e) != 1 || strings.Join(e[0].Places, "") != "body:k" {
			t.Errorf("audit: %+v", e)
		}
	})
}

// Policy is asked in the middle of a stream as well: the request is cut off.
func TestUnknownLengthDenied(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cut := make(chan string, 1)
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			cut <- fmt.Sprintf("%d bytes, %v, holds value: %v", len(b), err != nil, strings.Contains(string(b), value))
		}), Bindings: map[string]allowlist.Binding{"KEY": {Places: []string{"header"}}}}
		change(&cfg)
		l := lab.New(t, cfg)
		body := `{"pad":"` + strings.Repeat("x", 100_000) + `","k":"AS_SECRET_KEY"}`
		req, _ := http.NewRequest("POST", l.URL(host, "/"), io.MultiReader(strings.NewReader(body[:50]), strings.NewReader(body[50:])))
		req.Header.Set("Content-Type", "application/json")
		resp, text := send(t, l.Client, req)
		wantProblem(t, resp, text, 403, "place_denied")
		if got := <-cut; !strings.HasSuffix(got, "true, holds value: false") {
			t.Errorf("origin: %s", got)
		}
	})
}

func TestLongBody(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	pad := `{"pad":"` + strings.Repeat("x", 2<<20)
	resp, body := do(t, l, "POST", l.URL(host, "/"), `{"k":"AS_SECRET_KEY","pad":"`+pad[8:]+`"}`, http.Header{"Content-Type": {"application/json"}})
	wantProblem(t, resp, body, 413, "body_too_large")
	o.none(t)
	text := pad + ` AS_SECRET_KEY"}`
	if resp, _ := do(t, l, "POST", l.URL(host, "/"), text, http.Header{"Content-Type": {"application/json"}}); resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	if got := o.take(t); got.Body != text || got.Length != int64(len(text)) {
		t.Errorf("a long body without a use changed: %d bytes, want %d", len(got.Body), len(text))
	}
}

// Whole values where policy says that they are text pass as they are.
func TestBodyText(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Text: func(u mitm.Use) bool { return strings.HasPrefix(u.Place, "body") }})
	const body = `{"messages":[{"content":"AS_SECRET_KEY"}]}`
	do(t, l, "POST", l.URL(host, "/"), body, http.Header{"Content-Type": {"application/json"}})
	if got := o.take(t); got.Body != body {
		t.Errorf("got %s", got.Body)
	}
}

func TestS2NotAllowedInPlace(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{
		Secrets: map[string]string{"LINES": "one\r\ntwo-and-more", "NUL": "zero\x00byte-value", "DOTS": ".."}, Allow: []string{host}, Origin: o,
		Bindings: map[string]allowlist.Binding{"DOTS": {Places: []string{"path"}}},
	})
	for _, name := range []string{"LINES", "NUL"} {
		resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer(name))
		p := wantProblem(t, resp, body, 422, "value_not_allowed_in_place")
		if p.Name != name || strings.Contains(body, "two-and") {
			t.Errorf("got %s", body)
		}
	}
	resp, body := do(t, l, "GET", l.URL(host, "/a/AS_SECRET_DOTS/b"), "", nil)
	wantProblem(t, resp, body, 422, "value_not_allowed_in_place")
	o.none(t)
}

// The second-order case: a value that reads like a placeholder stays as it is.
func TestS4NoRescan(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: map[string]string{"A": "AS_SECRET_B", "B": value}, Allow: []string{host}, Origin: o})
	do(t, l, "GET", l.URL(host, "/?q=AS_SECRET_A"), "", bearer("A"))
	if got := o.take(t); got.Header.Get("Authorization") != "Bearer AS_SECRET_B" || !strings.Contains(got.Target, "q=AS_SECRET_B") {
		t.Errorf("got %s %s", got.Target, got.Header.Get("Authorization"))
	}
}

// Fields that end at this connection go before anything is expanded, whatever
// Connection names among them.
func TestS6HopByHop(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, OriginH1: true})
	conn := l.TLS(l.Authority(host), "http/1.1")
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Authorization, close\r\nAuthorization: Bearer AS_SECRET_KEY\r\n"+
		"Proxy-Authorization: Basic AS_SECRET_KEY\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\n\r\n", l.Authority(host))
	io.ReadAll(conn)
	got := o.take(t)
	for _, f := range []string{"Authorization", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive", "Upgrade"} {
		if v, ok := got.Header[f]; ok {
			t.Errorf("origin got %s: %q", f, v)
		}
	}
	if te := got.Header.Get("Te"); te != "trailers" {
		t.Errorf("TE is %q", te)
	}
}
