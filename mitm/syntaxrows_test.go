package mitm_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// Line breaks and NUL in a value end nothing: they are escaped where there is a
// way to, and refused where there is none, by the name and never by the value.
func TestS2LineBreaks(t *testing.T) {
	const odd = "first\r\nX-Evil: 1\r\n\r\nGET /smuggled HTTP/1.1\x00last"
	pair := base64.StdEncoding.EncodeToString([]byte("user:AS_SECRET_ODD"))
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{
			Secrets: map[string]string{"ODD": odd}, Allow: []string{host}, Origin: o,
			Bindings: map[string]allowlist.Binding{"ODD": {Places: []string{"path", "query", "header", "cookie", "basic", "body", "form"}}},
		}
		change(&cfg)
		l := lab.New(t, cfg)
		l.Client.Timeout = 10 * time.Second // a request that is two has an answer too many
		for _, h := range []http.Header{{"X-Key": {"AS_SECRET_ODD"}}, bearer("ODD"), {"X-Key": {"a AS_SECRET_ODD"}}, {"Cookie": {"a=AS_SECRET_ODD"}}, {"Cookie": {"AS_SECRET_ODD"}}} {
			resp, body := do(t, l, "GET", l.URL(host, "/"), "", h)
			p := wantProblem(t, resp, body, 422, "value_not_allowed_in_place")
			if p.Name != "ODD" || strings.Contains(body, "first") || strings.Contains(body, "Evil") {
				t.Errorf("%v: %s", h, body)
			}
		}
		o.none(t)
		for _, c := range []struct {
			what, target, kind, body, field, line string
			read                                  func(seen) string // as a server does it
		}{
			{what: "query", target: "/?k=AS_SECRET_ODD", read: func(s seen) string { u, _ := url.ParseRequestURI(s.Target); return u.Query().Get("k") }},
			{what: "path", target: "/AS_SECRET_ODD", read: func(s seen) string { u, _ := url.ParseRequestURI(s.Target); return u.Path[1:] }},
			{what: "JSON", kind: isJSON, body: `{"k":"AS_SECRET_ODD"}`, read: func(s seen) string {
				var v struct{ K string }
				_ = json.Unmarshal([]byte(s.Body), &v)
				return v.K
			}},
			{what: "form", kind: isForm, body: "k=AS_SECRET_ODD", read: func(s seen) string { v, _ := url.ParseQuery(s.Body); return v.Get("k") }},
			{what: "basic", field: "Authorization", line: "Basic " + pair, read: func(s seen) string {
				_, pw, _ := (&http.Request{Header: s.Header}).BasicAuth()
				return pw
			}},
			{what: "base64 in a field", field: "X-Key", line: pair, read: func(s seen) string {
				b, _ := base64.StdEncoding.DecodeString(s.Header.Get("X-Key"))
				return strings.TrimPrefix(string(b), "user:")
			}},
		} {
			h := http.Header{}
			if c.kind != "" {
				h.Set("Content-Type", c.kind)
			}
			if c.field != "" {
				h.Set(c.field, c.line)
			}
			target := c.target
			if target == "" {
				target = "/"
			}
			if resp, body := do(t, l, "POST", l.URL(host, target), c.body, h); resp.StatusCode != 200 {
				t.Errorf("%s: %s %s", c.what, resp.Status, body)
				continue
			}
			got := o.take(t)
			if v := c.read(got); v != odd {
				t.Errorf("%s: the origin reads %q", c.what, v)
			}
			if got.Header.Get("X-Evil") != "" || strings.ContainsAny(got.Target, "\r\n\x00 ") {
				t.Errorf("%s: the origin got %+v", c.what, got)
			}
		}
		o.none(t)
	})
}

// What is put in is put in once, whole names alone, wherever it goes: not what a
// value reads like, nor a name that another begins with.
func TestS4PutInOnce(t *testing.T) {
	values := map[string]string{"A": "AS_SECRET_B", "B": "AS_SECRET_A", "A_B": "AS_SECRET_", "A_B_C": "A AS_SECRET_A", "A2": value}
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{Secrets: values, Allow: []string{host}, Origin: o, Bindings: map[string]allowlist.Binding{}}
		for name := range values {
			cfg.Bindings[name] = allowlist.Binding{Places: []string{"path", "query", "header", "body", "form"}}
		}
		change(&cfg)
		l := lab.New(t, cfg)
		for name, want := range values {
			is := "AS_SECRET_" + name
			do(t, l, "POST", l.URL(host, "/"+is+"?k="+is), `["`+is+`"]`, http.Header{"Content-Type": {isJSON}, "X-Key": {is + ";" + is}})
			got := o.take(t)
			u, err := url.ParseRequestURI(got.Target)
			if err != nil {
				t.Fatal(err)
			}
			if u.Path != "/"+want || u.Query().Get("k") != want || got.Body != `["`+want+`"]` || got.Header.Get("X-Key") != want+";"+want {
				t.Errorf("%s: the origin got %+v", name, got)
			}
		}
		both := "AS_SECRET_A" + "AS_SECRET_B" // one word: no name of ours
		do(t, l, "GET", l.URL(host, "/?k="+both), "", http.Header{"X-Key": {"AS_SECRET_AA"}, "X-Text": {"AS_SECRET_A_AS_SECRET_b"}})
		select {
		case got := <-o.got:
			noEcho(t, "the request", fmt.Sprint(got))
			if got.Header.Get("X-Text") != "AS_SECRET_A_AS_SECRET_b" {
				t.Errorf("the origin got %+v", got)
			}
		default: // refused: there is no such secret
		}
	})
}

