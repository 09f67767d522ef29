package mitm_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

const (
	botToken   = "ast_bot-token-that-goes-no-further"
	rivalToken = "ast_rival-token-that-goes-no-further"
)

// newAgentLab knows two agents. refused holds the IDs of tokens that count no more.
func newAgentLab(t *testing.T, o http.Handler, pinned *atomic.Value, change func(*mitm.Config)) *lab.Lab {
	t.Helper()
	var l *lab.Lab
	l = lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
		c.Identify = func(s mitm.Scope, token string) mitm.Scope {
			s.AgentID, s.TokenID = "", "-"
			switch token {
			case botToken:
				s.AgentID, s.TokenID = "bot", "tok_bot"
			case rivalToken:
				s.AgentID, s.TokenID = "rival", "tok_rival"
			}
			return s
		}
		c.Admit = func(s mitm.Scope) error {
			if s.TokenID == "-" || s.TokenID == pinned.Load() {
				return &mitm.Problem{Status: 403, Slug: "agent_token_invalid", Message: "no"}
			}
			return nil
		}
		c.Local = func(net.Conn) (mitm.RunOf, error) { return func() (*mitm.Run, error) { return l.Run, nil }, nil }
		if change != nil {
			change(c)
		}
	}})
	return l
}

func revoked(id string) *atomic.Value {
	var v atomic.Value
	v.Store(id)
	return &v
}

// A token that is shown at any of the doors says who asks, and reaches neither the
// origin nor anything that is written.
func TestA12TokenGoesNoFurther(t *testing.T) {
	o := newRecorder()
	l := newAgentLab(t, o, revoked(""), nil)
	clients := map[string]func() *http.Response{
		"HTTP/2": func() *http.Response {
			return sendToken(t, l.Client, l.URL(host, "/h2"), "X-AS-Agent-Token")
		},
		"HTTP/1.1": func() *http.Response {
			return sendToken(t, l.NewClient(false), l.URL(host, "/h1"), "x-as-aGENT-tOKEN")
		},
		"the contract": func() *http.Response {
			resp, _ := askProxy(t, l, "GET", http.Header{
				"X-AS-Target-URL": {l.URL(host, "/call")}, "X-AS-Agent-Token": {botToken}, "X-AS-Agent-ID": {"somebody"}, "X-AS-Inject-Header-X-Key": {"KEY"},
			}, "")
			return resp
		},
		"CONNECT": func() *http.Response {
			c := l.NewClient(false)
			c.Transport.(*http.Transport).ProxyConnectHeader = http.Header{"X-AS-Agent-Token": {botToken}}
			return sendToken(t, c, l.URL(host, "/connect"), "X-Other")
		},
	}
	for name, ask := range clients {
		before := len(done(l.Events()))
		if resp := ask(); resp.StatusCode != 200 {
			t.Errorf("%s: %s", name, resp.Status)
			continue
		}
		got := o.take(t)
		if got.Header.Get("X-Key") != value {
			t.Errorf("%s: the value did not arrive", name)
		}
		for field, lines := range got.Header {
			if strings.Contains(strings.Join(lines, " "), botToken) || strings.EqualFold(field, "X-AS-Agent-Token") {
				t.Errorf("%s: the origin got %s: %s", name, field, lines)
			}
		}
		e := done(l.Events())[before:]
		if len(e) != 1 || e[0].AgentID != "bot" || e[0].TokenID != "tok_bot" || e[0].IdentityLevel != "issued" {
			t.Errorf("%s: audit %+v", name, e)
		}
	}
	files, err := filepath.Glob(filepath.Join(l.AuditDir(), "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, path := range files {
		if b, err := os.ReadFile(path); err != nil || bytes.Contains(b, []byte("ast_")) {
			t.Errorf("a token in %s (%v)", path, err)
		}
	}
	if strings.Contains(l.Log.String(), "ast_") {
		t.Error("a token in the log")
	}
}

func sendToken(t *testing.T, c *http.Client, url, field string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header[field] = []string{botToken}
	if field == "X-Other" {
		req.Header[field] = []string{"x"}
	}
	req.Header.Set("X-Key", "AS_SECRET_KEY")
	resp, _ := send(t, c, req)
	return resp
}

// Whose a run is stays: with another's token, and under any name.
func TestL16RunStaysItsAgents(t *testing.T) {
	o := newRecorder()
	l := newAgentLab(t, o, revoked(""), nil)
	scope := mitm.Scope{AgentID: "bot", TokenID: "tok_bot"}
	run := l.Proxy.NewRun(func() mitm.Scope { return scope })
	defer run.Revoke()
	l.Run = run
	for _, c := range []struct {
		name   string
		header http.Header
		want   int
	}{
		{"nothing", http.Header{}, 200},
		{"its own token", http.Header{"X-AS-Agent-Token": {botToken}}, 200},
		{"another name", http.Header{"X-AS-Agent-ID": {"rival"}}, 200},
		{"another's token", http.Header{"X-AS-Agent-Token": {rivalToken}}, 403},
		{"nobody's token", http.Header{"X-AS-Agent-Token": {"x"}}, 403},
		{"two tokens", http.Header{"X-AS-Agent-Token": {botToken, rivalToken}}, 403},
		{"no text", http.Header{"X-AS-Agent-Token": {""}}, 403},
	} {
		h := c.header.Clone()
		h["X-AS-Target-URL"], h["X-AS-Inject-Header-X-Key"] = []string{l.URL(host, "/")}, []string{"KEY"}
		if resp, body := askProxy(t, l, "GET", h, ""); resp.StatusCode != c.want || c.want == 403 && !strings.Contains(body, `"error":"agent_denied"`) {
			t.Errorf("%s: %s %s", c.name, resp.Status, body)
		} else if c.want == 200 {
			o.take(t)
		}
	}
	events := l.Events()
	if len(done(events)) != 7 {
		t.Errorf("%d exchanges are recorded", len(done(events)))
	}
	for _, e := range events {
		if e.AgentID != "bot" || e.TokenID != "tok_bot" {
			t.Errorf("audit %+v", e)
		}
	}
}

// Without anybody to tell what a token is worth, none counts.
func TestTokensCountForNothingByThemselves(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}})
	if resp := sendToken(t, l.Client, l.URL(host, "/"), "X-AS-Agent-Token"); resp.StatusCode != 403 {
		t.Errorf("without Identify: %s", resp.Status)
	}
	l = newAgentLab(t, newRecorder(), revoked(""), func(c *mitm.Config) { c.Admit = nil })
	if resp := sendToken(t, l.Client, l.URL(host, "/"), "X-AS-Agent-Token"); resp.StatusCode != 403 {
		t.Errorf("without Admit: %s", resp.Status)
	}
}

