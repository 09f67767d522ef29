package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/metrics"
)

func Example() {
	m := metrics.New(metrics.Config{Version: "1.0.0"})
	m.Expanded("header:authorization")
	m.Observe(audit.Event{Event: audit.Done, Status: audit.Blocked, StatusCode: 403, Reason: "domain_not_in_allowlist"})

	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "_total{") && strings.HasSuffix(line, " 1\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// agentsecrets_denials_total{reason="domain_not_in_allowlist"} 1
	// agentsecrets_exchanges_total{class="4xx",decision="blocked"} 1
	// agentsecrets_expansions_total{place="header"} 1
}
