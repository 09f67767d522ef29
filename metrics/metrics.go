// Package metrics counts what the proxy does, for Prometheus.
//
//	m := metrics.New(metrics.Config{Version: "1.0.0"})
//	proxy, err := mitm.New(mitm.Config{Observer: m, …})
//	mux.Handle("GET /metrics", m.Handler())
//	authority, err := ca.Open(dir, ca.Config{Minted: m.LeafMinted, Hit: m.LeafHit})
//	resolver, err := resolve.NewResolver(resolve.Config{Observe: func(d time.Duration) { m.Resolved("file", d) }, …})
//
// Guarantees: instruments live in a registry of their own; every label takes
// one of a few values that are listed in this package, and whatever else is
// told counts as "other". No host, path or value becomes a label; a name does
// only with Config.Names, and only one of a hundred that it lists.
package metrics

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/agentsecrets/agentsecrets/audit"
)

// Config says what is measured.
type Config struct {
	Version string // of the program
	// Names lists the secrets that are stored, for series by name. Called
	// concurrently. Nil: no name becomes a label.
	Names func() []string
}

// Metrics is a set of instruments. Its methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry

	exchanges   vec[prometheus.Counter] // by decision and class
	denials     vec[prometheus.Counter] // by reason
	expansions  vec[prometheus.Counter] // by place
	codedBodies prometheus.Counter
	redactions  vec[prometheus.Counter] // by form
	mentions    vec[prometheus.Counter] // by place
	unresolved  prometheus.Counter
	duration    prometheus.Histogram
	overhead    prometheus.Histogram
	resolution  vec[prometheus.Observer] // by store
	connections vec[prometheus.Gauge]    // by state
	leafMints   prometheus.Counter
	leafHits    prometheus.Counter
	clientsLeft vec[prometheus.Counter] // by sign
	holdback    prometheus.Gauge
	auditFails  prometheus.Counter
	panics      vec[prometheus.Counter] // by where
	secrets     vec[prometheus.Counter] // by name and decision; zero without Config.Names
}

// New makes instruments that all stand at zero.
func New(c Config) *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	in := factory{r}
	in.info(c.Version)
	return &Metrics{
		registry:    r,
		exchanges:   in.counters("exchanges_total", "Exchanges that ended, by what was decided and the class of their status.", byDecision(), byClass()),
		denials:     in.counters("denials_total", "Requests that the proxy refused and exchanges that it gave up, by reason.", byReason()),
		expansions:  in.counters("expansions_total", "Placeholders replaced by values, by place in the request.", byPlace()),
		codedBodies: in.counter("coded_bodies_total", "Request bodies that passed unread because they came compressed, to hosts where values may go."),
		redactions:  in.counters("redactions_total", "Echoes taken out of responses, by the form they had.", byForm()),
		mentions:    in.counters("text_mentions_total", "Placeholders that passed as text, by place in the request.", byPlace()),
		unresolved:  in.counter("unresolved_total", "Placeholders for which no value was found."),
		duration:    in.histogram("exchange_duration_seconds", "Time from the head of a request to the end of its response.", exchangeBuckets()),
		overhead:    in.histogram("overhead_seconds", "Time that the proxy itself added to an exchange, without waiting for client or origin.", ownBuckets()),
		resolution:  in.histograms("resolve_duration_seconds", "Time to find a value, by store.", ownBuckets(), byStore()),
		connections: in.gauges("connections", "Open connections, by state.", byState()),
		leafMints:   in.counter("leaf_mints_total", "Leaf certificates minted."),
		leafHits:    in.counter("leaf_cache_hits_total", "Leaf certificates found in the cache."),
		clientsLeft: in.counters("client_tls_refused_total", "Connections that a client left between our certificate and a first request, by what it did.", bySign()),
		holdback:    in.gauge("holdback_bytes", "Bytes of responses read and not yet released."),
		auditFails:  in.counter("audit_failures_total", "Audit events that could not be written."),
		panics:      in.counters("panics_total", "Faults of our own that ended an exchange or a connection, by where they happened.", byPart()),
		secrets:     in.bySecret(c.Names),
	}
}

// maxScrapes at a time: each walks every series, and anybody on this machine may ask.
const maxScrapes = 4

// Handler serves the metrics in the form that Prometheus asks for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// Observe counts an exchange by its done event; decided events count nothing.
func (m *Metrics) Observe(e audit.Event) {
	if e.Event == audit.Decided {
		return
	}
	m.exchanges.of(decision(e.Status), class(e.StatusCode)).Inc()
	if e.Status != audit.OK && e.Reason != "-" && e.Reason != "" {
		m.denials.of(e.Reason).Inc()
	}
	if m.secrets.with != nil {
		for _, name := range e.SecretKeys {
			m.secrets.of(name, decision(e.Status)).Inc()
		}
	}
	m.duration.Observe((time.Duration(e.DurationMS) * time.Millisecond).Seconds())
}

func decision(status string) string {
	switch status {
	case audit.OK:
		return "allowed"
	case audit.Blocked:
		return "blocked"
	}
	return "error"
}

func class(status int) string {
	if status < 100 || status > 599 {
		return "none"
	}
	return [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}[status/100-1]
}

// Expanded counts a placeholder that was replaced; place is as in audit events
// ("header:authorization"), of which the kind counts.
func (m *Metrics) Expanded(place string) {
	kind, _, _ := strings.Cut(place, ":")
	m.expansions.of(kind).Inc()
}

// Mentioned counts a placeholder that passed as text in such a place.
func (m *Metrics) Mentioned(place string) {
	kind, _, _ := strings.Cut(place, ":")
	m.mentions.of(kind).Inc()
}

// Refused counts a request that never came to be an exchange.
func (m *Metrics) Refused(reason string) { m.denials.of(reason).Inc() }

// CodedBody counts a request body that came compressed and was not looked into.
func (m *Metrics) CodedBody() { m.codedBodies.Inc() }

// Redacted counts n echoes of one form.
func (m *Metrics) Redacted(form string, n int) {
	if n > 0 { // a counter panics when it is told to go back
		m.redactions.of(form).Add(float64(n))
	}
}

// Unresolved counts a placeholder without a value.
func (m *Metrics) Unresolved() { m.unresolved.Inc() }

// Overhead notes what the proxy itself added to an exchange.
func (m *Metrics) Overhead(d time.Duration) { m.overhead.Observe(d.Seconds()) }

// Resolved notes how long store took to find a value.
func (m *Metrics) Resolved(store string, d time.Duration) {
	m.resolution.of(store).Observe(d.Seconds())
}

// Connection notes delta more connections in a state.
func (m *Metrics) Connection(state string, delta int) {
	m.connections.of(state).Add(float64(delta))
}

// Holdback notes delta more bytes held back by redaction.
func (m *Metrics) Holdback(delta int) { m.holdback.Add(float64(delta)) }

// LeafMinted counts a minted leaf certificate.
func (m *Metrics) LeafMinted() { m.leafMints.Inc() }

// LeafHit counts a leaf certificate found in the cache.
func (m *Metrics) LeafHit() { m.leafHits.Inc() }

// ClientLeft counts a connection that a client left at our certificate.
func (m *Metrics) ClientLeft(sign string) { m.clientsLeft.of(sign).Inc() }

// AuditFailed counts an audit event that could not be written.
func (m *Metrics) AuditFailed() { m.auditFails.Inc() }

// Panicked counts a panic in a part of the proxy.
func (m *Metrics) Panicked(part string) { m.panics.of(part).Inc() }
