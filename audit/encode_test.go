package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/visible"
)

// viaReflection is what encoding/json makes of an event, once what a client can
// make us write is bounded: the plain way, which appendTo is to be equal to.
func viaReflection(t *testing.T, e Event) []byte {
	t.Helper()
	for _, list := range []struct {
		of   *[]string
		most int
	}{{&e.SecretKeys, maxNames}, {&e.AuthStyles, maxPlaces}, {&e.RedactedForms, maxPlaces}, {&e.Places, maxPlaces}, {&e.Mentions, maxPlaces}, {&e.Rules, maxPlaces}} {
		capped := []string{}
		for _, s := range (*list.of)[:min(len(*list.of), list.most)] {
			capped = append(capped, capText(s))
		}
		if n := len(*list.of) - list.most; n > 0 {
			capped = append(capped, fmt.Sprintf("+%d more", n))
		}
		*list.of = capped
	}
	e.RedactedCounts = append([]int{}, e.RedactedCounts[:min(len(e.RedactedCounts), maxPlaces)]...)
	if e.Reason == "" {
		e.Reason = "-"
	}
	for _, s := range []*string{
		&e.ID, &e.Event, &e.Method, &e.TargetURL, &e.Domain, &e.Status, &e.Reason, &e.AgentID, &e.TokenID, &e.RunID, &e.Environment,
		&e.IdentityLevel, &e.ResolutionPath, &e.CallerRole, &e.WorkspaceID, &e.ProjectID, &e.Detail, &e.Hint, &e.Chain,
	} {
		*s = capText(*s)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(wire{e.ID, e.Timestamp.UTC().Format(TimeFormat), (*plain)(&e)}); err != nil {
		t.Fatal(err)
	}
	return visible.JSON(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// An event is, byte for byte, what encoding/json makes of it, whatever stands in it.
func FuzzEncodedAsByReflection(f *testing.F) {
	for _, s := range []string{
		"", "GET", "https://api.example.com/<v1>&'", "a\"b\\c\n\r\t\b\f\x00\x7f", "\u0085\u009b\u202e\u2028\ufeff\u00a0é漢🙂\U000e0001",
		"\xff\xfe\xe2\x82", strings.Repeat("é", maxField), strings.Repeat("\xe2", maxField+9),
	} {
		f.Add(s, s+"x", 3, int64(1))
	}
	f.Fuzz(func(t *testing.T, text, other string, n int, at int64) {
		many := make([]string, max(0, n)%(maxNames+9))
		for i := range many {
			many[i] = text
		}
		numbers := make([]int, len(many)%(maxPlaces+9))
		for i := range numbers {
			numbers[i] = n * i
		}
		for _, e := range []Event{
			{ID: text, Timestamp: time.Unix(at, at), Event: other, SecretKeys: many, Places: many, AuthStyles: []string{text, other}, Method: text},
			{TargetURL: text, Domain: other, StatusCode: n, DurationMS: at, Status: text, Reason: other, Redacted: n > 0, Redactions: n, RedactedForms: many, RedactedCounts: numbers},
			{Mentions: []string{other}, Rules: many, Detail: text, Hint: other, AgentID: text, TokenID: other, RunID: text, Environment: other, IdentityLevel: text},
			{ResolutionPath: text, CallerRole: other, WorkspaceID: text, ProjectID: other, Chain: text, Reason: text},
		} {
			if got, want := e.appendTo(nil), viaReflection(t, e); !bytes.Equal(got, want) {
				t.Fatalf("%q\nnot %q", got, want)
			}
		}
	})
}

// An event like nearly all are costs its write, and next to nothing else.
func TestWriteAllocates(t *testing.T) {
	l, err := Open(config(t.TempDir(), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := Event{
		ID: NewID(), Timestamp: time.Now(), Event: Decided, SecretKeys: []string{"STRIPE_KEY"}, Places: []string{"header:authorization"},
		Method: "POST", TargetURL: "https://api.stripe.com/v1/balance", Domain: "api.stripe.com", Status: OK,
	}
	const most = 5 // measured: 4, of Lstat and of the MAC
	n := testing.AllocsPerRun(200, func() {
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
	})
	if t.Logf("%.0f allocations", n); n > most {
		t.Errorf("an event makes %.0f allocations, not at most %d", n, most)
	}
}
