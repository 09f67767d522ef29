package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"charm.land/lipgloss/v2"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/redact"
)

func TestParseResolve(t *testing.T) {
	for text, want := range map[string]struct{ key, to string }{
		"api.acme.test:443:127.0.0.1":         {"api.acme.test:443", "127.0.0.1:443"},
		"API.Acme.test.:443:127.0.0.1:8443":   {"api.acme.test:443", "127.0.0.1:8443"},
		"a.test:443:[::1]:8443":               {"a.test:443", "[::1]:8443"},
		"a.test:443:[::1]":                    {"a.test:443", "[::1]:443"},
		"a.test:443:2001:db8::1":              {"a.test:443", "[2001:db8::1]:443"},
		"bücher.test:443:10.0.0.1":            {"xn--bcher-kva.test:443", "10.0.0.1:443"},
		"169.254.169.254.test:1:169.254.0.1:": {},
		"a.test:443":                          {},
		"a.test::127.0.0.1":                   {},
		"a.test:0:127.0.0.1":                  {},
		"a.test:443:127.0.0.1:0":              {},
		"a.test:443:localhost":                {},
		"a.test:443:fe80::1%eth0":             {},
		"*:443:127.0.0.1":                     {},
		"":                                    {},
	} {
		key, to, err := parseResolve(text)
		if want.key == "" {
			if exitCode(err) != exitUsage {
				t.Errorf("%q: %s %s, %v; want a usage error", text, key, to, err)
			}
			continue
		}
		if err != nil || key != want.key || to.String() != want.to {
			t.Errorf("%q: %s %s, %v", text, key, to, err)
		}
	}
}