// A token that ends while a connection is open ends what goes over it.
func TestL13TokenEndsOnAnOpenConnection(t *testing.T) {
	o := newRecorder()
	ended := revoked("")
	l := newAgentLab(t, o, ended, nil)
	c := l.NewClient(true)
	c.Transport.(*http.Transport).ProxyConnectHeader = http.Header{"X-AS-Agent-Token": {botToken}}
	for _, want := range []int{200, 403} {
		if resp := sendToken(t, c, l.URL(host, "/"), "X-Other"); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
		ended.Store("tok_bot")
	}
	o.take(t)
}

// However many secrets an exchange uses, it counts once, and one without counts
// for nothing.
func TestAgentsSpendOnce(t *testing.T) {
	var spent atomic.Int32
	l := newAgentLab(t, nil, revoked(""), func(c *mitm.Config) {
		c.Spend = func(s mitm.Scope) error {
			if spent.Add(1) > 2 {
				return &mitm.Problem{Status: 429, Slug: "rate_limited", Message: "too often"}
			}
			return nil
		}
	})
	ask := func(placeholders string, want int) {
		t.Helper()
		req, err := http.NewRequest("GET", l.URL(host, "/?k="+placeholders), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-AS-Agent-Token", botToken)
		req.Header.Set("X-Key", placeholders)
		if resp, _ := send(t, l.Client, req); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", placeholders, resp.Status, want)
		}
	}
	for range 2 {
		ask("plain", 200)
		ask("AS_SECRET_KEY", 200)
	}
	ask("AS_SECRET_KEY", 429)
	ask("plain", 200)
	if n := spent.Load(); n != 3 {
		t.Errorf("counted %d times", n)
	}
}

