package mitm

import (
	"context"
	"log/slog"
	"slices"

	"github.com/agentsecrets/agentsecrets/audit"
)

// Recorded are exchanges with a placeholder, a refusal, a failure of which we told or a
// redaction: whoever is given an ID for what went wrong finds it. The rest counts in
// metrics only. The decided event has been written when the first byte goes
// upstream. Events hold names, and the request as the client wrote it.

func (x *exchange) event(kind string) audit.Event {
	x.listed.add(x.uses)
	return x.eventOf(kind, &x.listed)
}

func (x *exchange) eventOf(kind string, of *listed) audit.Event {
	return audit.Event{
		ID: x.id, Timestamp: x.proxy.cfg.now(), Event: kind,
		Method: x.method, TargetURL: x.scheme + "://" + x.domain() + x.target.path, Domain: x.dest.host,
		Status: audit.OK, Reason: "-",
		AgentID: x.scope.AgentID, TokenID: x.scope.TokenID, RunID: x.scope.RunID, Environment: x.scope.Environment,
		WorkspaceID: x.scope.WorkspaceID, ProjectID: x.scope.ProjectID,
		IdentityLevel: identityLevel(x.scope), ResolutionPath: "local", CallerRole: "-",
		SecretKeys: of.names, AuthStyles: of.styles, Places: of.places,
		Mentions: x.mentions, Rules: x.rules,
	}
}

// listed is what events list of uses, of which there are only ever more.
type listed struct {
	names, styles, places []string
	n                     int // how many uses are in it
}

func (l *listed) add(uses []found) {
	for _, u := range uses[l.n:] {
		l.names, l.styles, l.places = appendNew(l.names, u.Name), appendNew(l.styles, u.style), appendNew(l.places, u.Place)
	}
	l.n = len(uses)
}

func identityLevel(s Scope) string {
	switch {
	case s.AgentID == "":
		return "anonymous"
	case s.TokenID == "":
		return "declared"
	}
	return "issued"
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// maxNoted is how many places are told apart in one event.
const maxNoted = 256

// noted are name and place of uses, and their names.
type noted map[string]bool

// add reports whether u is anything new.
func (n noted) add(u found) bool {
	for _, key := range []string{u.Name + " " + u.Place, u.Name} {
		if !n[key] && (key == u.Name || len(n) < maxNoted) {
			n[key], n[u.Name] = true, true
			return true
		}
	}
	return false
}

// record writes the decided event. Without it no value is sent.
func (x *exchange) record() error {
	x.listed.add(x.uses)
	return x.recordListed(&x.listed)
}

// recordUses is record for one of the messages of an exchange.
func (x *exchange) recordUses(uses []found) error {
	var of listed
	of.add(uses)
	return x.recordListed(&of)
}

func (x *exchange) recordListed(of *listed) error {
	if of.n == 0 {
		return nil
	}
	if err := x.proxy.cfg.Record(x.eventOf(audit.Decided, of)); err != nil {
		x.proxy.cfg.observer().AuditFailed()
		x.proxy.cfg.log().Error("audit event not written", "exchange", x.id, "err", err)
		return &Problem{Status: 503, Slug: "audit_unavailable", Message: "the audit log cannot be written, so no value is sent", Hint: "agentsecrets doctor"}
	}
	return nil
}

// finish writes the done event and counts the exchange.
func (x *exchange) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	e := x.event(audit.Done)
	e.StatusCode = x.status // not of a decided event: the origin's answer may come while a body is decided about
	e.DurationMS = x.proxy.since(x.start).Milliseconds()
	e.Covered(x.echoes)
	e.Unsent = !x.reached.Load()
	switch denied := x.reason(); {
	case denied != nil:
		e.Reason, e.Status = denied.Slug, audit.Blocked
		e.Detail, e.Hint = denied.Message, denied.Hint
		if denied.Status >= 500 {
			e.Status = audit.Error
		}
	case x.broken != "":
		e.Reason, e.Status = x.broken, audit.Error
	case x.status == 0 || x.status >= 500:
		e.Status = audit.Error
	}
	if log := x.proxy.cfg.log(); log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("exchange", "exchange", x.id, "run", x.scope.RunID, "method", x.method, "proto", x.proto, "host", x.dest.host, "port", x.dest.port,
			"status", x.status, "reason", e.Reason, "redactions", e.Redactions, "duration_ms", e.DurationMS)
	}
	o := x.proxy.cfg.observer()
	for form, n := range x.echoes {
		o.Redacted(form, n)
	}
	o.Observe(e)
	if len(x.uses)+len(x.mentions) == 0 && e.Reason == "-" && !e.Redacted {
		return
	}
	if err := x.proxy.cfg.Record(e); err != nil {
		o.AuditFailed()
		x.proxy.cfg.log().Error("audit event not written", "exchange", x.id, "err", err)
	}
}

func (x *exchange) reason() *Problem {
	if x.denied != nil {
		return x.denied
	}
	return x.bodyStop
}
