package mitm_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/redact"
)

var redactionsLine = regexp.MustCompile(`(?m)^agentsecrets_redactions_total\{form="([^"]+)"\} (\d+)$`)

// toldBy are the echoes by form that metrics tell of.
func toldBy(m *metrics.Metrics) redact.Counts {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	all := redact.Counts{}
	for _, line := range redactionsLine.FindAllStringSubmatch(w.Body.String(), -1) {
		if n, _ := strconv.Atoi(line[2]); n > 0 {
			all[line[1]] = n
		}
	}
	return all
}

// countedOf are those of events. It fails where an event does not agree with itself.
func countedOf(t *testing.T, events []audit.Event) redact.Counts {
	t.Helper()
	all := redact.Counts{}
	for _, e := range events {
		sum := 0
		for i, form := range e.RedactedForms {
			all[form] += e.RedactedCounts[i]
			sum += e.RedactedCounts[i]
		}
		if sum != e.Redactions || e.Redacted != (sum > 0) || len(e.RedactedForms) != len(e.RedactedCounts) {
			t.Errorf("%d echoes, redacted: %v, %v %v", e.Redactions, e.Redacted, e.RedactedForms, e.RedactedCounts)
		}
	}
	return all
}

// withMetrics adds metrics to a lab.
func withMetrics(c *lab.Config) *metrics.Metrics {
	m := metrics.New(metrics.Config{})
	c.Change = func(c *mitm.Config) { c.Observer = m }
	return m
}

// agree holds that the one event and metrics tell of these echoes, and of no others.
func agree(t *testing.T, what string, l *lab.Lab, m *metrics.Metrics, want redact.Counts) {
	t.Helper()
	waitEvent(t, l)
	events := done(l.Events())
	if len(events) != 1 {
		t.Fatalf("%s: %d exchanges are recorded", what, len(events))
	}
	if got := countedOf(t, events); !maps.Equal(got, want) {
		t.Errorf("%s: audit says %v, want %v", what, got, want)
	}
	if got := toldBy(m); !maps.Equal(got, want) {
		t.Errorf("%s: metrics say %v, want %v", what, got, want)
	}
}

// Audit and metrics tell how many echoes were covered and which forms they had, of
// every part of a response, and agree.
func TestCountedByPart(t *testing.T) {
	for what, c := range map[string]struct {
		said string
		want redact.Counts
	}{
		"none":    {"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok", redact.Counts{}},
		"body":    {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$V, $V\n$H", redact.Counts{"verbatim": 2, "hex": 1}},
		"fields":  {"HTTP/1.1 200 OK\r\nX-A: $V $H\r\nX-B: $V\r\nContent-Length: 2\r\n\r\nok", redact.Counts{"verbatim": 2, "hex": 1}},
		"names":   {"HTTP/1.1 200 OK\r\nX-$H: a\r\nX-$H: b\r\nContent-Length: 2\r\n\r\nok", redact.Counts{"hex": 1}},
		"reason":  {"HTTP/1.1 200 $V $V\r\nContent-Length: 2\r\n\r\nok", redact.Counts{"verbatim": 2}},
		"1xx":     {"HTTP/1.1 103 $V\r\nLink: $V $H\r\n\r\nHTTP/1.1 103 Early\r\nLink: $V\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", redact.Counts{"verbatim": 3, "hex": 1}},
		"trailer": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: $V $V\r\nX-$H: b\r\n\r\n", redact.Counts{"verbatim": 2, "hex": 1}},
		"cut":     {"HTTP/1.1 200 OK\r\nX-A: $V\r\nContent-Length: 10000\r\n\r\n$V\n", redact.Counts{"verbatim": 2}},
	} {
		for _, http1 := range []bool{true, false} {
			var m *metrics.Metrics
			l, authority := sayings(t, map[string]string{"x": c.said}, func(cfg *lab.Config) {
				cfg.ClientH1 = http1
				m = withMetrics(cfg)
			})
			_, _, _ = allOf(t, l, authority, "x")
			agree(t, fmt.Sprintf("%s, HTTP/%d", what, version(http1)), l, m, c.want)
		}
	}
}

// The same of what is no plain response.
func TestCountedByProtocol(t *testing.T) {
	t.Run("WebSocket", func(t *testing.T) {
		cfg := lab.Config{}
		m := withMetrics(&cfg)
		l := webSocketLab(t, cfg, func(conn net.Conn, r *http.Request) {
			v := r.Header.Get("X-Key")
			ws.WriteFrame(conn, ws.NewTextFrame([]byte(v+" "+v)))
			ws.WriteFrame(conn, ws.NewFrame(ws.OpBinary, false, []byte(v[:9])))
			ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, []byte(v[9:]+eachByte("%02x")(v))))
			ws.WriteFrame(conn, ws.NewPingFrame([]byte(v)))
			ws.WriteFrame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(1000, v)))
			io.Copy(io.Discard, conn)
		})
		conn := upgraded(t, l, host, "X-Key: AS_SECRET_KEY")
		for range 4 {
			if _, err := readFrame(conn); err != nil {
				t.Fatal(err)
			}
		}
		conn.Close()
		agree(t, "WebSocket", l, m, redact.Counts{"verbatim": 5, "hex": 1})
	})
	t.Run("gRPC", func(t *testing.T) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: grpcSays(http.Header{"Grpc-Encoding": {"gzip"}, "X-Text": {value}}, message(0, "is "+value), message(1, gzipText(value+" "+value)))}
		m := withMetrics(&cfg)
		l := lab.New(t, cfg)
		grpcCall(t, l, host, message(0, "question"), keyed())
		agree(t, "gRPC", l, m, redact.Counts{"verbatim": 4})
	})
	t.Run("call", func(t *testing.T) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"X-A": {value}}, []byte(value+" "+eachByte("%02x")(value)))}
		m := withMetrics(&cfg)
		l := lab.New(t, cfg)
		call(t, l, "GET", l.URL(host, "/"), "", style.Styles{Bearer: "KEY"})
		agree(t, "call", l, m, redact.Counts{"verbatim": 2, "hex": 1})
	})
	t.Run("gzip", func(t *testing.T) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"Content-Encoding": {"gzip"}}, []byte(gzipText(strings.Repeat(value+"\n", 3))))}
		m := withMetrics(&cfg)
		l := lab.New(t, cfg)
		do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		agree(t, "gzip", l, m, redact.Counts{"verbatim": 3})
	})
}