// A connection that stays open is no way around a rate: each of its messages with
// secrets counts, and one too many ends it.
func TestAgentsSpendForEachMessage(t *testing.T) {
	var spent atomic.Int32
	o := newTaker(false)
	l := webSocketLab(t, lab.Config{Change: func(c *mitm.Config) {
		c.Identify = func(s mitm.Scope, _ string) mitm.Scope { s.AgentID, s.TokenID = "bot", "tok_bot"; return s }
		c.Admit = func(mitm.Scope) error { return nil }
		c.Spend = func(mitm.Scope) error {
			if spent.Add(1) > 2 {
				return &mitm.Problem{Status: 429, Slug: "rate_limited", Message: "too often"}
			}
			return nil
		}
	}}, o.serve)
	conn := upgraded(t, l, host, "X-AS-Agent-Token: "+botToken)
	for _, plain := range []string{`{"a":"plain"}`, `{"a":"AS_SECRET_KEY","b":"AS_SECRET_KEY"}`, `{"a":"AS_SECRET_KEY"}`} {
		conn.say(text(plain))
		o.take(t)
	}
	conn.say(text(`{"a":"AS_SECRET_KEY"}`))
	if e := waitEvent(t, l); e.Reason != "rate_limited" || e.AgentID != "bot" {
		t.Errorf("recorded as %+v", e)
	}
	if n := spent.Load(); n != 3 {
		t.Errorf("counted %d times", n)
	}
}

// Nor is a body that streams: each piece of it with secrets counts, the first one with
// the head.
func TestAgentsSpendForEachPiece(t *testing.T) {
	var spent atomic.Int32
	lines := make(chan string, 8)
	l := newAgentLab(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for s := bufio.NewScanner(r.Body); s.Scan(); {
			lines <- s.Text()
		}
	}), revoked(""), func(c *mitm.Config) {
		c.Spend = func(mitm.Scope) error {
			if spent.Add(1) > 3 {
				return &mitm.Problem{Status: 429, Slug: "rate_limited", Message: "too often"}
			}
			return nil
		}
	})
	body, client := io.Pipe()
	req, err := http.NewRequest("POST", l.URL(host, "/"), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"X-As-Agent-Token": {botToken}, "X-Key": {"AS_SECRET_KEY"}, "Content-Type": {"application/json"}}
	answer := make(chan string, 1)
	go func() {
		resp, err := l.Client.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		answer <- resp.Status + string(text)
	}()
	for _, piece := range []string{`["AS_SECRET_KEY","AS_SECRET_KEY",`, `"plain",`, `"AS_SECRET_KEY",`, `"AS_SECRET_KEY","AS_SECRET_KEY",`} {
		io.WriteString(client, piece+"\n")
		if got := <-lines; got != strings.ReplaceAll(piece, "AS_SECRET_KEY", value) {
			t.Errorf("the origin got %q", got)
		}
	}
	if n := spent.Load(); n != 3 {
		t.Errorf("counted %d times", n)
	}
	io.WriteString(client, `"AS_SECRET_KEY"]`)
	client.Close()
	if got := <-answer; !strings.HasPrefix(got, "429") || !strings.Contains(got, `"error":"rate_limited"`) {
		t.Errorf("answered %s", got)
	}
	if e := waitEvent(t, l); e.Reason != "rate_limited" {
		t.Errorf("recorded as %+v", e)
	}
}

// What a run may see of values that can be guessed is one budget, whatever its
// clients call themselves.
func TestE7BudgetIsOneForAllNames(t *testing.T) {
	var l *lab.Lab
	l = lab.New(t, lab.Config{Secrets: map[string]string{"WEAK": weak}, Allow: []string{host}, Change: func(c *mitm.Config) {
		c.Local = func(net.Conn) (mitm.RunOf, error) { return func() (*mitm.Run, error) { return l.Run, nil }, nil }
	}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-Key")) })})
	over := 0
	for i := range 25 {
		resp, _ := askProxy(t, l, "GET", http.Header{
			"X-AS-Target-URL": {l.URL(host, "/")}, "X-AS-Agent-ID": {string(rune('a' + i))}, "X-AS-Inject-Header-X-Key": {"WEAK"},
		}, "")
		if resp.StatusCode == 429 {
			over++
		}
	}
	if over == 0 {
		t.Error("another name is another budget")
	}
}