func TestIsTestName(t *testing.T) {
	for host, want := range map[string]bool{
		"api.acme.test": true, "test": true, "localhost": true, "a.localhost": true, "x.invalid": true,
		"test.example.com": false, "mytest": false, "a.test.com": false, "127.0.0.1": false, "": false,
	} {
		if got := isTestName(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

// Without the password, flags count for test names and nothing else.
func TestOriginsWithoutPassword(t *testing.T) {
	private := netip.MustParseAddr("10.0.0.1")
	for _, everywhere := range []bool{false, true} {
		o := newOrigins(t, everywhere)
		extra := o.roots.Load().extra
		if got := o.Roots("api.stripe.com") != nil; got != everywhere {
			t.Errorf("everywhere %v: own roots for a real name: %v", everywhere, got)
		}
		if o.Roots("api.acme.test") != extra {
			t.Error("no own roots for a test name")
		}
		if got := o.Guard(private) == nil; got != everywhere {
			t.Errorf("everywhere %v: private address allowed: %v", everywhere, got)
		}
		if o.Guard(netip.MustParseAddr("169.254.169.254")) == nil {
			t.Error("metadata allowed")
		}
		if _, pinned := o.Pin("api.stripe.com", 443); pinned {
			t.Error("a real name was pinned")
		}
		if _, pinned := o.Pin("localhost", 443); pinned == everywhere {
			t.Errorf("everywhere %v: localhost pinned: %v", everywhere, pinned)
		}
	}
}

func newOrigins(t *testing.T, everywhere bool) *origins {
	t.Helper()
	o := &origins{private: true, everywhere: everywhere, files: []string{writeRoot(t)}}
	now, err := o.readRoots()
	if err != nil {
		t.Fatal(err)
	}
	o.roots.Store(now)
	return o
}

// Roots that the password was given for do not change without it.
func TestReloadRoots(t *testing.T) {
	for _, everywhere := range []bool{false, true} {
		o := newOrigins(t, everywhere)
		before := o.Roots("api.acme.test")
		if err := o.reload(); err != nil {
			t.Errorf("unchanged files: %v", err)
		}
		pem, err := os.ReadFile(writeRoot(t))
		if err != nil {
			t.Fatal(err)
		}
		old := o.files[0]
		if err := os.WriteFile(old, append(pem, pem...), 0o600); err != nil {
			t.Fatal(err)
		}
		same := o.Roots("api.acme.test")
		if err := o.reload(); (err != nil) != everywhere {
			t.Errorf("everywhere %v: changed files: %v", everywhere, err)
		}
		if taken := o.Roots("api.acme.test") != same; taken == everywhere || before == nil {
			t.Errorf("everywhere %v: changed files were taken: %v", everywhere, taken)
		}
		now := o.roots.Load()
		if err := os.WriteFile(old, []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := o.reload(); err == nil || o.roots.Load() != now {
			t.Errorf("files without a certificate: %v", err)
		}
	}
}

func writeRoot(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.pem")
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	if err := os.WriteFile(path, pemOf(srv.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConcerns(t *testing.T) {
	for value, want := range map[string]string{
		"sk_live_51H8xQm2vN7kR4tZ9w":              "",
		"hunter2":                                 "under 8 bytes",
		"hunter2hunter2":                          "can be guessed",
		strings.Repeat("ab", 20):                  "can be guessed",
		"sk_live_51H8xQm2vN7kR4tZ9w\r\nX-Evil: 1": "line break",
		"sk_live_51H8xQm2vN7kR4tZ9w\x00":          "NUL",
	} {
		got := strings.Join(concerns([]byte(value)), "; ")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func TestTrimNewline(t *testing.T) {
	for value, want := range map[string]string{
		"a": "a", "a\n": "a", "a\r\n": "a", "a\n\n": "a\n", "a\r\n\r\n": "a\r\n", "a\n\r\n": "a\n", "a\r": "a\r", "\r\n": "", "": "",
	} {
		if got := string(trimNewline([]byte(value))); got != want {
			t.Errorf("%q became %q, want %q", value, got, want)
		}
	}
}

// A password may be longer than what a pipe holds.
func TestAnswersArePassedOn(t *testing.T) {
	want := answers{Password: bytes.Repeat([]byte{0xff}, 70<<10), Confirmed: "this"}
	r, err := want.passOn()
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAnswers(r)
	if err != nil || !bytes.Equal(got.Password, want.Password) || got.Confirmed != want.Confirmed {
		t.Errorf("%d bytes, %q, %v", len(got.Password), got.Confirmed, err)
	}
}

func TestDifference(t *testing.T) {
	set, unset := difference([]string{"A=1", "B=2", "C=3"}, []string{"A=1", "B=9", "D=4=5"})
	if len(set) != 2 || set["B"] != "9" || set["D"] != "4=5" || !slices.Equal(unset, []string{"C"}) {
		t.Errorf("%v, %v", set, unset)
	}
}

func TestUncountedSaysWhy(t *testing.T) {
	for err, says := range map[error]string{
		&fs.PathError{Op: "write", Err: syscall.ENOSPC}: ": the disk is full",
		&fs.PathError{Op: "open", Err: syscall.EROFS}:   " cannot be read or written",
	} {
		if p := uncounted("bot", err); p.Status != 503 || p.Slug != "rate_uncounted" || !strings.HasSuffix(p.Message, says) {
			t.Errorf("%v: %+v", err, p)
		}
	}
}

func TestStatusIsLocal(t *testing.T) {
	h := statusHandler(func() healthJSON { return healthJSON{Status: "ok"} }, func(context.Context) string { return "store_locked" }, http.NotFoundHandler())
	for _, c := range []struct {
		path, host string
		header     string
		want       int
	}{
		{"/health", "127.0.0.1:8765", "", 200},
		{"/health", "localhost:8765", "", 200},
		{"/health", "[::1]:8765", "", 200},
		{"/health", "127.0.0.1", "", 200},
		{"/ready", "127.0.0.1", "", 503},
		{"/metrics", "127.0.0.1", "", 404}, // its handler's own answer
		{"/nothing", "127.0.0.1", "", 404},
		{"/health", "evil.example", "", 403},
		{"/health", "localhost.evil.example", "", 403},
		{"/metrics", "192.0.2.1:8765", "", 403},
		{"/health", "", "", 403},
		{"/health", "127.0.0.1", "Origin", 403},
		{"/metrics", "127.0.0.1", "Sec-Fetch-Site", 403},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Host = c.host
		if c.header != "" {
			r.Header.Set(c.header, "x")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

func TestWatched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	reads := 0
	w := &watched[string]{path: path, load: func(p string) (string, error) {
		reads++
		b, err := os.ReadFile(p)
		return string(b), err
	}}
	if _, err := w.get(); err == nil {
		t.Error("a missing file was read")
	}
	for i, text := range []string{"one", "two", "2.5", "three"} { // some of the same length
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got, err := w.get(); got != text || err != nil {
				t.Errorf("%q, %v; want %q", got, err, text)
			}
		}
		if reads != i+2 {
			t.Errorf("read %d times for %d contents", reads, i+1)
		}
	}
	os.Remove(path)
	if _, err := w.get(); err == nil {
		t.Error("a file that has gone still speaks")
	}
}

// Whatever a demo sees where it must not be, or misses where it must be, makes
// it fail.
func TestDemoJudges(t *testing.T) {
	s := func() *stage { return &stage{value: "sk-demo-ABCDEFGHIJKLMNOPQRSTUVWXYZ"} }
	covered := []byte("You sent me Bearer " + redact.Marker + "********")
	for name, c := range map[string]struct {
		got    string // by the origin
		out    []byte
		stderr string
		ok     bool
	}{
		"as it should be":         {got: "Bearer " + s().value, out: covered, ok: true},
		"the echo not covered":    {got: "Bearer " + s().value, out: []byte("You sent me Bearer " + s().value)},
		"covered once, seen once": {got: "Bearer " + s().value, out: append(covered, s().value...)},
		"no echo":                 {got: "Bearer " + s().value, out: []byte("hello")},
		"not expanded":            {got: "Bearer " + placeholderText, out: covered},
		"told on standard error":  {got: "Bearer " + s().value, out: covered, stderr: s().value},
	} {
		st := s()
		st.origin = &demoOrigin{got: told(t, c.got)}
		if err := st.judge(demoClient{"curl", nil, 1}, c.out, []byte(c.stderr)); err != nil {
			t.Fatal(err)
		}
		if st.report.ok() != c.ok {
			t.Errorf("%s: %v, %+v", name, st.report.ok(), st.Checks)
		}
		for _, row := range st.Rows {
			if len(demo.Seen([]byte(row.Got+row.Back+row.Held), []byte(st.value))) > 0 {
				t.Errorf("%s: the table shows the value: %+v", name, row)
			}
		}
	}
	if (&report{}).ok() {
		t.Error("a demo that looked at nothing is content")
	}
}
func pemOf(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }

// told is the report of an origin that got one request.
func told(t *testing.T, authorization string) *json.Decoder {
	t.Helper()
	b, err := json.Marshal(demo.Got{Authorization: authorization})
	if err != nil {
		t.Fatal(err)
	}
	return json.NewDecoder(strings.NewReader(string(b)))
}

// A table that fits no screen breaks its cells, and loses nothing but rulers.
func TestGridFits(t *testing.T) {
	row := []string{"https://api.acme.test/v1/balance", "ACME_KEY OTHER_KEY", "", "domain_not_in_allowlist", "GET", "12 ms", "header:x-key"}
	other := []string{"short", "x", "no text", "-", "OPTIONS", "1 ms", "query"}
	if text := grid(80, []string{"URL"}, nil); text != "" {
		t.Errorf("a screen shows an empty table:\n%s", text)
	}
	if text := grid(0, []string{"URL"}, nil); !strings.Contains(text, "│ URL │") {
		t.Errorf("programs look for the header of an empty table:\n%s", text)
	}
	for n := 1; n <= len(row); n++ {
		header := []string{"URL", "Secrets", "Text", "Reason", "Method", "Took", "Places"}[:n]
		wide := grid(0, header, [][]string{row[:n], other[:n]})
		for columns := range lipgloss.Width(wide) + 2 {
			text := grid(columns, header, [][]string{row[:n], other[:n]})
			switch {
			case columns < n*leastColumns || columns >= lipgloss.Width(wide):
				if text != wide {
					t.Errorf("%d in %d columns: not as it is without an end:\n%s", n, columns, text)
				}
			case lipgloss.Width(text) > columns || letters(text) != letters(wide):
				t.Errorf("%d in %d columns: %d wide, %d letters of %d:\n%s", n, columns, lipgloss.Width(text), letters(text), letters(wide), text)
			}
		}
	}
}

// letters counts those of the cells, without the header's, which may be cut.
func letters(text string) int {
	_, cells, _ := strings.Cut(text, "├")
	return strings.Count(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return 'x'
		}
		return -1
	}, cells), "x")
}

// A response that has come whole counts, whoever tells us to end then; what goes
// wrong after it is no less of a failure.
func TestCallsEnd(t *testing.T) {
	after := errors.New("the record could not be written")
	for _, c := range []struct {
		what   string
		status int
		cut    bool
		told   bool
		err    error
		code   int
	}{
		{"whole", 200, false, false, nil, 0},
		{"whole, then told", 200, false, true, nil, 0},
		{"whole, told, and then a failure", 200, false, true, after, exitFailure},
		{"a failure", 200, false, false, after, exitFailure},
		{"refused, then told", 404, false, true, nil, exitFailure},
		{"told in the middle", 200, true, true, nil, exitInterrupted},
		{"told in the middle, and a failure by it", 200, true, true, after, exitInterrupted},
		{"told before", 0, false, true, after, exitInterrupted},
		{"broken off", 200, true, false, nil, exitFailure},
	} {
		w := (&app{}).newCallWriter(false)
		w.status, w.cut = c.status, c.cut
		if got := exitCode(w.end(c.told, c.err)); got != c.code {
			t.Errorf("%s: exit code %d, want %d", c.what, got, c.code)
		}
	}
}

// A daemon that does not get the port of both loopback addresses keeps neither.
func TestAbandonedHouse(t *testing.T) {
	taken, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	home := t.TempDir()
	store, err := new(app).homeStore(home)
	if err != nil {
		t.Fatal(err)
	}
	w := where{Context: env.Context{WorkspaceID: "w"}, home: home}
	_, err = build(plan{where: w, store: store, origins: new(origins), authority: ca.NewEphemeral, address: "127.0.0.1:" + port, both: true})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("with [::1]:%s taken: %v", port, err)
	}
	again, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("the other one is kept: %v", err)
	}
	again.Close()
}
