package mitm_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// firstByte is an origin that looks into the audit log when it has got one byte
// of a request, and again when it has got the value.
type firstByte struct {
	ln   net.Listener
	log  func() string
	seen chan [2]string
}

func (o *firstByte) serve(cfg *tls.Config) {
	for {
		c, err := tls.NewListener(o.ln, cfg).Accept()
		if err != nil {
			return
		}
		go o.answer(c)
	}
}

func (o *firstByte) answer(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	var first [1]byte
	if _, err := io.ReadFull(c, first[:]); err != nil {
		return
	}
	at := [2]string{o.log()}
	all := first[:]
	buf := make([]byte, 4096)
	for !sawValue(all) {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		all = append(all, buf[:n]...)
	}
	at[1] = o.log()
	o.seen <- at
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	_, _ = io.Copy(io.Discard, c)
}

// sawValue reports whether the head is there, and of a body that streams the
// end of its one JSON value.
func sawValue(all []byte) bool {
	_, body, whole := bytes.Cut(all, []byte("\r\n\r\n"))
	return whole && (!bytes.Contains(all, []byte("chunked")) || bytes.Contains(body, []byte(`"}`)))
}

// Whatever way a value goes, the origin that gets the first byte finds the
// record of it; where a body streams, whoever gets the value does.
func TestEveryExpansionIsRecordedBeforeItsFirstByte(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	dest := net.JoinHostPort(host, strconv.Itoa(ln.Addr().(*net.TCPAddr).Port))
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{dest}})
	o := &firstByte{ln: ln, seen: make(chan [2]string, 1), log: func() string { return onFile(l.AuditDir()) }}
	cfg := l.Origin.TLS.Clone()
	cfg.NextProtos = nil
	go o.serve(cfg)

	jsonBody := http.Header{"Content-Type": {"application/json"}}
	for name, request := range map[string]func() *http.Request{
		"header":    func() *http.Request { return asking("/header", "", bearer("KEY")) },
		"query":     func() *http.Request { return asking("/query?k=AS_SECRET_KEY", "", nil) },
		"body":      func() *http.Request { return asking("/body", `{"k":"AS_SECRET_KEY"}`, jsonBody) },
		"call":      func() *http.Request { return asking("/call", "", nil) },
		"live body": func() *http.Request { return asking("/live", `{"k":"AS_SECRET_KEY"}`, jsonBody) },
	} {
		t.Run(name, func(t *testing.T) {
			req := request()
			req.URL.Scheme, req.URL.Host = "https", dest
			if name == "live body" {
				req.ContentLength = -1
			}
			if name == "call" {
				l.Proxy.Call(httptest.NewRecorder(), req, l.Run, style.Styles{Bearer: "KEY"})
			} else if resp, _ := send(t, l.Client, req); resp.StatusCode != 200 {
				t.Fatal(resp.Status)
			}
			at := <-o.seen
			when := at[0]
			if name == "live body" {
				when = at[1]
			}
			line := lineWith(when, req.URL.Path)
			if !strings.Contains(line, `"event":"decided"`) || !strings.Contains(line, `"secret_keys":["KEY"]`) {
				t.Errorf("on file then: %q", line)
			}
		})
	}
}

func asking(target, body string, header http.Header) *http.Request {
	r, err := http.NewRequest("POST", target, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	if header != nil {
		r.Header = header.Clone()
	}
	return r
}

// onFile is what stands in the files of a log.
func onFile(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	var all strings.Builder
	for _, f := range files {
		b, _ := os.ReadFile(f)
		all.Write(b)
	}
	return all.String()
}

func lineWith(text, path string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, path+`"`) {
			return line
		}
	}
	return ""
}

