package metrics

import (
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

const prefix = "agentsecrets_"

// The values of labels.
const (
	decisions = "allowed blocked error"
	classes   = "1xx 2xx 3xx 4xx 5xx none" // none: the exchange ended before there was a status
	places    = "header cookie query path basic body form text"
	forms     = "verbatim base64 hex percent json html utf-16 quoted-printable quotes wrapped mixed"
	stores    = "keychain file vault command"
	states    = "client tunnel relay origin"
	signs     = "unknown_ca bad_certificate certificate_unknown unreadable_alert other_alert left_in_handshake sent_nothing"
	parts     = "exchange connection body hints dial relay upgrade store"
	// reasons are the slugs of refusals.
	reasons = "agent_denied agent_token_expired agent_token_invalid audit_unavailable authority_mismatch bad_authority bad_request binding_denied body_too_large " +
		"domain_not_in_allowlist egress_denied empty_allowlist header_too_large internal_error method_denied method_refused not_tls origin_protocol " +
		"origin_timeout origin_unreachable origin_untrusted overloaded parent_refused parent_unreachable permission_denied place_denied plaintext_denied " +
		"policy_seal_broken policy_unreadable private_address project_not_found proxy_credential_required rate_limited rate_uncounted secret_not_found short_value_budget " +
		"store_locked too_many_values tunnelled_host undecodable_response value_not_allowed_in_place workspace_not_found"
)

func byDecision() label { return label{name: "decision", values: strings.Fields(decisions)} }
func byClass() label    { return label{name: "class", values: strings.Fields(classes)} }
func byReason() label   { return label{name: "reason", values: strings.Fields(reasons)} }
func byPlace() label    { return label{name: "place", values: strings.Fields(places)} }
func byForm() label     { return label{name: "form", values: strings.Fields(forms)} }
func byStore() label    { return label{name: "store", values: strings.Fields(stores)} }
func byPart() label     { return label{name: "in", values: strings.Fields(parts)} }
func bySign() label     { return label{name: "sign", values: strings.Fields(signs)} }
func byState() label    { return label{name: "state", values: strings.Fields(states)} }

// Exchanges take from milliseconds to an event stream's minutes; our own part
// in them, and finding a value, tens of microseconds to a store's timeout.
func exchangeBuckets() []float64 {
	return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
}

func ownBuckets() []float64 {
	return []float64{50e-6, 100e-6, 250e-6, 500e-6, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}
}

// factory makes instruments and registers them.
type factory struct{ registry *prometheus.Registry }

func (f factory) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	f.registry.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	f.registry.MustRegister(g)
	return g
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets})
	f.registry.MustRegister(h)
	return h
}

func (f factory) counters(name, help string, labels ...label) vec[prometheus.Counter] {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labelNames(labels))
	f.registry.MustRegister(v)
	return vec[prometheus.Counter]{with: v.WithLabelValues, labels: labels}.preset()
}

func (f factory) gauges(name, help string, labels ...label) vec[prometheus.Gauge] {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, labelNames(labels))
	f.registry.MustRegister(v)
	return vec[prometheus.Gauge]{with: v.WithLabelValues, labels: labels}.preset()
}

// bySecret counts exchanges of stored secrets only. A name that clients may ask
// for, and that is not stored, is nobody's.
func (f factory) bySecret(stored func() []string) vec[prometheus.Counter] {
	if stored == nil {
		return vec[prometheus.Counter]{}
	}
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "secret_exchanges_total", Help: "Exchanges that ended and asked for a secret, by its name and what was decided.",
	}, []string{"name", "decision"})
	f.registry.MustRegister(v)
	return vec[prometheus.Counter]{with: v.WithLabelValues, labels: []label{byName(stored), byDecision()}}.preset()
}

// histograms are made when first told something: each is as many series as buckets.
func (f factory) histograms(name, help string, buckets []float64, labels ...label) vec[prometheus.Observer] {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, labelNames(labels))
	f.registry.MustRegister(v)
	return vec[prometheus.Observer]{with: v.WithLabelValues, labels: labels}
}

// info is the constant 1, for its labels: they join to other metrics.
func (f factory) info(version string) {
	f.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: prefix + "build_info", Help: "The program that these metrics are of.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 }))
}

func labelNames(labels []label) []string {
	var list []string
	for _, l := range labels {
		list = append(list, l.name)
	}
	return list
}
