package clients_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What we ship for Prometheus and Grafana, and what the documentation says,
// against what the proxy really exposes.

// family is a metric with its type and labels; histograms have le beside.
type family struct {
	kind   string
	labels []string
}

var (
	typeLine   = regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`)
	sampleLine = regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`(\w+)="`)
	ours       = regexp.MustCompile(`\bagentsecrets_\w+`)
)

// families reads Prometheus' text format.
func families(t *testing.T, text string) map[string]family {
	t.Helper()
	all := map[string]family{}
	for _, m := range typeLine.FindAllStringSubmatch(text, -1) {
		all[m[1]] = family{kind: m[2]}
	}
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		name := familyOf(all, m[1])
		f, ok := all[name]
		if !ok {
			t.Errorf("%s has no type", m[1])
		}
		f.labels = nil
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" {
				f.labels = append(f.labels, l[1])
			}
		}
		all[name] = f
	}
	if len(all) < 30 {
		t.Fatalf("only %d metrics", len(all))
	}
	return all
}

// familyOf is the metric that a series belongs to.
func familyOf(all map[string]family, series string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base := strings.TrimSuffix(series, suffix)
		if kind := all[base].kind; kind == "histogram" || kind == "summary" {
			return base
		}
	}
	return series
}

// exist holds that what an expression names is really there.
func exist(t *testing.T, all map[string]family, expr string) (used []string) {
	t.Helper()
	for _, name := range ours.FindAllString(expr, -1) {
		name = familyOf(all, name)
		if _, ok := all[name]; !ok {
			t.Errorf("%s names %s, which is not exposed", expr, name)
		}
		used = append(used, name)
	}
	return used
}

func (p *prometheus) checkRules(t *testing.T, all map[string]family, text string) {
	var loaded struct {
		Groups []struct {
			Rules []struct{ Name, Query, Health, LastError string }
		}
	}
	if err := p.api("/api/v1/rules", nil, &loaded); err != nil || len(loaded.Groups) != 1 || len(loaded.Groups[0].Rules) < 5 {
		t.Fatalf("%+v, %v", loaded, err)
	}
	for _, rule := range loaded.Groups[0].Rules {
		if rule.LastError != "" {
			t.Errorf("%s: %s", rule.Name, rule.LastError)
		}
		exist(t, all, rule.Query)
		if _, reasons, ok := strings.Cut(rule.Query, `reason=~"`); ok {
			reasons, _, _ = strings.Cut(reasons, `"`)
			for reason := range strings.SplitSeq(reasons, "|") {
				if !strings.Contains(text, `agentsecrets_denials_total{reason="`+reason+`"}`) {
					t.Errorf("%s asks for the reason %s, which there is not", rule.Name, reason)
				}
			}
		}
	}
}

// dashboard is what of Grafana's model we look at.
type dashboard struct {
	Title      string
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
	Panels []struct {
		Title, Type string
		Targets     []struct{ Expr, LegendFormat string }
	}
}

// inGrafana puts in what Grafana does.
var inGrafana = strings.NewReplacer("$job", ".*", "$instance", ".*", "$__rate_interval", "1m")

func (p *prometheus) checkDashboard(t *testing.T, all map[string]family) {
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "../../docs/grafana/agentsecrets.json")), &d); err != nil || d.Title == "" {
		t.Fatal(d.Title, err)
	}
	shown := map[string]bool{}
	for _, panel := range d.Panels {
		if panel.Title == "" || panel.Type == "" || len(panel.Targets) == 0 {
			t.Errorf("a panel shows nothing: %+v", panel)
		}
		for _, target := range panel.Targets {
			for _, name := range exist(t, all, target.Expr) {
				shown[name] = true
			}
			p.answers(t, inGrafana.Replace(target.Expr), target.LegendFormat)
		}
	}
	for name := range all {
		if strings.HasPrefix(name, "agentsecrets_") && !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
	for _, v := range d.Templating.List {
		if q, ok := v.Query.(map[string]any); ok {
			exist(t, all, q["query"].(string))
		}
	}
}

// answers holds that a query is one, finds something, and that what it finds has
// the labels that the legend shows.
func (p *prometheus) answers(t *testing.T, expr, legend string) {
	t.Helper()
	if strings.Contains(expr, "$") {
		t.Errorf("%s: a variable is left", expr)
	}
	rows, err := p.query(expr)
	for end := time.Now().Add(10 * time.Second); err == nil && len(rows) == 0 && time.Now().Before(end); rows, err = p.query(expr) {
		time.Sleep(100 * time.Millisecond) // on a busy machine a scrape may fail
	}
	if err != nil || len(rows) == 0 {
		t.Errorf("%s: %d rows, %v", expr, len(rows), err)
	}
	for _, row := range rows {
		for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(legend, -1) {
			if row.Metric[m[1]] == "" {
				t.Errorf("%s: %v has no label %s", expr, row.Metric, m[1])
			}
		}
	}
}

// checkDocs compares the table in docs/metrics.md, and asks its queries.
func (p *prometheus) checkDocs(t *testing.T, all map[string]family) {
	row := regexp.MustCompile("(?m)^\\| `(agentsecrets_\\w+)` \\| (\\w+) \\|(.*?)\\|.*\\| `([^|]+)` \\|$")
	documented := map[string]family{}
	for _, m := range row.FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		documented[m[1]] = family{m[2], regexp.MustCompile(`\w+`).FindAllString(m[3], -1)}
		exist(t, all, m[4])
		p.answers(t, m[4], "")
	}
	for name, f := range all {
		if !strings.HasPrefix(name, "agentsecrets_") {
			continue
		}
		d := documented[name]
		if d.kind != f.kind || !slices.Equal(slices.Sorted(slices.Values(d.labels)), slices.Sorted(slices.Values(f.labels))) {
			t.Errorf("%s is %v; docs/metrics.md says %v", name, f, d)
		}
		delete(documented, name)
	}
	for name := range maps.Keys(documented) {
		t.Errorf("docs/metrics.md has %s, which is not exposed", name)
	}
}
