package mitm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// scraped is what Prometheus gets, and how many series are in it.
func scraped(m *metrics.Metrics) (text string, series int) {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text = w.Body.String()
	return text, strings.Count(text, "\n") - strings.Count(text, "# HELP") - strings.Count(text, "# TYPE")
}

// Whatever clients make up, of hosts, paths, methods, names, places and programs,
// and whatever comes of it: there are as many series as before, and in none of
// them is a text that they chose, or a value.
func TestE15SeriesOfRequests(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		names := func() []string { return []string{"KEY"} }
		m := metrics.New(metrics.Config{Names: names})
		cfg := lab.Config{Secrets: secrets, Allow: []string{host, "*.acme.test"}, Origin: http.HandlerFunc(echoer), Change: func(c *mitm.Config) { c.Observer = m }}
		change(&cfg)
		l := lab.New(t, cfg)
		ask := func(i int) {
			made := fmt.Sprintf("Chosen%d", i)
			for _, r := range []struct {
				method, url, body string
				head              http.Header
			}{
				{"GET", l.URL(strings.ToLower(made)+".acme.test", "/"+made), "", bearer("KEY")},
				{"GET", l.URL(strings.ToLower(made)+".evil.test", "/"), "", bearer("KEY")},
				{strings.ToUpper(made), l.URL(host, "/"+made+"?"+made+"=AS_SECRET_KEY"), "", http.Header{"User-Agent": {made}, "X-" + made: {"AS_SECRET_KEY"}}},
				{"POST", l.URL(host, "/AS_SECRET_KEY"), `{"` + made + `":"AS_SECRET_KEY"}`, http.Header{"Content-Type": {"application/json"}}},
				{"POST", l.URL(host, "/"), `{"` + made + `":"AS_SECRET_KEY"}`, http.Header{"Content-Type": {"application/json"}, "Cookie": {made + "=AS_SECRET_KEY"}}},
				{"GET", l.URL(host, "/"), "", bearer(strings.ToUpper(made))},
			} {
				do(t, l, r.method, r.url, r.body, r.head)
			}
		}
		ask(0)
		_, before := scraped(m)
		for i := range 30 {
			ask(i + 1)
		}
		text, after := scraped(m)
		if after != before || after > 1000 {
			t.Errorf("%d series became %d", before, after)
		}
		if strings.Contains(strings.ToLower(text), "chosen") {
			t.Errorf("a text that a client chose is in\n%s", text)
		}
		noEcho(t, "metrics", text)
		if !strings.Contains(text, `agentsecrets_secret_exchanges_total{decision="allowed",name="KEY"} `) {
			t.Errorf("nothing was counted:\n%s", text)
		}
	})
}
