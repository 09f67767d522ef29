package clients_test

import "github.com/agentsecrets/agentsecrets/audit"

// audited holds that the record names the secret in each of these places, and
// that every exchange that carried it was recorded to its end.
func (w *world) audited(places ...string) {
	w.t.Helper()
	events, err := audit.Read(w.path("home", "audit"), audit.Filter{Secret: name})
	if err != nil {
		w.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range events {
		for _, place := range e.Places {
			seen[place] = true
		}
		if e.Event != audit.Done || e.Status != audit.OK {
			w.t.Errorf("the last record of %s %s is %s, %s", e.Method, e.TargetURL, e.Event, e.Status)
		}
	}
	for _, place := range places {
		if !seen[place] {
			w.t.Errorf("no record names the place %q; recorded are %v", place, seen)
		}
	}
}
