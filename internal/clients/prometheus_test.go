package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const shipped = "../../docs/prometheus/"

// A real Prometheus, with the configuration that we ship, sees a daemon and a
// run, and counts what they really did.
func TestPrometheus(t *testing.T) {
	w := newWorld(t, "")
	daemon := w.startDaemon("--metrics-names")
	run, endRun := w.startRun()
	p := startPrometheus(t, w, daemon, run)
	p.wait(`count(up{job=~"agentsecrets(-run)?"} == 1)`, "2")
	p.wait(`agentsecrets_expansions_total{job="agentsecrets",place="header"}`, "0") // it sees the increase too
	w.run(w.command("sh", "-euc", `eval "$("$0" proxy env)"
		for i in 1 2 3; do curl -sf "$1" -H "Authorization: Bearer $3"; done
		curl -s "$2" -H "Authorization: Bearer $3"`,
		binary, w.origin.url(apiHost)+"/v1/echo", w.origin.url("other.acme.test"), placeholder), "")
	for query, want := range map[string]string{
		`agentsecrets_expansions_total{job="agentsecrets",place="header"}`:                           "3",
		`agentsecrets_redactions_total{job="agentsecrets",form="verbatim"}`:                          "3",
		`agentsecrets_exchanges_total{job="agentsecrets",decision="allowed",class="2xx"}`:            "3",
		`agentsecrets_denials_total{job="agentsecrets",reason="domain_not_in_allowlist"}`:            "1",
		`agentsecrets_secret_exchanges_total{job="agentsecrets",name="ACME_KEY",decision="blocked"}`: "1",
		`agentsecrets_expansions_total{job="agentsecrets-run",place="header"}`:                       "1",
		`count({__name__=~".+",job="agentsecrets"}) < bool 1000`:                                     "1",
		`count(up{job=~"agentsecrets(-run)?"} == 1)`:                                                 "2",
		`count(process_resident_memory_bytes{job=~"agentsecrets(-run)?"})`:                           "2",
	} {
		p.wait(query, want)
	}
	text := w.scrape(daemon, w.token())
	promtool(t, text, "check", "metrics")
	promtool(t, w.scrape(run, ""), "check", "metrics")
	f := families(t, text)
	t.Run("rules", func(t *testing.T) { p.checkRules(t, f, text) })
	t.Run("dashboard", func(t *testing.T) { p.checkDashboard(t, f) })
	t.Run("docs", func(t *testing.T) { p.checkDocs(t, f) })
	w.clean(result{stdout: text, stderr: endRun()})
}

func TestPromtool(t *testing.T) {
	promtool(t, "", "check", "config", shipped+"prometheus.yml")
	promtool(t, "", "check", "rules", shipped+"alerts.yml")
	promtool(t, "", "test", "rules", shipped+"alerts_test.yml")
	if rules, tests := alerts(t, "alerts.yml", "- alert: "), alerts(t, "alerts_test.yml", "alertname: "); len(rules) < 5 || len(rules) != len(tests) {
		t.Errorf("alerts are\n%v, tested are\n%v", rules, tests)
	}
}

