package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Inside a run calls go by way of its proxy: its rules, its record. What a client pins
// would be another's.
func TestMCPInRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	url := w.origin.url(apiHost)
	by := slices.Concat([]string{binary, "run", "--intercept"}, w.origins(), []string{"--"})
	s, r := w.mcp("auto", by, nil,
		use("call", step{"url": url + "/echo", "bearer": name}),
		use("call", step{"url": "https://evil.test/", "bearer": name}),
		use("call", step{"url": url, "bearer": "NO_SUCH_KEY"}),
		use("list_secrets", nil), use("status", nil), use("read_audit", nil),
	)
	if got := w.origin.last("/echo").Header.Get("Authorization"); got != "Bearer "+w.value {
		t.Errorf("the origin got %q", got)
	}
	if got := s.answers[0].reply(t); got.Status != 200 || !strings.Contains(got.Body, marker) || !got.Redacted {
		t.Errorf("%+v", got)
	}
	if got := s.answers[1].refusal(t); got.Error != "domain_not_in_allowlist" || got.Hint == "" || got.Exchange == "" {
		t.Errorf("%+v", got)
	}
	if got := s.answers[2].refusal(t); got.Error != "secret_not_found" {
		t.Errorf("%+v", got)
	}
	var st struct {
		InsideRun bool `json:"inside_run"`
	}
	if s.answers[4].into(t, &st); !st.InsideRun {
		t.Error("status does not say that it is inside a run")
	}
	var read auditEvents
	if s.answers[5].into(t, &read); len(read.Events) != 3 || read.Events[0].RunID == "" {
		t.Errorf("%+v", read)
	}
	if logs, err := filepath.Glob(w.path("home", "audit", "*.jsonl")); err != nil || len(logs) != 1 {
		t.Errorf("the records are the run's alone, but there are %q", logs)
	}
	w.clean(r)

	as := func(flags ...string) answer {
		serve := slices.Concat(by, []string{binary, "mcp", "serve"}, flags)
		return w.spoken(serve, use("call", step{"url": url + "/echo", "bearer": name}))[0]
	}
	if got := as("--project", "pay", "--environment", "development").reply(t); got.Status != 200 || !got.Redacted { // as mcp install writes it
		t.Errorf("%+v", got)
	}
	if got := as("--project", "pay", "--environment", "staging").refusal(t); got.Error != "denied" {
		t.Errorf("%+v", got)
	}
}

// A server that starts before anything is set up is of use as soon as something is.
func TestMCPBefore(t *testing.T) {
	t.Parallel()
	w := newOutside(t, "")
	p := w.speak(append([]string{binary, "mcp", "serve"}, w.origins()...))
	call := use("call", step{"url": w.origin.url(apiHost) + "/echo", "bearer": name})
	for _, asked := range []step{use("list_secrets", nil), call} {
		if r := p.ask(asked).refusal(t); r.Error != "no_project" || r.Hint != "agentsecrets init" {
			t.Errorf("%+v", r)
		}
	}
	var st struct{ Project, Hint string }
	if p.ask(use("status", nil)).into(t, &st); st.Project != "" || st.Hint != "agentsecrets init" {
		t.Errorf("%+v", st)
	}
	if home, err := os.ReadDir(w.path("home")); err != nil || len(home) != 0 {
		t.Errorf("it left %v in the home, %v", home, err)
	}
	w.setUp()
	if got := p.ask(call).reply(t); got.Status != 200 || !got.Redacted {
		t.Errorf("%+v", got)
	}
	w.agentsecrets("", append(append([]string{"call"}, w.origins()...), "--url", w.origin.url(apiHost)+"/echo", "--bearer", name)...)
	var read auditEvents
	if p.ask(use("read_audit", nil)).into(t, &read); len(read.Events) != 1 || read.Events[0].AgentID != "by hand" {
		t.Errorf("what another process recorded is not its own: %+v", read)
	}
	p.end()
}

// While the store is locked tools say so, and what unlocks it.
func TestMCPLocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.write("passphrase", "a passphrase of some length\n")
	w.agentsecrets("", "passphrase", "set", "--new-passphrase-file", w.path("passphrase"))
	w.agentsecrets("", "lock")
	p := w.speak(append([]string{binary, "mcp", "serve"}, w.origins()...))
	call := use("call", step{"url": w.origin.url(apiHost) + "/echo", "bearer": name})
	if r := p.ask(call).refusal(t); r.Error != "store_locked" || r.Hint != "agentsecrets unlock" {
		t.Errorf("%+v", r)
	}
	var st struct {
		Locked bool
		Hint   string
	}
	if p.ask(use("status", nil)).into(t, &st); !st.Locked || st.Hint != "agentsecrets unlock" {
		t.Errorf("%+v", st)
	}
	p.end()
}

// When its input ends it ends, whatever an API has still to say, and nothing stays.
func TestMCPCloses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	p := w.speak(append([]string{binary, "mcp", "serve"}, w.origins()...))
	p.tell(use("call", step{"url": w.origin.url(apiHost) + "/tools/silent", "bearer": name}))
	wait(t, w.origin.asked, "it asks for nothing")
	p.end()
	wait(t, w.origin.gaveUp, "its request goes on")
	if left, err := filepath.Glob(w.path("home", "audit", "*.live")); err != nil || len(left) != 0 {
		t.Errorf("it left %q", left)
	}
	w.clean(result{stderr: p.stderr.String()})
}

// Flags that decide where values go are as they are for call.
func TestMCPFlags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for _, args := range [][]string{
		{"mcp", "serve", "--origin-ca", w.path("no-such-file")},
		{"mcp", "serve", "--resolve", "api.example.com:443:127.0.0.1"},
		{"mcp", "serve", "--log-level", "loud"},
		{"mcp", "serve", "more"},
	} {
		cmd := w.command(binary, args...)
		out, err := cmd.CombinedOutput()
		if _, failed := err.(*exec.ExitError); !failed {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}
