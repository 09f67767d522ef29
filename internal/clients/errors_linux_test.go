package clients_test

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// badHosts are origins that cannot even be asked.
func (s *session) badHosts() {
	s.leads("refused.acme.test", 1)
	s.leads("reset.acme.test", s.listens(func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}))
	s.leads("garbage.acme.test", s.listens(func(c net.Conn) {
		io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n")
		c.Close()
	}))
	s.leads("untrusted.acme.test", s.origin.port) // its certificate is for others
	s.leads("silent.acme.test", s.listens(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }))
}

const notAllowed = "elsewhere.acme.test"

// What an error is told with, to whom and wherever, is fixed words: no text of a
// library, in which there would be the URL with its query.
func TestE13ErrorsTellNothing(t *testing.T) {
	s := newSession(t)
	s.badHosts()
	s.allows("nowhere.acme.test") // no name of anything
	run := append([]string{"run", "--intercept", "--log-level", "debug"}, s.flags...)
	hosts := []string{"refused.acme.test", "reset.acme.test", "garbage.acme.test", "untrusted.acme.test", "nowhere.acme.test", notAllowed}
	asks := []string{"--", "sh", "-c", `curl -sv -m 60 "https://$0/?k=AS_SECRET_QUERY_KEY" 2>&1 & sh "$@"; wait`, "silent.acme.test", script(t, "asks.sh"), "x"}
	s.says(0, "", append(append(run, asks...), hosts...)...)
	for _, how := range []string{"404", "503", "redirect", "coding", "cut", "panic"} {
		s.says(0, "", append(run, "--", "sh", script(t, "asks.sh"), how, apiHost)...)
	}
	// Where it may not stand, and of which there is none.
	s.says(0, "", append(run, "--", "sh", "-c", `curl -sv "https://$0/AS_SECRET_QUERY_KEY?k=AS_SECRET_QUERY_KEY"; curl -sv "https://$0/?k=AS_SECRET_NO_KEY&j=AS_SECRET_QUERY_KEY"`, apiHost)...)
	for i, to := range append(hosts, apiHost+"/fails/404/x", apiHost+"/fails/cut/x", apiHost+"/fails/coding/x", apiHost+"/fails/panic/x") {
		s.says(-1, "", append([]string{"call", "--log-level", "debug", "--output", []string{"text", "json"}[i%2], "--url", "https://" + to,
			"--query", "k=QUERY_KEY", "--header", "X-Key=HEADER_KEY", "--body-field", "k=BODY_KEY"}, s.flags...)...)
	}
	s.says(-1, "", "call", "--url", "https://"+apiHost+"/?k=AS_SECRET_QUERY_KEY", "--nonsense", "AS_SECRET_QUERY_KEY")
	s.says(-1, "", "call", "--url", "https://"+apiHost+":nonsense/", "--query", "k=QUERY_KEY")
	s.says(-1, "", "run", "--intercept", "--resolve", "nonsense", "--", "true")
	s.says(-1, "", "run", "--intercept", "--origin-ca", s.path("pw"), "--", "true")
	s.says(-1, s.values["BODY_KEY"].Value, "secrets", "set", "no-name", "--stdin")
	s.says(-1, s.values["BODY_KEY"].Value+"\n", "secrets", "import", "-")

	logged := s.says(0, "", "proxy", "logs", "--last", "0", "--output", "json")
	for _, slug := range []string{
		"origin_unreachable", "origin_protocol", "origin_untrusted", "origin_timeout", "undecodable_response",
		"domain_not_in_allowlist", "place_denied", "secret_not_found",
	} {
		if !strings.Contains(logged, `"reason":"`+slug+`"`) {
			t.Errorf("no exchange ended with %s:\n%s", slug, logged)
		}
	}
	for _, place := range []string{`"path"`, `"query:k"`, `"header:x-key"`, `"body:k"`} {
		if !strings.Contains(logged, place) {
			t.Errorf("no value went in %s", place)
		}
	}
	s.nothingWritten("/said/", "/home/audit/", "/processes/", "/tmp/rotated.log.gz")
}

