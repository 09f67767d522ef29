package agents

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// registered is a book with one agent and a token of it.
func registered(t *testing.T, project string, w Wanted) (b *Book, a *Agent, text, id string) {
	t.Helper()
	b = &Book{}
	a, err := b.Register("bot", project, now)
	if err != nil {
		t.Fatal(err)
	}
	text, token, err := a.Issue(w, now)
	if err != nil {
		t.Fatal(err)
	}
	return b, a, text, token.ID
}

// saved is b as another process reads it.
func saved(t *testing.T, b *Book) *Book {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy", "wsp.json")
	err := Update(path, func(_ *allowlist.Policy, fresh *Book) error {
		fresh.Agents = b.Agents
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := allowlist.LoadPolicy(path)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Load(p)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestBookIsReadAsItWasWritten(t *testing.T) {
	b, a, text, id := registered(t, "prj_1", Wanted{Label: "ci", Environment: "staging", Expires: now.Add(time.Hour), Saved: true})
	host, err := ParseHost("*.example.com:8443")
	if err != nil {
		t.Fatal(err)
	}
	a.Policy = Policy{Allow: []string{"A_*"}, Deny: []string{"A_B"}, Hosts: []allowlist.Rule{host}, Methods: []string{"GET"}, Rate: 7}
	read := saved(t, b)
	got, token := read.ByText(text)
	if got == nil || token.ID != id || token.Label != "ci" || token.Environment != "staging" || !token.Expires.Equal(now.Add(time.Hour)) || !token.Saved {
		t.Fatalf("%+v %+v", got, token)
	}
	p := got.Policy
	if got.ProjectID != "prj_1" || p.Allow[0] != "A_*" || p.Deny[0] != "A_B" || p.Hosts[0].String() != "*.example.com:8443" || p.Methods[0] != "GET" || p.Rate != 7 {
		t.Errorf("%+v", got)
	}
	if other, _ := read.ByText(text + "x"); other != nil {
		t.Error("another text leads to the token")
	}
	if other, _ := read.ByText(id); other != nil {
		t.Error("its ID leads to the token")
	}
}

// The text of a token stands nowhere in what is kept.
func TestA12TokenIsKeptAsHash(t *testing.T) {
	b, _, text, _ := registered(t, "", Wanted{Label: "ci", Saved: true})
	p := &allowlist.Policy{}
	if err := b.Save(p); err != nil {
		t.Fatal(err)
	}
	if len(text) != len(tokenPrefix)+52 || !IsToken(text) {
		t.Errorf("a token of %d characters", len(text))
	}
	if strings.Contains(string(p.Agents), text[len(tokenPrefix):]) {
		t.Errorf("%s", p.Agents)
	}
}

func TestL13TokensEnd(t *testing.T) {
	b, a, text, id := registered(t, "", Wanted{Expires: now.Add(time.Hour)})
	check := func(at time.Time) string {
		t.Helper()
		agent, token := saved(t, b).ByText(text)
		var e *TokenError
		if errors.As(token.Check(agent, "prj", "development", at), &e) {
			return e.Status
		}
		return ""
	}
	if got := check(now.Add(time.Hour - time.Second)); got != "" {
		t.Errorf("%s before its time", got)
	}
	if got := check(now.Add(time.Hour)); got != Expired {
		t.Errorf("%q when its time is over", got)
	}
	if ended, err := a.Revoke(id, now); err != nil || len(ended) != 1 {
		t.Fatal(ended, err)
	}
	if got := check(now); got != Revoked {
		t.Errorf("%q when it is revoked", got)
	}
	if _, err := b.Remove("BOT"); err != nil {
		t.Fatal(err)
	}
	if got := check(now); got != Revoked {
		t.Errorf("%q when its agent is gone", got)
	}
}

func TestL14TokensAreOfTheirPlace(t *testing.T) {
	_, a, _, _ := registered(t, "prj_1", Wanted{Environment: "staging"})
	for _, c := range []struct {
		project, environment string
		counts               bool
	}{
		{"prj_1", "staging", true}, {"prj_1", "production", false}, {"prj_2", "staging", false}, {"", "staging", false}, {"prj_1", "", false},
	} {
		err := a.Tokens[0].Check(a, c.project, c.environment, now)
		var e *TokenError
		if (err == nil) != c.counts || err != nil && (!errors.As(err, &e) || e.Status != Active) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestL15PolicyDenies(t *testing.T) {
	hosts := []allowlist.Rule{{Host: "api.acme.test"}, {Host: "acme.test", Wildcard: true, Port: 8443}}
	for _, c := range []struct {
		policy  Policy
		name    string
		host    string
		port    int
		allowed bool
		hint    string
	}{
		{Policy{Allow: []string{"*"}}, "KEY", "any.test", 443, true, ""},
		{Policy{}, "KEY", "any.test", 443, false, "--allow KEY"},
		{Policy{Allow: []string{"A_*", "B"}}, "A_KEY", "any.test", 443, true, ""},
		{Policy{Allow: []string{"A_*", "B"}}, "AKEY", "any.test", 443, false, "--allow 'A_*,B,AKEY'"},
		{Policy{Allow: []string{"A_*", "B"}}, "BB", "any.test", 443, false, "--allow 'A_*,B,BB'"},
		{Policy{Allow: []string{"*"}, Deny: []string{"*_LIVE", "X"}}, "KEY_LIVE", "any.test", 443, false, "--deny X"},
		{Policy{Allow: []string{"KEY"}, Deny: []string{"KEY"}}, "KEY", "any.test", 443, false, "--deny ''"},
		{Policy{Allow: []string{"*"}, Hosts: hosts}, "KEY", "api.acme.test", 443, true, ""},
		{Policy{Allow: []string{"*"}, Hosts: hosts}, "KEY", "API.acme.test", 443, true, ""},
		{Policy{Allow: []string{"*"}, Hosts: hosts}, "KEY", "b.acme.test", 8443, true, ""},
		{Policy{Allow: []string{"*"}, Hosts: hosts}, "KEY", "api.acme.test", 444, false, "--host 'api.acme.test,*.acme.test:8443,api.acme.test:444'"},
		{Policy{Allow: []string{"*"}, Methods: []string{"GET"}}, "KEY", "any.test", 443, true, ""},
		{Policy{Allow: []string{"*"}, Methods: []string{"PUT"}}, "KEY", "any.test", 443, false, "--method PUT,GET"},
	} {
		err := c.policy.Check("bot", allowlist.Use{Name: c.name, Host: c.host, Port: c.port, Method: "GET", Path: "/", Place: "header:x"})
		var d *DeniedError
		if (err == nil) != c.allowed || err != nil && (!errors.As(err, &d) || d.Agent != "bot" || d.Hint() != "agentsecrets agent policy set bot "+c.hint) {
			t.Errorf("%+v %s %s: %v, hint %q", c.policy, c.name, c.host, err, c.hint)
			if d != nil {
				t.Log(d.Hint())
			}
		}
	}
}

func TestNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"bot": true, "Bot-7.x_y": true, "a23456789012345678901"[:20]: true, "a23456789012345678901": false, "": false, "-b": false, "two words": false,
		"AGENT": false, "AGENTS": false, "agent": true, "ast_bot": false, "böt": false, "a/b": false, "a\nb": false,
	} {
		if err := ValidName(name); (err == nil) != valid {
			t.Errorf("%q: %v", name, err)
		}
	}
	b, _, _, _ := registered(t, "", Wanted{})
	var taken *TakenError
	if _, err := b.Register("BOT", "", now); !errors.As(err, &taken) {
		t.Errorf("another case is another agent: %v", err)
	}
}

// The newest saved token that counts is the one that the name stands for.
func TestSavedNames(t *testing.T) {
	b, a, _, first := registered(t, "", Wanted{Saved: true})
	_, second, err := a.Issue(Wanted{Saved: true}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Issue(Wanted{}, now); err != nil {
		t.Fatal(err)
	}
	named := func() string {
		if _, token := b.BySavedName("BOT_TOKEN", now); token != nil {
			return token.ID
		}
		return ""
	}
	if got := named(); got != second.ID {
		t.Errorf("%s, want the second", got)
	}
	for _, id := range []string{second.ID, first} {
		if _, err := a.Revoke(id, now); err != nil {
			t.Fatal(err)
		}
		if id == second.ID && named() != first {
			t.Errorf("%s, want the one that counts", named())
		}
	}
	if _, token := b.BySavedName("BOT_TOKEN", now); token.Status(now) != Revoked {
		t.Error("a name leads to a token that was not saved")
	}
	if _, token := b.BySavedName("bot_TOKEN", now); token != nil {
		t.Error("another name leads to it")
	}
}

func TestParseExpiry(t *testing.T) {
	for text, want := range map[string]time.Time{
		"30d": now.AddDate(0, 0, 30), "12h": now.Add(12 * time.Hour), "90m": now.Add(90 * time.Minute), "2w": now.AddDate(0, 0, 14), "129600m": now.AddDate(0, 0, 90), "36500d": now.AddDate(0, 0, 36500),
		"2026-03-04": time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), "2026-03-04T05:06:07+01:00": time.Date(2026, 3, 4, 4, 6, 7, 0, time.UTC),
		"": {}, "d": {}, "0d": {}, "-1d": {}, "30": {}, "1.5h": {}, "tomorrow": {}, "36501d": {}, "99999999d": {}, "9223372036854775807w": {}, "99999999999999999999m": {}, "+1d": {}, "3ö": {}, "2026-13-01": {},
	} {
		got, err := ParseExpiry(text, now)
		if (err != nil) != want.IsZero() || !got.Equal(want) && err == nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, _, err := (&Agent{Name: "bot"}).Issue(Wanted{Expires: now}, now); err == nil {
		t.Error("a token whose time is over is issued")
	}
}

// What cannot be understood whole is not used.
func TestCorruptAgents(t *testing.T) {
	for _, text := range []string{
		`[]`, `{"bot":{}}`, `{"bot":{"allow":["*"],"deny":[],"hosts":[]}}`, `{"bot":{"allow":["*"],"deny":[],"hosts":[],"methods":[],"rate":-1}}`,
		`{"bot":{"allow":["*"],"deny":[],"hosts":[],"methods":[],"only":["x"]}}`, `{"b t":{"allow":["*"],"deny":[],"hosts":[],"methods":[]}}`,
		`{"bot":{"allow":["*"],"deny":[],"hosts":[],"methods":[],"tokens":[{"id":"tok_1","sha256":"00"}]}}`, `{"bot":{"allow":["a"],"deny":[],"hosts":[],"methods":[]}}`,
	} {
		var e *CorruptError
		if _, err := Load(&allowlist.Policy{Agents: []byte(text)}); !errors.As(err, &e) || e.Hint() == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Load(&allowlist.Policy{Agents: []byte(`{"bot":{"allow":["*"],"deny":[],"hosts":[],"methods":[]}}`)}); err != nil {
		t.Error(err)
	}
}

// Of tokens that count no more the last ones stay.
func TestEndedTokensAreForgotten(t *testing.T) {
	_, a, _, _ := registered(t, "", Wanted{})
	for range maxEnded + 5 {
		_, token, err := a.Issue(Wanted{}, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Revoke(token.ID, now); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.Tokens); n != maxEnded+1 || a.Active(now) != 1 {
		t.Errorf("%d tokens, %d of them count", n, a.Active(now))
	}
}
