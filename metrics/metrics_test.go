package metrics

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/place"
)

func TestLint(t *testing.T) {
	m := New(Config{Version: "1.2.3", Names: func() []string { return []string{"ACME_KEY"} }})
	m.Resolved("file", time.Millisecond)
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// scrape is what Prometheus reads, and its lines that are ours by series.
func scrape(t *testing.T, m *Metrics) (text string, series map[string]string) {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("status %d, %q, %v", resp.StatusCode, resp.Header.Get("Content-Type"), err)
	}
	series = map[string]string{}
	for line := range strings.Lines(string(b)) {
		if rest, ours := strings.CutPrefix(line, prefix); ours {
			i := strings.LastIndex(rest, " ")
			series[rest[:i]] = strings.TrimSpace(rest[i:])
		}
	}
	return string(b), series
}

func TestDocumentedNames(t *testing.T) {
	m := New(Config{Version: "1.2.3"})
	m.Resolved("file", 0)
	text, _ := scrape(t, m)
	for name, kind := range map[string]string{
		"exchanges_total": "counter", "denials_total": "counter", "expansions_total": "counter", "redactions_total": "counter",
		"unresolved_total": "counter", "text_mentions_total": "counter", "coded_bodies_total": "counter", "exchange_duration_seconds": "histogram", "overhead_seconds": "histogram",
		"resolve_duration_seconds": "histogram", "connections": "gauge", "leaf_mints_total": "counter",
		"leaf_cache_hits_total": "counter", "holdback_bytes": "gauge", "audit_failures_total": "counter", "panics_total": "counter", "client_tls_refused_total": "counter", "build_info": "gauge",
	} {
		if want := "# TYPE agentsecrets_" + name + " " + kind + "\n"; !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, want := range []string{"\ngo_goroutines ", "\nprocess_start_time_seconds ", `version="1.2.3"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestCounts(t *testing.T) {
	m := New(Config{})
	for _, e := range []audit.Event{
		{Event: audit.Decided, Status: audit.OK, StatusCode: 200, Reason: "-"},
		{Event: audit.Done, Status: audit.OK, StatusCode: 200, Reason: "-", DurationMS: 30},
		{Event: audit.Done, Status: audit.OK, StatusCode: 204, Reason: "-"},
		{Event: audit.Done, Status: audit.Blocked, StatusCode: 403, Reason: "empty_allowlist"},
		{Event: audit.Done, Status: audit.Error, StatusCode: 503, Reason: "store_locked"},
		{Event: audit.Done, Status: audit.Error, Reason: "-"},
		{Event: audit.Done, Status: audit.Error, StatusCode: 500},
		{Event: audit.Done, Status: audit.OK, StatusCode: 12345},
	} {
		m.Observe(e)
	}
	m.Expanded("header:authorization")
	m.Expanded("header")
	m.Expanded("body:a.b:c")
	m.Mentioned("path")
	m.CodedBody()
	m.Refused("proxy_credential_required")
	m.Redacted("base64", 3)
	m.Redacted("base64", 0)
	m.Redacted("base64", -1)
	m.Unresolved()
	m.Overhead(70 * time.Microsecond)
	m.Resolved("file", 3*time.Millisecond)
	m.Connection("tunnel", 2)
	m.Connection("tunnel", -1)
	m.Holdback(100)
	m.Holdback(-40)
	m.LeafMinted()
	m.LeafHit()
	m.LeafHit()
	m.ClientLeft("unknown_ca")
	m.ClientLeft("a host name")
	m.AuditFailed()
	_, series := scrape(t, m)
	for name, want := range map[string]string{
		`exchanges_total{class="2xx",decision="allowed"}`:   "2",
		`exchanges_total{class="4xx",decision="blocked"}`:   "1",
		`exchanges_total{class="5xx",decision="error"}`:     "2",
		`exchanges_total{class="none",decision="error"}`:    "1",
		`exchanges_total{class="none",decision="allowed"}`:  "1",
		`exchanges_total{class="3xx",decision="allowed"}`:   "0",
		`denials_total{reason="empty_allowlist"}`:           "1",
		`denials_total{reason="store_locked"}`:              "1",
		`denials_total{reason="place_denied"}`:              "0",
		`expansions_total{place="header"}`:                  "2",
		`expansions_total{place="body"}`:                    "1",
		`redactions_total{form="base64"}`:                   "3",
		`client_tls_refused_total{sign="unknown_ca"}`:       "1",
		`client_tls_refused_total{sign="other"}`:            "1",
		`text_mentions_total{place="path"}`:                 "1",
		`coded_bodies_total`:                                "1",
		`denials_total{reason="proxy_credential_required"}`: "1",
		`unresolved_total`:                                  "1",
		`exchange_duration_seconds_count`:                   "7",
		`exchange_duration_seconds_sum`:                     "0.03",
		`overhead_seconds_bucket{le="5e-05"}`:               "0",
		`overhead_seconds_bucket{le="0.0001"}`:              "1",
		`resolve_duration_seconds_sum{store="file"}`:        "0.003",
		`connections{state="tunnel"}`:                       "1",
		`holdback_bytes`:                                    "60",
		`leaf_mints_total`:                                  "1",
		`leaf_cache_hits_total`:                             "2",
		`audit_failures_total`:                              "1",
	} {
		if got := series[name]; got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	if _, ok := series[`denials_total{reason="other"}`]; ok {
		t.Error("an exchange without a refusal counts as one")
	}
}

// everyListedValue makes the series that are made when first used.
func everyListedValue(m *Metrics) {
	for _, store := range byStore().values {
		m.Resolved(store, 0)
	}
}

// Secrets have series of their own where that was asked for, and from the start:
// an increase from nothing is none. Names that nobody stored have not.
func TestSeriesByName(t *testing.T) {
	stored := []string{"ACME_KEY"}
	m := New(Config{Names: func() []string { return stored }})
	_, series := scrape(t, m)
	if n := series[`secret_exchanges_total{decision="allowed",name="ACME_KEY"}`]; n != "0" {
		t.Errorf("%q exchanges at the start", n)
	}
	stored = append(stored, "LATER_KEY")
	for _, names := range [][]string{{"ACME_KEY", "LATER_KEY"}, {"LATER_KEY", "GUESSED_KEY"}} {
		m.Observe(audit.Event{Event: audit.Done, Status: audit.OK, StatusCode: 200, SecretKeys: names})
	}
	text, series := scrape(t, m)
	for name, want := range map[string]string{"ACME_KEY": "1", "LATER_KEY": "2", "other": "1"} {
		if got := series[`secret_exchanges_total{decision="allowed",name="`+name+`"}`]; got != want {
			t.Errorf("%q exchanges of %s, want %s", got, name, want)
		}
	}
	if strings.Contains(text, "GUESSED") {
		t.Error("a name that is not stored became a label")
	}
	m = New(Config{})
	m.Observe(audit.Event{Event: audit.Done, Status: audit.OK, SecretKeys: stored})
	if text, _ := scrape(t, m); strings.Contains(text, "_KEY") {
		t.Error("a name became a label unasked")
	}
}

// What the proxy says elsewhere has a series of its own here.
func TestListedValues(t *testing.T) {
	doc, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| [45][0-9]{2} \\| `([a-z_]+)` ").FindAllStringSubmatch(string(doc), -1)
	if len(rows) < 20 {
		t.Fatalf("%d slugs in docs/errors.md", len(rows))
	}
	for _, row := range rows {
		if byReason().bound(row[1]) == other {
			t.Errorf("reason %s is none of the label's values", row[1])
		}
	}
	for _, p := range append(place.Defaults(), place.Path, place.Cookie, place.Text) {
		if byPlace().bound(p) == other {
			t.Errorf("place %s is none of the label's values", p)
		}
	}
}

// Whatever is told, there are no more series than listed values and "other".
func TestE15LabelsAreBounded(t *testing.T) {
	var list []string // more than may have series
	for i := range 1000 {
		list = append(list, fmt.Sprintf("STORED_%d", i))
	}
	stored := func() []string { return list }
	m := New(Config{Names: stored})
	tell := func(text string, n int) {
		m.Observe(audit.Event{Event: audit.Done, Status: text, StatusCode: n, Reason: text, Domain: text, SecretKeys: []string{text, fmt.Sprintf("STORED_%d", n)}})
		m.Expanded(text)
		m.Redacted(text, 1)
		m.Resolved(text, time.Duration(n))
		m.Connection(text, 1)
		m.Mentioned(text)
		m.Refused(text)
	}
	everyListedValue(m)
	tell("x", 0)
	_, before := scrape(t, m)
	for i := range 5000 {
		tell(fmt.Sprintf([]string{"api%d.example.com\"}\n\xff", "example.com/%d?k=", "KEY_%d.example.com", "sk-live-%d-example.com", "header:example.com%d"}[i%5], i), i)
	}
	text, after := scrape(t, m)
	if len(after) != len(before) || strings.Count(text, "\n")-strings.Count(text, "# ") > 1000 {
		t.Errorf("%d series became %d", len(before), len(after))
	}
	if strings.Contains(text, "example.com") {
		t.Error("what was told became a label")
	}
	if n := after[`denials_total{reason="other"}`]; n != "10002" {
		t.Errorf("%s denials of unknown reasons", n)
	}
}

func TestConcurrentUse(t *testing.T) {
	m := New(Config{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				m.Observe(audit.Event{Event: audit.Done, Status: audit.OK, StatusCode: 200})
				m.Expanded("query:key")
				m.Resolved("keychain", time.Microsecond)
			}
		})
	}
	all.Wait()
	if _, series := scrape(t, m); series[`expansions_total{place="query"}`] != "1600" {
		t.Errorf("%s expansions", series[`expansions_total{place="query"}`])
	}
}

// A look for a name reads a file; who counts another meanwhile does not wait for it.
func TestLookingForANameHoldsNobodyUp(t *testing.T) {
	looks, looking, end := 0, make(chan struct{}), make(chan struct{})
	m := New(Config{Names: func() []string {
		switch looks++; looks {
		case 1: // New's own: nothing is stored yet
			return nil
		case 3:
			close(looking)
			<-end
		}
		return []string{"ACME_KEY"}
	}})
	m.Observe(audit.Event{Event: audit.Done, Status: audit.OK, SecretKeys: []string{"ACME_KEY"}})
	var all sync.WaitGroup
	all.Go(func() {
		m.Observe(audit.Event{Event: audit.Done, Status: audit.OK, SecretKeys: []string{"UNKNOWN_KEY"}})
	})
	<-looking
	counted := make(chan struct{})
	all.Go(func() {
		m.Observe(audit.Event{Event: audit.Done, Status: audit.OK, SecretKeys: []string{"ACME_KEY"}})
		close(counted)
	})
	select {
	case <-counted:
	case <-time.After(30 * time.Second):
		t.Error("it waits for the look")
	}
	close(end)
	all.Wait()
}
