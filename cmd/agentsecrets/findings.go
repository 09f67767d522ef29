package main

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What kept a client from working through the proxy, as records name it.
const (
	reasonDistrusts = "ca_not_trusted"
	reasonPins      = "certificate_pinned"
	reasonPast      = "proxy_bypassed"
	reasonUnused    = "proxy_unused"

	findingText = "sent as text" // an exchange, whose own record says it
)

// finding is what somebody may want to know of a client. It holds names alone.
type finding struct {
	findingKey
	count int
	seen  string    // what was seen, in words
	at    time.Time // when, the last time
	since time.Time // when, the first time
	said  bool      // nothing that follows shows that there was nothing in it
	scope mitm.Scope
	id    string // of its event

	failed bool // of what we answered: it went wrong, else it was refused
	took   bool // of a program that left at our certificate: it took one for this host as well
}

type findingKey struct{ reason, program, host string }

// findings judges what has been seen so far.
func (o *observed) findings() []finding {
	hosts := o.hosts()
	by := takersOf(hosts)
	var all []finding
	for _, t := range hosts {
		if f, ok := t.finding(by); ok {
			all = append(all, f)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.more {
		f.said = true
		all = append(all, f)
	}
	for i := range all {
		all[i].id = cmp.Or(all[i].id, o.ids[all[i].findingKey])
	}
	return all
}

// takers are the programs that took our certificate, by host, and the hosts by program.
type takers struct{ programs, hosts map[string]map[string]bool }

func takersOf(all []tookUs) takers {
	by := takers{map[string]map[string]bool{}, map[string]map[string]bool{}}
	note := func(in map[string]map[string]bool, key, value string) {
		if in[key] == nil {
			in[key] = map[string]bool{}
		}
		in[key][value] = true
	}
	for _, t := range all {
		if t.Requests > 0 {
			note(by.programs, t.Host, t.Program)
			note(by.hosts, t.Program, t.Host)
		}
	}
	return by
}

// finding tells a program that does not trust our CA from one that does, and all
// the same takes no certificate of it for this host, and both from one at which
// nothing is wrong: a request to the host shows that it takes us there; to look
// and go in order is what probes do, and who trusts us elsewhere does it for a reason.
// Who took us here as well does not know another certificate for the host: a
// program of this name was given other CAs at one time.
func (t tookUs) finding(by takers) (finding, bool) {
	said, went := t.lefts()
	here := len(by.programs[t.Host]) > 0 && (t.Program == "" || by.programs[t.Host][t.Program] || by.programs[t.Host][""])
	hosts := len(by.hosts[t.Program])
	took := t.Program != "" && by.hosts[t.Program][t.Host]
	if took {
		hosts--
	}
	elsewhere := hosts > 0 && t.Program != ""
	if here {
		went = 0
	} else if !elsewhere {
		went -= t.probes
	}
	f := finding{findingKey: findingKey{reasonDistrusts, t.Program, t.Host}, count: said + went, said: said > 0, scope: t.scope, at: t.last, since: t.first, took: took}
	if elsewhere && !took {
		f.reason = reasonPins
	}
	f.seen = fmt.Sprintf("%s left at the AgentSecrets certificate for %s: %s", cmp.Or(t.Program, "a client"), t.Host, t.signs())
	if took {
		f.seen += "; at another time it took one there, so that nothing is pinned"
	}
	return f, f.count > 0
}

// signs are in words what the program did.
func (t tookUs) signs() string {
	var all []string
	for sign := range t.Left {
		all = append(all, signWords(sign, t.alert))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// signWords has the name of an alert as RFC 8446 and most programs have it.
func signWords(sign mitm.Sign, alert string) string {
	switch sign {
	case mitm.UnreadableAlert:
		return "it broke the handshake off with a TLS alert that cannot be read"
	case mitm.OtherAlert:
		return "it broke the handshake off with a TLS alert: " + cmp.Or(alert, "an unusual one")
	case mitm.LeftInHandshake:
		return "it closed the connection in the handshake, without a TLS alert"
	case mitm.SentNothing:
		return "it ended the connection after the handshake, and sent nothing"
	}
	return "it broke the handshake off with the TLS alert " + string(sign)
}

const (
	// judging is how long a program that went, and did not say why, may take to come again.
	judging = 5 * time.Second
	// soon is when it is looked at what was seen: what comes together is looked at once.
	soon = time.Second
)

// judge records findings as long as a proxy stays. It wakes only when there is something new, or left to wait for.
func (h *house) judge() {
	var due <-chan time.Time
	for {
		select {
		case <-h.over:
			return
		case <-h.observed.news:
			if due == nil {
				due = time.After(soon)
			}
		case <-due:
			due = h.nextLook(h.recordFindings(judging))
		}
	}
}

// nextLook is when there will be more to record of all, nil for never. What could not be written down has time.
func (h *house) nextLook(all []finding) <-chan time.Time {
	wait := time.Duration(0)
	for _, f := range all {
		switch {
		case f.id != "":
		case !h.settled(f, judging):
			return time.After(soon)
		default:
			wait = judging
		}
	}
	if wait == 0 {
		return nil
	}
	return time.After(wait)
}

// settled reports whether f can be written down: it lasts for long, or will not change. A run's program may yet show
// that it trusts us elsewhere, and what it is told at its end is one thing.
func (h *house) settled(f finding, long time.Duration) bool {
	return f.said && (h.run == nil || f.reason != reasonDistrusts) || time.Since(f.since) >= long
}

// recordFindings writes an event for each finding that has none and is settled, and
// returns all: a request that follows may show that there was nothing in it.
func (h *house) recordFindings(long time.Duration) []finding {
	h.observed.recording.Lock()
	defer h.observed.recording.Unlock()
	all := h.observed.findings()
	for i, f := range all {
		if f.id != "" || !h.settled(f, long) {
			continue
		}
		e := f.event(h.tunnelHint(f.host))
		if err := h.log.Write(e); err != nil {
			h.metrics.AuditFailed()
			h.messages.Error("audit event not written", "err", err)
			continue
		}
		h.messages.Warn("a client does not work through the proxy", "reason", f.reason, "program", f.program, "host", f.host, "exchange", e.ID)
		all[i].id = e.ID
		h.observed.recorded(f.findingKey, e.ID)
	}
	return all
}

func (o *observed) recorded(k findingKey, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ids == nil {
		o.ids = map[findingKey]string{}
	}
	o.ids[k] = id
}

// tunnelHint is how a host is relayed, in the words of what we are.
func (h *house) tunnelHint(host string) string {
	if h.doors != nil {
		return "agentsecrets proxy stop && " + startHint + " --tunnel " + host // one that runs takes no flags
	}
	return interceptHint + " --tunnel " + host
}

func (f finding) event(tunnel string) audit.Event {
	e := audit.Event{
		ID: audit.NewID(), Timestamp: time.Now(), Event: audit.Done, Method: "CONNECT", TargetURL: "https://" + f.host, Domain: hostOf(f.host),
		Status: audit.Error, Reason: f.reason, Detail: f.seen, Client: f.program,
		AgentID: f.scope.AgentID, TokenID: f.scope.TokenID, RunID: f.scope.RunID, Environment: f.scope.Environment,
		WorkspaceID: f.scope.WorkspaceID, ProjectID: f.scope.ProjectID, IdentityLevel: "anonymous", ResolutionPath: "local", CallerRole: "-",
	}
	switch f.reason {
	case reasonPins:
		e.Hint = tunnel
	case reasonPast:
		e.TargetURL = "tcp://" + f.host
	case reasonUnused:
		e.TargetURL, e.Domain = "", ""
	}
	return e
}

// maxTold is how many lines the end of a run has about what did not work.
const maxTold = 4

// tell says in a line for each program and reason what was found.
func tell(all []finding, at auditFlags) (lines []string) {
	type group struct{ reason, program string }
	var order []group
	of := map[group][]finding{}
	for _, f := range all {
		g := group{f.reason, f.program}
		if of[g] == nil {
			order = append(order, g)
		}
		of[g] = append(of[g], f)
	}
	for i, g := range order {
		if i == maxTold {
			return append(lines, fmt.Sprintf("%d more: %s", len(order)-i, cmp.Or(at.see(), "agentsecrets proxy logs")))
		}
		more := "agentsecrets doctor" // where it could not be written down
		if id := of[g][0].id; id != "" {
			more = at.explain(id)
		}
		lines = append(lines, lineOf(of[g])+": "+more)
	}
	return lines
}

// maxShown findings are shown by proxy status.
const maxShown = 5

// latest are the findings that have been recorded, the latest first.
func (h *house) latest(at auditFlags) []daemon.Finding {
	all := slices.DeleteFunc(h.observed.findings(), func(f finding) bool { return f.id == "" || f.reason == findingText })
	slices.SortStableFunc(all, func(a, b finding) int { return b.at.Compare(a.at) })
	list := []daemon.Finding{}
	for _, f := range all[:min(len(all), maxShown)] {
		list = append(list, daemon.Finding{
			ID: f.id, At: f.at.UTC().Truncate(time.Second), Reason: f.reason, Client: f.program, Host: f.host, Count: f.count,
			Text: lineOf([]finding{f}), Explain: at.explain(f.id),
		})
	}
	return list
}

func lineOf(same []finding) string {
	f, n := same[0], 0
	for _, other := range same {
		n += other.count
	}
	program, host, connections := cell(cmp.Or(f.program, "a client")), f.host, count(n, "connection")
	took := !slices.ContainsFunc(same, func(f finding) bool { return !f.took })
	if more := len(same) - 1; more > 0 {
		host += " and " + count(more, "other host")
	}
	switch f.reason {
	case reasonDistrusts:
		if took {
			return fmt.Sprintf("%s did not trust the AgentSecrets CA for %s this time, and at others did (%s)", program, host, connections)
		}
		return fmt.Sprintf("%s does not trust the AgentSecrets CA for %s (%s)", program, host, connections)
	case reasonPast:
		return fmt.Sprintf("%s connected past the proxy to %s: a placeholder that it sends there stays as it is", program, host)
	case reasonUnused:
		return fmt.Sprintf("%s failed, and nothing came to the proxy: it may not read HTTPS_PROXY", program)
	case findingText:
		return fmt.Sprintf("a placeholder passed to %s as text, and was turned away (%s)", host, count(n, "request"))
	case reasonPins:
		return fmt.Sprintf("%s accepts no AgentSecrets certificate for %s, and does for others (%s)", program, host, connections)
	}
	came := "refused"
	if f.failed {
		came = "failed"
	}
	if f.host == "" {
		return fmt.Sprintf("%s %s (%s)", count(n, "request"), came, f.reason)
	}
	return fmt.Sprintf("%s to %s %s (%s): %s", count(n, "request"), cell(host), came, f.reason, cell(f.seen))
}

// hostOf is host without a port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}