func alerts(t *testing.T, file, before string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(before+`(\w+)`).FindAllStringSubmatch(read(t, shipped+file), -1) {
		found[m[1]] = true
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tool finds a program of Prometheus, which .ci/tools installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	path, err := filepath.Abs(filepath.Join("../../.cache/bin", name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%s is not there, `make tools` installs it: %v", name, err)
	}
	return path
}

func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "promtool"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil || args[1] == "metrics" && len(out) > 0 { // it has something to say about names
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// startDaemon starts the daemon and returns where it answers.
func (w *world) startDaemon(args ...string) string {
	w.t.Helper()
	w.agentsecrets("", append(append([]string{"proxy", "start", "--port", "0"}, w.origins()...), args...)...)
	w.t.Cleanup(w.stopProxy)
	var status struct{ Port int }
	if err := json.Unmarshal([]byte(w.agentsecrets("", "proxy", "status", "--output", "json").stdout), &status); err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", status.Port)
}

// startRun starts a run that makes one call and stays; it returns where it
// answers Prometheus, and what ends it and returns its messages.
func (w *world) startRun() (addr string, end func() string) {
	t := w.t
	t.Helper()
	args := append(append([]string{"run", "--intercept", "--metrics", "127.0.0.1:0"}, w.origins()...), "--", "sh", "-euc",
		`curl -sf "$0" -H "Authorization: Bearer $ACME_KEY" >/dev/null; echo called >&2; read line`, w.origin.url(apiHost)+"/v1/echo")
	cmd := w.command(binary, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := follow(t, cmd)
	addr = said.find(regexp.MustCompile(`metrics on http://(\S+)/metrics`))
	said.find(regexp.MustCompile(`(called)`))
	return addr, func() string {
		io.WriteString(stdin, "\n")
		text := said.rest()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the run ended with %v\n%s", err, text)
		}
		return text
	}
}

// followed reads what a program says on standard error while it runs.
type followed struct {
	t     *testing.T
	lines *bufio.Scanner
	text  bytes.Buffer
}

func follow(t *testing.T, cmd *exec.Cmd) *followed {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &followed{t: t, lines: bufio.NewScanner(stderr)}
}

func (f *followed) find(pattern *regexp.Regexp) string {
	f.t.Helper()
	for f.lines.Scan() {
		fmt.Fprintln(&f.text, f.lines.Text())
		if m := pattern.FindStringSubmatch(f.lines.Text()); m != nil {
			return m[1]
		}
	}
	f.t.Fatalf("it ended without saying %s:\n%s", pattern, f.text.String())
	return ""
}

func (f *followed) rest() string {
	for f.lines.Scan() {
		fmt.Fprintln(&f.text, f.lines.Text())
	}
	return f.text.String()
}

func (w *world) token() string {
	w.t.Helper()
	return strings.TrimSpace(read(w.t, w.path("home", "metrics.token")))
}

// scrape is what Prometheus reads at addr.
func (w *world) scrape(addr, token string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		w.t.Fatalf("%s, %v", resp.Status, err)
	}
	return string(b)
}

// prometheus is one that runs.
type prometheus struct {
	t    *testing.T
	addr string
}

// startPrometheus runs one with the shipped configuration, in which only what
// differs here is put in: two ports, a path, and how often.
func startPrometheus(t *testing.T, w *world, daemon, run string) *prometheus {
	t.Helper()
	config := read(t, shipped+"prometheus.yml")
	const credentials = "    # authorization:\n    #   credentials_file: "
	for _, change := range [][2]string{
		{`["127.0.0.1:8765"]`, `["` + daemon + `"]`},
		{`["127.0.0.1:9464"]`, `["` + run + `"]`},
		{"scrape_interval: 15s", "scrape_interval: 1s"},
		{credentials + "/etc/prometheus/agentsecrets.token", strings.ReplaceAll(credentials, "# ", "") + w.path("home", "metrics.token")},
	} {
		if strings.Count(config, change[0]) != 1 {
			t.Fatalf("prometheus.yml does not hold %q once", change[0])
		}
		config = strings.Replace(config, change[0], change[1], 1)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"prometheus.yml": config, "alerts.yml": read(t, shipped+"alerts.yml")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := w.command(tool(t, "prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	said := follow(t, cmd)
	addr := said.find(regexp.MustCompile(`msg="?Listening on"? address=(\S+)`))
	ended := make(chan struct{})
	go func() { said.rest(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		_ = cmd.Wait() // stopped by us
	})
	return &prometheus{t, addr}
}

// api asks Prometheus' HTTP API.
func (p *prometheus) api(path string, params url.Values, into any) error {
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.addr+path+"?"+params.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var reply struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	if reply.Status != "success" {
		return fmt.Errorf("%s: %s", resp.Status, reply.Error)
	}
	return json.Unmarshal(reply.Data, into)
}

// series is one row of an answer.
type series struct {
	Metric map[string]string
	Value  [2]any // time, text
}

func (p *prometheus) query(expr string) ([]series, error) {
	var data struct{ Result []series }
	err := p.api("/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result, err
}

// wait asks until the answer is want: a scrape takes its time to come.
func (p *prometheus) wait(expr, want string) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		got, err := p.query(expr)
		if err == nil && len(got) == 1 && got[0].Value[1] == want {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s is %v, %v; want %s", expr, got, err, want)
		}
	}
}
