package clients_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// step is one that the MCP client is told to take.
type step map[string]any

func use(name string, arguments step) step {
	return step{"tool": name, "arguments": arguments}
}

// answer is what came of a step.
type answer struct {
	Failed     bool
	Text       string
	Structured json.RawMessage
	Together   []answer
}

// refusal reads an answer that is an error.
func (a answer) refusal(t *testing.T) (r struct{ Error, Message, Hint, Domain, Name, Exchange string }) {
	t.Helper()
	if !a.Failed || json.Unmarshal([]byte(a.Text), &r) != nil || r.Message == "" {
		t.Errorf("no refusal that a client can read: %v %s", a.Failed, a.Text)
	}
	return r
}

// reply is what the tool call says of a response.
type reply struct {
	Status       int
	Headers      map[string][]string
	Body         string
	BodyEncoding string `json:"body_encoding"`
	Truncated    bool
	Note         string
	Redacted     bool
	Exchange     string
}

// into reads an answer that is none; its text says the same as what is structured.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if a.Failed || json.Unmarshal(a.Structured, v) != nil {
		t.Fatalf("not the answer that was expected: %v %s", a.Failed, a.Text)
	}
	var text, structured any
	if json.Unmarshal([]byte(a.Text), &text) != nil || json.Unmarshal(a.Structured, &structured) != nil || fmt.Sprint(text) != fmt.Sprint(structured) {
		t.Errorf("the text\n%s\nis not what is structured\n%s", a.Text, a.Structured)
	}
}

func (a answer) reply(t *testing.T) (r reply) {
	t.Helper()
	a.into(t, &r)
	return r
}

// mcpSession is what the MCP client saw of a server.
type mcpSession struct {
	tools []struct {
		Name, Description string
		InputSchema       struct {
			Properties map[string]struct{ Description string }
		}
		OutputSchema map[string]any
		Annotations  struct{ ReadOnlyHint, OpenWorldHint *bool }
	}
	answers []answer
}

// mcp has the official client start `mcp serve` with flags, by way of programs such as
// run, and take steps. The server's own output and exit code go to files.
func (w *world) mcp(mode string, by, flags []string, steps ...step) (s mcpSession, r result) {
	w.t.Helper()
	return w.mcpServer(mode, by, append([]string{binary, "mcp", "serve"}, flags...), steps...)
}

// mcpServer is mcp with the server that serve starts.
func (w *world) mcpServer(mode string, by, serve []string, steps ...step) (s mcpSession, r result) {
	w.t.Helper()
	wrapped := fmt.Sprintf(`{ "$@"; echo $? >%s; } | tee %s`, w.path("code"), w.path("protocol"))
	args := slices.Concat(by, []string{python(w.t), script(w.t, "mcp_calls.py"), mode, "sh", "-c", wrapped, "sh"}, serve)
	cmd := w.command(args[0], args[1:]...)
	asked, err := json.Marshal(steps)
	if err != nil {
		w.t.Fatal(err)
	}
	r = w.run(cmd, string(asked))
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if err := json.Unmarshal([]byte(lines[0]), &s.tools); err != nil {
		w.t.Fatalf("%v\n%s", err, r.stdout)
	}
	for _, line := range lines[1:] {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			w.t.Fatalf("%v\n%s", err, line)
		}
		s.answers = append(s.answers, a)
	}
	if len(s.answers) != len(steps) {
		w.t.Fatalf("%d steps, %d answers", len(steps), len(s.answers))
	}
	w.protocolOnly()
	return s, r
}

// protocolOnly holds that the server's standard output was the protocol's alone, and
// that it ended well.
func (w *world) protocolOnly() {
	w.t.Helper()
	text, err := os.ReadFile(w.path("protocol"))
	if err != nil || len(text) == 0 {
		w.t.Fatal("nothing was said: ", err)
	}
	for line := range strings.Lines(string(text)) {
		var m struct{ JSONRPC string }
		if json.Unmarshal([]byte(line), &m) != nil || m.JSONRPC != "2.0" {
			w.t.Errorf("this is no message of the protocol: %s", line)
		}
	}
	if code, err := os.ReadFile(w.path("code")); err != nil || string(code) != "0\n" {
		w.t.Errorf("the server ended with code %q, %v", code, err)
	}
}

