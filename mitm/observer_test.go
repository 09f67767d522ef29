package mitm_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// measured is a lab whose proxy counts.
func measured(t *testing.T, cfg lab.Config) (*lab.Lab, *metrics.Metrics) {
	t.Helper()
	m := metrics.New(metrics.Config{})
	change := cfg.Change
	cfg.Change = func(mc *mitm.Config) {
		mc.Observer = m
		if change != nil {
			change(mc)
		}
	}
	return lab.New(t, cfg), m
}

// exposed is what m shows.
func exposed(m *metrics.Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// wait looks for a line until it is there: some things are counted when a
// connection ends or after the client has its answer.
func wait(t *testing.T, m *metrics.Metrics, line string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		text := exposed(m)
		if strings.Contains("\n"+text, "\nagentsecrets_"+line+"\n") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no line %q in\n%s", line, text)
		}
	}
}

func exchange(t *testing.T, c *http.Client, method, url, contentType, body string, fields ...string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	send(t, c, r)
}

// Every instrument is told of real exchanges.
func TestMeasures(t *testing.T) {
	l, m := measured(t, lab.Config{
		Secrets: secrets, Allow: []string{host},
		Text: func(u mitm.Use) bool { return u.Place == "path" || u.Place == "body:said" },
		Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Header.Get("X-Key"))
		}),
	})
	exchange(t, l.Client, "GET", l.URL(host, "/"), "", "", "X-Key", "AS_SECRET_KEY")
	exchange(t, l.Client, "POST", l.URL(host, "/AS_SECRET_KEY"), "application/json", `{"a":"AS_SECRET_KEY","said":"AS_SECRET_KEY"}`)
	exchange(t, l.Client, "GET", l.URL(host, "/"), "", "", "X-Key", "AS_SECRET_NONE")
	exchange(t, l.Client, "GET", l.URL("other.acme.test", "/"), "", "", "X-Key", "AS_SECRET_KEY")
	for _, line := range []string{
		`exchanges_total{class="2xx",decision="allowed"} 2`,
		`exchanges_total{class="4xx",decision="blocked"} 2`,
		`denials_total{reason="secret_not_found"} 1`,
		`denials_total{reason="domain_not_in_allowlist"} 1`,
		`expansions_total{place="header"} 1`,
		`expansions_total{place="body"} 1`,
		`text_mentions_total{place="path"} 1`,
		`text_mentions_total{place="body"} 1`,
		`redactions_total{form="verbatim"} 1`,
		`unresolved_total 1`,
		`exchange_duration_seconds_count 4`,
		`overhead_seconds_count 2`,
		`connections{state="tunnel"} 2`,
		`connections{state="origin"} 1`,
		`connections{state="client"} 0`,
		`holdback_bytes 0`,
	} {
		wait(t, m, line)
	}
	c := l.Dial()
	wait(t, m, `connections{state="client"} 1`)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", l.Authority(host))
	wait(t, m, `denials_total{reason="proxy_credential_required"} 1`)
	wait(t, m, `connections{state="client"} 0`)
	l.Client.CloseIdleConnections()
	wait(t, m, `connections{state="tunnel"} 0`)
}

// Longer and endless bodies count their mentions once, too.
func TestMentionsInStreams(t *testing.T) {
	text := `{"said":"AS_SECRET_KEY","pad":"` + strings.Repeat("x", 2<<20) + `"}`
	for name, body := range map[string]func() io.Reader{
		"long":   func() io.Reader { return strings.NewReader(text) },
		"stream": func() io.Reader { return io.MultiReader(strings.NewReader(text)) },
	} {
		l, m := measured(t, lab.Config{
			Secrets: secrets, Allow: []string{host}, Text: func(mitm.Use) bool { return true },
			Origin: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }),
		})
		resp, err := l.Client.Post(l.URL(host, "/"), "application/json", body())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		resp.Body.Close()
		wait(t, m, `text_mentions_total{place="body"} 1`)
	}
}