// What a client makes up, in any part of a request, ends up in lines of JSON:
// one an event, with nothing in them that a terminal would obey.
func FuzzA1LogInjection(f *testing.F) {
	l := lab.New(f, lab.Config{Secrets: secrets, Allow: []string{host}, Change: func(c *mitm.Config) {
		pin := c.Pin
		c.Pin = func(host string, port int) (netip.AddrPort, bool) { // nothing leaves this machine
			if to, ok := pin(host, port); ok {
				return to, ok
			}
			return netip.MustParseAddrPort("127.0.0.1:1"), true
		}
	}})
	written, lines := 0, 0
	ask := func(method, authority, target, field, text string) {
		r := &http.Request{
			Method: method, Header: http.Header{field: {text + " AS_SECRET_KEY"}, "X-" + field: {"AS_SECRET_" + text}},
			Body: io.NopCloser(strings.NewReader(text + "AS_SECRET_KEY")), ContentLength: -1,
		}
		u := *must(http.NewRequest("GET", l.URL(host, "/"), nil)).URL
		u.Path, u.RawQuery = "/"+target, "k=AS_SECRET_KEY"
		if authority != "" {
			u.Host = authority
		}
		r.URL = &u
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		l.Proxy.Call(httptest.NewRecorder(), r.WithContext(ctx), l.Run, style.Styles{})
	}
	for _, s := range []string{
		"", "a\r\nb", "\"}\n{\"id\":\"forged\"}", "\x1b[2J", "\x1b]0;title\x07", "\u009b31m", "\u202egpj", "\u2066", "\x00", "\xff\xfe",
		"\u2028", "%0a", "AS_SECRET_KEY", "\\\"", strings.Repeat("\u202e", 2000),
	} {
		f.Add("GET", "", s, "K", "v")
		f.Add(s, "", "x", "K", "v")
		f.Add("POST", s, "x", "K", "v")
		f.Add("POST", "", "x", s, s)
	}
	f.Fuzz(func(t *testing.T, method, authority, target, field, text string) {
		if strings.ContainsAny(authority, "@") {
			authority = ""
		}
		before, logged := len(onFile(l.AuditDir())), len(l.Log.String())
		ask(method, authority, target, field, text)
		for line := range strings.Lines(l.Log.String()[logged:]) {
			if !strings.HasPrefix(line, "time=") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("logged: %q", line)
			}
		}
		added := onFile(l.AuditDir())[before:]
		for line := range strings.Lines(added) {
			var e audit.Event
			if err := e.UnmarshalJSON([]byte(line)); err != nil || len(e.ID) != 26 || len(e.Chain) != 43 {
				t.Fatalf("%v: %q", err, line)
			}
			for _, r := range strings.TrimSuffix(line, "\n") {
				if !unicode.IsPrint(r) {
					t.Fatalf("%U stands in %q", r, line)
				}
			}
		}
		if n := strings.Count(added, "\n"); n > 2 || added != "" && !strings.HasSuffix(added, "\n") {
			t.Fatalf("%d lines of one exchange: %q", n, added)
		}
		written++
		lines += strings.Count(added, "\n")
	})
	f.Cleanup(func() {
		if written > 50 && lines < 20 {
			f.Errorf("%d requests left %d lines: they were refused before they were recorded", written, lines)
		}
	})
}

func must(r *http.Request, err error) *http.Request {
	if err != nil {
		panic(err)
	}
	return r
}

// finished returns when what became of all exchanges is on file.
func finished(t *testing.T, l *lab.Lab) {
	t.Helper()
	l.Client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := l.Proxy.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

// Whoever is told the ID of an exchange that failed finds it in the log, though no
// placeholder was in it. What the origin answers is no failure of which we tell.
func TestFailuresAreRecorded(t *testing.T) {
	l := lab.New(t, lab.Config{ClientH1: true, OriginH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/broken":
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "some")
		case "/status":
			w.WriteHeader(http.StatusBadGateway)
		}
	})})
	want := map[string]string{}
	for _, tc := range []struct{ url, reason string }{
		{l.URL(host, "/ordinary"), ""},
		{l.URL(host, "/status"), ""},
		{l.URL(host, "/broken"), "origin_protocol"},
		{"https://" + host + ":1/nothing-listens", "origin_unreachable"},
	} {
		resp, err := l.Client.Get(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		id := resp.Header.Get("AgentSecrets-Exchange")
		if id == "" {
			t.Errorf("%s: %s tells no ID", tc.url, resp.Status)
		}
		if tc.reason != "" {
			want[id] = tc.reason
		}
	}
	finished(t, l)
	got := map[string]string{}
	for _, e := range l.Events() {
		got[e.ID] = e.Reason
		if e.Status != audit.Error {
			t.Errorf("the status of %s is %s", e.Reason, e.Status)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("recorded are %v, not %v", got, want)
	}
}

// Nothing was sent is said where no connection was had, and not where one broke off and no second came about.
func TestUnsentIsWhatHadNoConnection(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		var l *lab.Lab
		l = lab.New(t, lab.Config{OriginH1: http1, Secrets: secrets, Allow: []string{host, host + ":1"}, Origin: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/gone" {
				l.Origin.Listener.Close()
				panic(http.ErrAbortHandler)
			}
		})})
		want := map[string]string{}
		for _, tc := range []struct{ url, want string }{
			{"https://" + host + ":1/nothing-listens", "origin_unreachable true"},
			{"https://other.test/refused", "domain_not_in_allowlist true"},
			{l.URL(host, "/answered"), "- false"},
			{l.URL(host, "/gone"), map[bool]string{true: "origin_unreachable false", false: "origin_protocol false"}[http1]},
		} {
			resp, _ := do(t, l, "GET", tc.url, "", bearer("KEY"))
			want[resp.Header.Get("AgentSecrets-Exchange")] = tc.want
		}
		finished(t, l)
		got := map[string]string{}
		for _, e := range l.Events() {
			got[e.ID] = e.Reason + " " + strconv.FormatBool(e.Unsent)
		}
		if !maps.Equal(got, want) {
			t.Errorf("HTTP/1 %v: recorded are %v, not %v", http1, got, want)
		}
	}
}
