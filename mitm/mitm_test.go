package mitm_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/redact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	value = "sk-live-Zq3/vN8+xTr7=mK2pW9"
	host  = "api.acme.test"
)

var secrets = map[string]string{"KEY": value}

// seen is what an origin got, as it got it.
type seen struct {
	Method, Target, Host, Proto string
	Header                      http.Header
	Body                        string
	Length                      int64
}

// recorder is an origin that keeps the last request and answers "ok".
type recorder struct{ got chan seen }

func newRecorder() *recorder { return &recorder{make(chan seen, 64)} }

func (o *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.got <- seen{r.Method, r.RequestURI, r.Host, r.Proto, r.Header, string(body), r.ContentLength}
	io.WriteString(w, "ok")
}

// take is the next request that the origin got.
func (o *recorder) take(t *testing.T) seen {
	t.Helper()
	select {
	case s := <-o.got:
		return s
	case <-time.After(2 * time.Second):
		t.Fatal("the origin was sent nothing")
		return seen{}
	}
}

// none fails if the origin was asked anything.
func (o *recorder) none(t *testing.T) {
	t.Helper()
	select {
	case s := <-o.got:
		t.Errorf("the origin was sent %s %s", s.Method, s.Target)
	default:
	}
}

// problem is the wire form of a refusal.
type problem struct {
	Error, Hint, Message, Name, Domain, Exchange string
	Status                                       int
}

func do(t *testing.T, l *lab.Lab, method, url string, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	return send(t, l.Client, req)
}

func send(t *testing.T, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read response: %v", err)
	}
	return resp, string(b)
}

func wantProblem(t *testing.T, resp *http.Response, body string, status int, slug string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("status %d, body %q: %v", resp.StatusCode, body, err)
	}
	if resp.StatusCode != status || p.Status != status || p.Error != slug {
		t.Errorf("got %d %s (%s), want %d %s", resp.StatusCode, p.Error, p.Message, status, slug)
	}
	if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type is %q", ct)
	}
	return p
}

func bearer(name string) http.Header {
	return http.Header{"Authorization": {"Bearer AS_SECRET_" + name}}
}

// noEcho fails if text holds the value in a form that the origin might send.
func noEcho(t *testing.T, what, text string) {
	t.Helper()
	for _, form := range forms(value) {
		if strings.Contains(text, form) {
			t.Errorf("%s holds the value as %q", what, form)
		}
	}
}

func wantMarker(t *testing.T, what, text string) {
	t.Helper()
	if !strings.Contains(text, redact.Marker) && !strings.Contains(text, "****") {
		t.Errorf("%s shows no redaction: %q", what, text)
	}
}

func done(events []audit.Event) []audit.Event {
	var list []audit.Event
	for _, e := range events {
		if e.Event == audit.Done {
			list = append(list, e)
		}
	}
	return list
}