// A model can use a secret by its name, and whatever it asks for, it gets no value.
func TestL17MCPServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	url := w.origin.url(apiHost)
	echo := use("call", step{"url": url + "/echo", "bearer": name, "query": step{"key": name, "city": "Lagos"}, "body_field": step{"auth.key": name}, "forward_header": step{"X-Plain": "as it is"}})
	s, r := w.mcp("auto", nil, w.origins(),
		use("list_secrets", nil), use("status", nil), echo, echo,
		use("call", step{"url": "https://evil.test/", "bearer": name}),
		use("call", step{"url": url, "bearer": "NO_SUCH_KEY"}),
		use("call", step{"url": url, "bearer": name, "method": 7}),
		use("call", step{"url": url, "bearer": name, "basic": name}),
		use("call", step{"url": "nothing"}),
		use("test_allowlist", step{"url": url, "names": []string{name}}),
		use("test_allowlist", step{"url": "https://evil.test/"}),
		use("read_audit", nil), use("read_audit", step{"last": 1}),
	)
	t.Run("tools", func(t *testing.T) { describesItself(t, s) })
	t.Run("secrets", func(t *testing.T) {
		var l struct {
			Project string
			Secrets []struct{ Name string }
		}
		s.answers[0].into(t, &l)
		if l.Project != "pay" || len(l.Secrets) != 1 || l.Secrets[0].Name != name {
			t.Errorf("%+v", l)
		}
		var st struct {
			Project, Environment, Store string
			Locked                      bool
			Secrets                     int
			Rules                       []struct{ Host string }
		}
		s.answers[1].into(t, &st)
		if st.Project != "pay" || st.Environment != "development" || st.Store != "file" || st.Locked || st.Secrets != 1 || len(st.Rules) != 3 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("call", func(t *testing.T) {
		got := w.origin.last("/echo")
		if got.Header.Get("Authorization") != "Bearer "+w.value || got.URL.Query().Get("key") != w.value || got.URL.Query().Get("city") != "Lagos" ||
			got.Header.Get("X-Plain") != "as it is" || !strings.Contains(string(got.body), w.value) {
			t.Errorf("the origin got %v %s %s", got.Header, got.URL, got.body)
		}
		for _, a := range s.answers[2:4] {
			if r := a.reply(t); r.Status != 200 || !strings.Contains(r.Body, marker) || !r.Redacted || r.Truncated || r.Exchange == "" {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		for i, want := range map[int]string{4: "domain_not_in_allowlist", 5: "secret_not_found", 6: "usage", 7: "bad_request", 8: "usage"} {
			if r := s.answers[i].refusal(t); r.Error != want {
				t.Errorf("step %d: %+v, want %s", i, r, want)
			}
		}
		if r := s.answers[4].refusal(t); r.Hint != "agentsecrets workspace allowlist add evil.test" || r.Exchange == "" {
			t.Errorf("%+v", r)
		}
		if r := s.answers[5].refusal(t); r.Hint != "agentsecrets secrets set NO_SUCH_KEY" || r.Name != "NO_SUCH_KEY" {
			t.Errorf("%+v", r)
		}
		for i, want := range map[int]bool{9: true, 10: false} {
			var tested struct {
				Allowed bool
				Names   []struct{ Hint string }
			}
			if s.answers[i].into(t, &tested); tested.Allowed != want || (tested.Names[0].Hint == "") != want {
				t.Errorf("step %d: %+v", i, tested)
			}
		}
	})
	t.Run("audit", func(t *testing.T) { ownAudit(t, s.answers[11], s.answers[12]) })
	w.clean(r)
}

// describesItself: clients decide by what tools say whether to ask a person.
func describesItself(t *testing.T, s mcpSession) {
	readOnly := map[string]bool{"list_secrets": true, "call": false, "read_audit": true, "status": true, "test_allowlist": true}
	if len(s.tools) != len(readOnly) {
		t.Errorf("there are %d tools", len(s.tools))
	}
	for _, tool := range s.tools {
		want, known := readOnly[tool.Name]
		if only := tool.Annotations.ReadOnlyHint; !known || (only != nil && *only) != want {
			t.Errorf("%s: read only %v", tool.Name, only)
		}
		if open := tool.Annotations.OpenWorldHint; (open == nil || *open) == want {
			t.Errorf("%s: open world %v", tool.Name, open)
		}
		if tool.Description == "" || tool.OutputSchema == nil {
			t.Errorf("%s has no description, or no output schema", tool.Name)
		}
		for property, p := range tool.InputSchema.Properties {
			if p.Description == "" {
				t.Errorf("%s: %s has no description", tool.Name, property)
			}
		}
	}
}

type auditEvents struct {
	Events []struct {
		Status, Reason string
		AgentID        string   `json:"agent_id"`
		Level          string   `json:"identity_level"`
		RunID          string   `json:"run_id"`
		Keys           []string `json:"secret_keys"`
		Redactions     int
	}
}

// ownAudit: what a server tells is what it recorded itself, under its client's name.
func ownAudit(t *testing.T, all, last answer) {
	var read, one auditEvents
	all.into(t, &read)
	last.into(t, &one)
	var reasons []string
	for _, e := range read.Events {
		reasons = append(reasons, e.Reason)
		if e.AgentID != "test client" || e.Level != "declared" || e.RunID == "" || e.RunID != read.Events[0].RunID {
			t.Errorf("%+v", e)
		}
	}
	if want := []string{"-", "-", "domain_not_in_allowlist", "secret_not_found", "bad_request"}; !slices.Equal(reasons, want) {
		t.Errorf("the reasons are %q, not %q", reasons, want)
	}
	if len(read.Events) > 0 && (read.Events[0].Redactions == 0 || !slices.Equal(read.Events[0].Keys, []string{name})) {
		t.Errorf("%+v", read.Events[0])
	}
	if len(one.Events) != 1 {
		t.Errorf("asked for one, there are %d", len(one.Events))
	}
}

// A value that has gone out comes out of later responses too, whatever asks for them.
func TestL17MCPRemembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	url := w.origin.url(apiHost)
	s, r := w.mcp("legacy", nil, w.origins(),
		use("call", step{"url": url + "/tools/store", "method": "PUT", "bearer": name}),
		use("call", step{"url": url + "/tools/stored"}),
		use("call", step{"url": url + "/tools/bytes/70000"}),
		use("call", step{"url": url + "/tools/bytes/70000", "max_bytes": 100000}),
		use("call", step{"url": url + "/tools/bytes/5", "max_bytes": 5}),
		use("call", step{"url": url + "/tools/text", "max_bytes": 4}),
		use("call", step{"url": url + "/tools/silent", "timeout_seconds": 1}),
		use("call", step{"url": url + "/tools/bytes/1", "max_bytes": 1 << 30}),
		use("call", step{"url": url + "/tools/bytes/1", "timeout_seconds": 10_000_000_000}), // no Duration has so many
	)
	if got := s.answers[1].reply(t); got.Status != 200 || !strings.Contains(got.Body, marker) || !got.Redacted {
		t.Errorf("what the API kept came back as %+v", got)
	}
	cut := s.answers[2].reply(t)
	if !cut.Truncated || cut.BodyEncoding != "base64" || len(cut.Body) != 87384 || !strings.Contains(cut.Note, "65536 bytes") || cut.Exchange == "" {
		t.Errorf("cut: %v %q %d %q", cut.Truncated, cut.BodyEncoding, len(cut.Body), cut.Note)
	}
	if whole := s.answers[3].reply(t); whole.Truncated || len(whole.Body) != 93336 || whole.Note == "" {
		t.Errorf("whole: %v %d %q", whole.Truncated, len(whole.Body), whole.Note)
	}
	if exact := s.answers[4].reply(t); exact.Truncated {
		t.Errorf("a body of just that length is whole: %+v", exact)
	}
	if text := s.answers[5].reply(t); !text.Truncated || text.BodyEncoding != "" || text.Body != "aé" {
		t.Errorf("text is cut between characters: %+v", text)
	}
	if late := s.answers[6].refusal(t); late.Error != "origin_timeout" {
		t.Errorf("%+v", late)
	}
	for _, a := range s.answers[7:] {
		if wrong := a.refusal(t); wrong.Error != "usage" {
			t.Errorf("%+v", wrong)
		}
	}
	w.clean(r)
}

// Calls do not wait for each other, and one that a client gives up ends at the origin.
func TestMCPTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	url := w.origin.url(apiHost)
	var all []step
	for range party {
		all = append(all, use("call", step{"url": url + "/tools/together", "bearer": name}))
	}
	s, r := w.mcp("auto", nil, w.origins(),
		step{"together": all},
		step{"tool": "call", "arguments": step{"url": url + "/tools/silent", "bearer": name}, "after": 1},
		use("status", nil),
	)
	for _, a := range s.answers[0].Together {
		if got := a.reply(t); got.Status != 200 || got.Body != "all are here" {
			t.Errorf("%+v", got)
		}
	}
	if s.answers[1].Text != "given up" {
		t.Error(s.answers[1].Text)
	}
	wait(t, w.origin.gaveUp, "the request that was given up goes on")
	w.clean(r)
}
