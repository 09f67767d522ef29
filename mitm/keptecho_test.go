package mitm_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// board is an origin where people keep texts: what was posted can be read again,
// as it is and changed.
type board struct {
	mu     sync.Mutex
	posted []string // bodies
	seen   []string // all else of the requests
}

func (o *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(b) > 0 {
		o.posted = append(o.posted, string(b))
	}
	o.seen = append(o.seen, fmt.Sprint(r.RequestURI, r.Header))
	text := strings.Join(o.posted, "\n") + r.Header.Get("Authorization")
	if r.URL.Path == "/changed" {
		backwards := []byte(text)
		slices.Reverse(backwards)
		text = string(backwards)
	}
	fmt.Fprint(w, text)
}

// boards are hosts that show what they are sent to people, or hand it to models.
var boards = []string{"api.github.com", "gist.github.com", "pastebin.com", "slack.com", "discord.com", "api.openai.com"}

// everywhere leads every name to this machine.
func everywhere(m *mitm.Config) {
	m.Pin = func(_ string, port int) (netip.AddrPort, bool) {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)), true
	}
}

// What is kept and changed nobody finds: so no value gets into a body that others
// can read, as long as nobody bound it to one. There, too, bodies and paths are not
// where values go, and what comes back as it was is found.
func TestE9NothingIsPosted(t *testing.T) {
	bodies := []struct{ kind, body string }{
		{isJSON, `{"files":{"a.txt":{"content":"AS_SECRET_KEY"}}}`},
		{isJSON, `{"description":"the key is AS_SECRET_KEY","text":"\u0041S_SECRET_KEY"}`},
		{isJSON, `["AS_SECRET_KEY"]`},
		{isForm, "api_paste_code=AS_SECRET_KEY&k=AS%5FSECRET_KEY"},
		{isPart, multipart("AS_SECRET_KEY", "see AS_SECRET_KEY")},
		{"text/plain", "AS_SECRET_KEY"},
		{"", "AS_SECRET_KEY"},
		{"application/xml", "<k>AS_SECRET_KEY</k>"},
		{"text/plain", base64.StdEncoding.EncodeToString([]byte("AS_SECRET_KEY"))},
	}
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, host := range boards {
			o := &board{}
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: everywhere}
			change(&cfg)
			l := lab.New(t, cfg)
			for _, b := range bodies {
				head := bearer("KEY") // it goes to this host, in the field where it belongs
				if b.kind != "" {
					head.Set("Content-Type", b.kind)
				}
				if resp, text := do(t, l, "POST", l.URL(host, "/gists"), b.body, head); resp.StatusCode != 200 {
					t.Errorf("%s, %s: %s %s", host, b.body, resp.Status, text)
				}
			}
			resp, body := do(t, l, "POST", l.URL(host, "/gists/AS_SECRET_KEY"), "", bearer("KEY"))
			wantProblem(t, resp, body, 403, "place_denied")
			o.mu.Lock()
			noEcho(t, host+" keeps", strings.Join(o.posted, "\n"))
			if all := strings.Join(o.seen, "\n"); len(o.posted) != len(bodies) || strings.Count(all, "Bearer "+value) != len(bodies) {
				t.Errorf("%s got %d bodies, and %s", host, len(o.posted), all)
			}
			o.mu.Unlock()
			_, body = do(t, l, "GET", l.URL(host, "/gists"), "", bearer("KEY"))
			noEcho(t, host+" says", body)
			wantMarker(t, host+" says", body)
		}
	})
}

// A binding narrows it to the methods and paths that the secret is for, where
// nothing is kept; a field that names another method or path does not widen it.
func TestE9MethodsAndPaths(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := &board{}
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Bindings: map[string]allowlist.Binding{
			"KEY": {Places: []string{"header:authorization"}, Methods: []string{"GET"}, Paths: []string{"/v1/*"}},
		}}
		change(&cfg)
		l := lab.New(t, cfg)
		if resp, body := do(t, l, "GET", l.URL(host, "/v1/me"), "", bearer("KEY")); resp.StatusCode != 200 {
			t.Fatalf("%s %s", resp.Status, body)
		}
		o.mu.Lock()
		o.seen = nil
		o.mu.Unlock()
		with := func(field, line string) http.Header {
			h := bearer("KEY")
			h.Set(field, line)
			return h
		}
		for _, c := range []struct {
			method, target string
			head           http.Header
			slug           string
		}{
			{"POST", "/v1/me", bearer("KEY"), "method_denied"},
			{"PUT", "/v1/me", bearer("KEY"), "method_denied"},
			{"GET", "/gists", bearer("KEY"), "binding_denied"},
			{"GET", "/v1/../gists", bearer("KEY"), "binding_denied"},
			{"GET", "/v1//gists", bearer("KEY"), "binding_denied"},
			{"GET", "/v1/%2e%2e/gists", bearer("KEY"), "binding_denied"},
			{"GET", "/v1/me", with("X-Http-Method-Override", "POST"), "method_denied"},
			{"GET", "/v1/me", with("X-Original-Url", "/gists"), "binding_denied"},
			{"GET", "/v1/me?k=AS_SECRET_KEY", nil, "place_denied"},
			{"GET", "/v1/me", http.Header{"X-Key": {"AS_SECRET_KEY"}}, "place_denied"},
		} {
			resp, body := do(t, l, c.method, l.URL(host, c.target), "", c.head)
			wantProblem(t, resp, body, 403, c.slug)
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.seen) > 0 {
			t.Errorf("the origin was asked %q", o.seen)
		}
	})
}