// Nor does what is recorded, logged, counted or shown of requests hold a value, nor
// what a crash leaves: paths are as the client wrote them, without their query.
func TestE14NothingIsRecorded(t *testing.T) {
	s := newSession(t)
	s.allows()
	asks := func(how string) []string { return []string{"sh", script(t, "asks.sh"), how, apiHost} }
	run := append([]string{"run", "--intercept", "--log-level", "debug"}, s.flags...)
	got := s.says(0, "", append(append(run, "--"), asks("echo")...)...)
	if n := strings.Count(got, marker); n < 8 {
		t.Errorf("%d echoes came back covered:\n%s", n, got)
	}
	call := s.says(0, "", append([]string{"call", "--log-level", "debug", "--include", "--url", "https://" + apiHost + "/fails/echo/x", "--query", "k=QUERY_KEY", "--header", "X-Key=HEADER_KEY", "--body-field", "k=BODY_KEY"}, s.flags...)...)
	if n := strings.Count(call, marker); n < 4 {
		t.Errorf("%d echoes of a call came back covered:\n%s", n, call)
	}
	s.gives.Store(true) // a plain run hands values to its program
	s.says(0, "", "run", "--", "sh", "-c", `echo "$HEADER_KEY"; printf %s "$BODY_KEY" | base64 -w0 >&2; printf %s "$QUERY_KEY" | od -An -tx1 | tr -d ' \n'`)
	s.gives.Store(false)

	s.t.Setenv("GOTRACEBACK", "all") // for whatever ends badly from here on
	s.says(0, "", append([]string{"proxy", "start", "--port", "0", "--log-level", "debug", "--metrics-names"}, s.flags...)...)
	s.runs(0, "", s.command("sh", append([]string{"-c", `eval "$("$0" proxy env)"; exec "$@"`, binary}, asks("echo")...)...))
	metrics := s.runs(0, "", s.command("sh", "-c", `port=$("$0" proxy status | sed -n 's/^port: //p'); for path in metrics health ready; do
		curl -sv -H "Authorization: Bearer $(cat "$AGENTSECRETS_HOME/metrics.token")" "http://127.0.0.1:$port/$path" 2>&1; done`, binary))
	if !strings.Contains(metrics, `name="QUERY_KEY"`) || !strings.Contains(metrics, "agentsecrets_redactions_total") {
		t.Errorf("the metrics are\n%s", metrics)
	}
	// Killed in the middle of an exchange, the proxy, a run and a call: they would show their stacks.
	s.runs(-1, "", s.command("sh", "-c", `eval "$("$0" proxy env)"; pid=$("$0" proxy status | sed -n 's/^pid: //p')
		sh "$1" endless "$2" >tmp.out 2>&1 & until grep -q "you sent" tmp.out; do sleep 0.05; done
		kill -ABRT $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done; wait`, binary, script(t, "asks.sh"), apiHost))
	s.says(-1, "", append(run, "--", "sh", "-c", `sh "$0" endless "$1" >run.out 2>&1 & until grep -q "you sent" run.out; do sleep 0.05; done; kill -ABRT $PPID; sleep 0.2`, script(t, "asks.sh"), apiHost)...)
	s.runs(-1, "", s.command("sh", append([]string{"-c", `host=$1; shift; "$0" call --url "https://$host/fails/endless/x" --query k=QUERY_KEY "$@" >call.out & pid=$!; until grep -q "you sent" call.out; do sleep 0.05; done; kill -ABRT $pid; wait`, binary, apiHost}, s.flags...)...))

	logged := s.says(0, "", "proxy", "logs", "--last", "0", "--output", "json")
	if !strings.Contains(logged, "/fails/echo/AS_SECRET_PATH_KEY") || strings.Contains(logged, "?k=") {
		t.Errorf("targets are recorded otherwise than written:\n%s", logged)
	}
	for i, line := range strings.SplitN(logged, "\n", 9) {
		if _, id, ok := strings.Cut(line, `"id":"`); ok {
			id, _, _ = strings.Cut(id, `"`)
			s.says(0, "", "explain", id, "--output", []string{"text", "json"}[i%2])
		}
	}
	for _, show := range []string{"status", "proxy status", "secrets list", "workspace allowlist log --last 0", "log verify", "workspace allowlist list"} {
		s.says(-1, "", append(strings.Fields(show), "--output", "text")...)
		s.says(-1, "", append(strings.Fields(show), "--output", "json")...)
	}
	if text, err := os.ReadFile(s.path("home", "proxy.log")); err != nil || !strings.Contains(string(text), "level=DEBUG msg=exchange") {
		t.Errorf("the proxy's log is %q, %v", text, err)
	}
	s.nothingWritten("/said/", "/home/proxy.log", "/home/audit/", "/processes/", "/tmp/rotated.log.gz", "/project/tmp.out", "/project/run.out", "/project/call.out")
}