func TestA3AuditFailuresAreCounted(t *testing.T) {
	l, m := measured(t, lab.Config{Secrets: secrets, Allow: []string{host}, Change: noRecord})
	exchange(t, l.Client, "GET", l.URL(host, "/"), "", "", "X-Key", "AS_SECRET_KEY")
	wait(t, m, `audit_failures_total 2`) // decided and done
	wait(t, m, `denials_total{reason="audit_unavailable"} 1`)
}

func noRecord(mc *mitm.Config) { mc.Record = func(audit.Event) error { return io.ErrShortWrite } }

// fakeClock goes on only when somebody says so.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// slowBody takes an hour of the clock a read.
type slowBody struct {
	*strings.Reader
	clock *fakeClock
}

func (b slowBody) Read(p []byte) (int, error) {
	b.clock.pass(time.Hour)
	return b.Reader.Read(p)
}

// slowWriter is a client that takes an hour for what it is given.
type slowWriter struct {
	*httptest.ResponseRecorder
	clock *fakeClock
}

func (w slowWriter) Write(p []byte) (int, error) {
	w.clock.pass(time.Hour)
	return w.ResponseRecorder.Write(p)
}

// What policy and the store take is ours; to wait for the client's body, for the
// origin and for the client to take its answer is not.
func TestOverheadIsOursAlone(t *testing.T) {
	clock := &fakeClock{now: time.Now()}
	l, m := measured(t, lab.Config{
		Secrets: secrets, Allow: []string{host},
		Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			clock.pass(time.Hour)
			io.Copy(w, r.Body)
		}),
		Change: func(mc *mitm.Config) {
			mc.Now = clock.Now
			find := mc.Resolve
			mc.Resolve = func(ctx context.Context, s mitm.Scope, name string) (resolve.Value, error) {
				clock.pass(3 * time.Second)
				return find(ctx, s, name)
			}
		},
	})
	r := httptest.NewRequest("POST", l.URL(host, "/"), slowBody{strings.NewReader(`{"a":"AS_SECRET_KEY"}`), clock})
	r.ContentLength = 21
	r.Header.Set("Content-Type", "application/json")
	w := slowWriter{httptest.NewRecorder(), clock}
	l.Proxy.Call(w, r, l.Run, style.Styles{})
	if w.Code != 200 || !strings.Contains(w.Body.String(), "REDACTED") {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	wait(t, m, `overhead_seconds_sum 3`)
	wait(t, m, `exchange_duration_seconds_bucket{le="300"} 0`)
}

// Nor is it to wait for the rest of a body.
func TestOverheadWithoutTheBody(t *testing.T) {
	const pause = time.Second
	l, m := measured(t, lab.Config{Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "first\n")
		http.NewResponseController(w).Flush()
		time.Sleep(pause)
		io.WriteString(w, "last\n")
	})})
	exchange(t, l.Client, "GET", l.URL(host, "/"), "", "")
	wait(t, m, `overhead_seconds_count 1`)
	_, rest, _ := strings.Cut(exposed(m), "\nagentsecrets_overhead_seconds_sum ")
	var seconds float64
	if _, err := fmt.Sscan(rest, &seconds); err != nil || seconds <= 0 || seconds > pause.Seconds()*0.8 {
		t.Errorf("%v s of ours in an exchange of %v, %v", seconds, pause, err)
	}
}

// Bytes that redaction holds back are told while they are.
func TestHoldbackIsTold(t *testing.T) {
	goOn := make(chan struct{})
	l, m := measured(t, lab.Config{
		Secrets: secrets, Allow: []string{host}, ClientH1: true, OriginH1: true,
		Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != "" {
				halfMessage(w, r, goOn)
				return
			}
			io.WriteString(w, "a line\n"+value[:11])
			http.NewResponseController(w).Flush()
			<-goOn
		}),
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		exchange(t, l.Client, "GET", l.URL(host, "/"), "", "", "X-Key", "AS_SECRET_KEY")
	}()
	wait(t, m, `holdback_bytes 11`)
	goOn <- struct{}{}
	wait(t, m, `holdback_bytes 0`)
	<-done
	fmt.Fprintf(l.TLS(l.Authority(host), "http/1.1"), "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", l.Authority(host))
	wait(t, m, `holdback_bytes 10`)
	goOn <- struct{}{}
	wait(t, m, `holdback_bytes 0`)
}