// A client that signs with what it has signs with the placeholder: the signature
// passes as it is and fits nothing, for nobody signs anew. So does one that was
// made over a message with a placeholder in it.
func TestS5Signed(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o}
		change(&cfg)
		l := lab.New(t, cfg)
		sign := func(key, text string) string {
			m := hmac.New(sha256.New, []byte(key))
			io.WriteString(m, text)
			return hex.EncodeToString(m.Sum(nil))
		}
		const body = `{"k":"AS_SECRET_KEY"}`
		sums := http.Header{
			"Content-Type": {isJSON}, "X-Signature": {sign("AS_SECRET_KEY", body)},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=" + sign("AWS4AS_SECRET_KEY", "20260101")},
		}
		if resp, text := do(t, l, "POST", l.URL(host, "/"), body, sums); resp.StatusCode != 200 {
			t.Fatalf("%s %s", resp.Status, text)
		}
		got := o.take(t)
		for _, f := range []string{"X-Signature", "Authorization"} {
			if got.Header.Get(f) != sums.Get(f) {
				t.Errorf("%s became %q", f, got.Header.Get(f))
			}
		}
		if got.Body != `{"k":"`+value+`"}` || sign(value, got.Body) == got.Header.Get("X-Signature") {
			t.Errorf("the origin got %+v", got)
		}
		// A token in three parts is signed as well: it is left alone. Other base64 is
		// expanded inside, and encoded again.
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"key":"AS_SECRET_KEY"}`))
		do(t, l, "GET", l.URL(host, "/"), "", http.Header{"Authorization": {"Bearer e30." + claims + ".c2ln"}, "X-Claims": {claims}})
		got = o.take(t)
		if is := got.Header.Get("Authorization"); is != "Bearer e30."+claims+".c2ln" {
			t.Errorf("the token became %q", is)
		}
		if b, err := base64.RawURLEncoding.DecodeString(got.Header.Get("X-Claims")); err != nil || string(b) != `{"key":"`+value+`"}` {
			t.Errorf("base64 of %q, %v", b, err)
		}
	})
}

// Switching to HTTP/2 in clear, and what Connection names, go no further, though
// the origin would agree.
func TestS6NoOtherHTTP(t *testing.T) {
	for _, u := range []string{"h2c", "H2C", "h2c-14", "HTTP/2.0", "websocket, h2c"} {
		o := newRecorder()
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, OriginH1: true})
		conn := l.TLS(l.Authority(host), "http/1.1")
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade, HTTP2-Settings, X-Key, close\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nUpgrade: %s\r\nX-Key: %s\r\n\r\n", l.Authority(host), u, isKey)
		if text, _ := io.ReadAll(conn); !strings.HasPrefix(string(text), "HTTP/1.1 200") {
			t.Errorf("%s: answered with %q", u, text)
		}
		got := o.take(t).Header
		if up := got.Get("Upgrade"); strings.HasPrefix(strings.ToLower(up), "h2c") || strings.HasPrefix(up, "HTTP/") || got.Get("Http2-Settings")+got.Get("X-Key") != "" {
			t.Errorf("%s: the origin got %q", u, got)
		}
	}
}

// What an origin says of its connection is not said of ours.
func TestS6OriginsFields(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		l, authority := sayings(t, map[string]string{"x": "HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: $V\r\nKeep-Alive: timeout=$V\r\nProxy-Authenticate: Basic realm=$V\r\nProxy-Connection: $V\r\n" +
			"Upgrade: $V\r\nAlt-Svc: h3=\":443\"\r\nContent-Length: 2\r\n\r\nok"}, func(c *lab.Config) { c.ClientH1 = http1 })
		status, all, err := allOf(t, l, authority, "x")
		if status != 200 || err != nil {
			t.Errorf("%d %q, %v", status, all, err)
		}
		for _, f := range []string{"X-Hop", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Upgrade", "Alt-Svc"} {
			if strings.Contains(all, f+":") {
				t.Errorf("HTTP/%d: the client got %s: %s", version(http1), f, all)
			}
		}
		noEcho(t, "the head", all)
	}
}
