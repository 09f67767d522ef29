package main

import (
	"slices"
	"testing"
)

// tryElsewhere: a run stays where it is.
func tryElsewhere(t *testing.T, w *attack) {
	w.mustDo(t, wantedValue, "secrets", "set", "STAGED_KEY", "--stdin", "--environment", "staging")
	w.mustDo(t, "", "project", "create", "side")
	w.mustDo(t, "", "project", "use", "pay")
	for _, flags := range [][]string{
		{"--environment", "staging"}, {"--project", "side"}, {"--workspace", "acme", "--project", "side"}, {"--project", "pay", "--environment", "staging"},
	} {
		stays := try{inside: true, code: exitDenied, says: "inside a run its project and environment stay"}
		stays.args = append(w.call(wantedHost), flags...)
		w.fails(t, stays)
		stays.code, stays.args = exitOurs, slices.Concat([]string{"run", "--intercept"}, flags, []string{"--", "env"})
		w.fails(t, stays)
		w.fails(t, try{args: slices.Concat([]string{"proxy", "start", "--port", "0"}, flags), inside: true, code: exitDenied, says: "starting the proxy is refused inside a run"})
	}
	// The run's own may be named, and no proxy but the run's says which they are.
	own := []string{"--workspace", "acme", "--project", "pay", "--environment", "development"}
	w.fails(t, try{args: append(w.call(foreignHost), own...), inside: true, code: exitDenied, says: "domain_not_in_allowlist"})
	w.fails(t, try{args: slices.Concat([]string{"run", "--intercept"}, own, []string{"--", "env"}), inside: true, says: wantedName + "=AS_SECRET_" + wantedName})
	w.fails(t, try{args: []string{"call", "--url", w.url(wantedHost), "--bearer", "STAGED_KEY"}, inside: true, code: 4, says: "secret 'STAGED_KEY' not found"})
}