// halfMessage sends a WebSocket message of which the second part comes later.
func halfMessage(w http.ResponseWriter, r *http.Request, goOn chan struct{}) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, []byte("0123456789")))
	<-goOn
	ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, []byte("x")))
}

// canary is in everything that the fuzzed client makes up.
const canary = "zq9x"

// Whatever a client makes up, it makes no series.
func FuzzSeriesAreBounded(f *testing.F) {
	m := metrics.New(metrics.Config{Names: func() []string { return []string{"KEY"} }})
	l := lab.New(f, lab.Config{Secrets: secrets, Allow: []string{host}, Change: func(mc *mitm.Config) { mc.Observer = m }})
	credential, _ := url.Parse(l.Run.URL(l.Addr))
	f.Add("x.test", "GET", "NAME", "/v1", "")
	f.Add("\"}\n", "PO ST", "A_9", "/%zz", "\xff")
	f.Add("[::1]", "CONNECT", "", "?", "\r\nTe: x")
	most := 0
	f.Fuzz(func(t *testing.T, host, method, name, path, extra string) {
		madeUp := fmt.Sprintf("X-Key: AS_SECRET_ZQ9X%s\r\nX-%s: %s%s\r\n", name, canary, canary, extra)
		for _, text := range []string{
			fmt.Sprintf("%s%s http://%s.%s/%s%s HTTP/1.1\r\nHost: %s.%[3]s\r\n%s\r\n", canary, method, canary, host, canary, path, canary, madeUp),
			fmt.Sprintf("GET http://%s%s.test/%s%s HTTP/1.1\r\nHost: %[1]s%s.test\r\n%[5]s\r\n", canary, host, canary, path, madeUp),
			fmt.Sprintf("CONNECT %s%s HTTP/1.1\r\nHost: x\r\n%s\r\n", canary, host, madeUp), // has no port
			fmt.Sprintf("CONNECT %s%s:443 HTTP/1.1\r\nHost: x\r\n%s\r\n", canary, host, madeUp),
			fmt.Sprintf("GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\nX-AS-Target-URL: https://%s%s/%s\r\nX-AS-Method: %s%s\r\nX-AS-Inject-Bearer: ZQ9X%s\r\n%s\r\n",
				canary, host, path, canary, method, name, madeUp),
			fmt.Sprintf("GET /%s%s HTTP/1.1\r\nHost: %s%s\r\n\r\n", canary, path, canary, host),
		} {
			talk(t, credential, text)
		}
		r := httptest.NewRequest("GET", "https://"+canary+".acme.test/", nil)
		r.Method, r.URL.Path = canary+method, "/"+canary+path
		r.Header.Set("X-Key", "AS_SECRET_ZQ9X"+name)
		l.Proxy.Call(httptest.NewRecorder(), r, l.Run, style.Styles{})
		text := exposed(m)
		if strings.Contains(strings.ToLower(text), canary) {
			t.Errorf("what a client made up is in\n%s", text)
		}
		if !strings.Contains(text, `secret_exchanges_total{decision="blocked",name="other"}`) {
			t.Error("the proxy took it for no exchange with a placeholder")
		}
		most = max(most, strings.Count(text, "\n")-strings.Count(text, "# "))
		if most > 1000 {
			t.Errorf("%d series", most)
		}
	})
}

// talk sends text to the proxy with the run's credential, and reads some of the answer.
func talk(t *testing.T, proxy *url.URL, text string) {
	conn, err := net.Dial("tcp", proxy.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	line, rest, _ := strings.Cut(text, "\r\n")
	password, _ := proxy.User.Password()
	pair := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
	fmt.Fprintf(conn, "%s\r\nProxy-Authorization: Basic %s\r\nConnection: close\r\n%s", line, pair, rest)
	conn.(*net.TCPConn).CloseWrite()
	conn.Read(make([]byte, 1024))
}
