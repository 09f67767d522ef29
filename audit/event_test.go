package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// fields are those of the documented event, in its order.
var fields = strings.Fields(`id timestamp event secret_keys auth_styles places method target_url domain status_code
	duration_ms status reason unsent redacted redactions redacted_forms redacted_counts mentions rules detail hint client agent_id token_id run_id environment identity_level resolution_path
	caller_role workspace_id project_id chain`)

func TestEveryFieldIsThere(t *testing.T) {
	b, err := json.Marshal(Event{})
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	var names []string
	for depth := 0; dec.More() || depth > 0; {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			names = append(names, tok.(string)) // only keys are read as tokens here
			var value json.RawMessage
			if err := dec.Decode(&value); err != nil || string(value) == "null" {
				t.Errorf("%v is %s, %v", tok, value, err)
			}
		}
	}
	if !reflect.DeepEqual(names, fields) {
		t.Errorf("fields are %q\nwant       %q", names, fields)
	}
}

func TestTimestamp(t *testing.T) {
	east := time.FixedZone("", 2*3600)
	for at, want := range map[time.Time]string{
		time.Date(2026, 1, 2, 5, 4, 5, 123456789, east):     "2026-01-02T03:04:05.123456+00:00",
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC):         "2026-01-02T03:04:05.000000+00:00",
		time.Date(2026, 1, 2, 3, 4, 5, 120000000, time.UTC): "2026-01-02T03:04:05.120000+00:00",
	} {
		b, err := json.Marshal(Event{Timestamp: at})
		if err != nil || !strings.Contains(string(b), `"timestamp":"`+want+`"`) {
			t.Errorf("%v is written %s, %v; want %s", at, b, err, want)
		}
	}
}

func TestEventComesBack(t *testing.T) {
	want := Event{
		ID: NewID(), Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Event: Done,
		SecretKeys: []string{"A", "B"}, AuthStyles: []string{"bearer"}, Places: []string{"header:authorization"},
		Method: "POST", TargetURL: "https://api.example.com/<v1>&", Domain: "api.example.com", StatusCode: 200,
		DurationMS: 1 << 40, Status: OK, Reason: "-", Unsent: true, Redacted: true, Redactions: 3, RedactedForms: []string{"base64"}, RedactedCounts: []int{3}, Mentions: []string{"A path"}, Rules: []string{"r"}, Detail: "d", Hint: "h", Client: "curl", AgentID: "a", TokenID: "t",
		RunID: "r", Environment: "production", IdentityLevel: "issued", ResolutionPath: "local", CallerRole: "owner",
		WorkspaceID: "wsp_x", ProjectID: "prj_x", Chain: "c",
	}
	for v, i := reflect.ValueOf(want), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Fatalf("the test leaves %s out", v.Type().Field(i).Name)
		}
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Event
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, bad := range []string{`null`, `[]`, `{}`, `{"timestamp":"2026-01-02T03:04:05Z"}`, `{"id":1}`} {
		var e Event
		if err := json.Unmarshal([]byte(bad), &e); err == nil {
			t.Errorf("%s was read as %+v", bad, e)
		}
	}
}

func TestLimits(t *testing.T) {
	long := strings.Repeat("é", maxField)
	e := Event{Method: long, SecretKeys: make([]string, maxNames+5), Places: []string{long}}
	e.Places = append(e.Places, make([]string, maxPlaces)...)
	before := len(e.Places)
	var got Event
	if err := json.Unmarshal(mustMarshal(t, e), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Method) != maxField || len(got.Places[0]) != maxField || !utf8.ValidString(got.Method) {
		t.Errorf("texts are cut to %d and %d bytes", len(got.Method), len(got.Places[0]))
	}
	if n := len(got.SecretKeys); n != maxNames+1 || got.SecretKeys[n-1] != "+5 more" {
		t.Errorf("%d names, the last %q", n, got.SecretKeys[n-1])
	}
	if n := len(got.Places); n != maxPlaces+1 || got.Places[n-1] != "+1 more" {
		t.Errorf("%d places, the last %q", n, got.Places[n-1])
	}
	if len(e.Places) != before || e.Places[0] != long {
		t.Error("the caller's list was changed")
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if len(id) < 26 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[id] {
			t.Fatalf("ID %q", id)
		}
		seen[id] = true
	}
}

func TestHiddenRunesAreEscaped(t *testing.T) {
	const text = "a\r\n\x1b[2Jb\x7fc\u0085d\u009b1me\u202ef\u2066g\u2028h\ufeffi\u00a0j\U000e0041k\xff\\\u202e\\\"<&>é漢🙂"
	b := mustMarshal(t, Event{Method: text})
	checkLine(t, b)
	for _, want := range []string{`\u202e`, `\u009b`, `\u007f`, `\udb40\udc41`, `<&>é漢🙂`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	var got Event
	if err := json.Unmarshal(b, &got); err != nil || got.Method != strings.ToValidUTF8(text, "\ufffd") {
		t.Errorf("came back as %q, %v", got.Method, err)
	}
}

// checkLine fails unless b is one line of JSON that a terminal shows as it is.
func checkLine(t *testing.T, b []byte) {
	t.Helper()
	if !json.Valid(b) || !utf8.Valid(b) {
		t.Fatalf("not JSON: %q", b)
	}
	for _, r := range string(b) {
		bidi := r == 0x61C || r == 0x200E || r == 0x200F || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
		if unicode.IsControl(r) || bidi || r == 0x2028 || r == 0x2029 {
			t.Fatalf("%U stands in %q", r, b)
		}
	}
}

func mustMarshal(t *testing.T, e Event) []byte {
	t.Helper()
	b, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// One line an event, whatever stands in it, and nothing in it is lost but what
// the limits cut.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"", "GET", "a\nb", "\"}\n{\"id\":\"forged\"}", "\x1b]0;title\x07", "\u009b31m", "\u202egpj.exe",
		"\xff\xfe", "\\\u2029", "\U000e0001", strings.Repeat("x", maxField+1), strings.Repeat("\u202e", maxField),
	} {
		f.Add(s, s, 200)
	}
	f.Fuzz(func(t *testing.T, text, other string, n int) {
		e := Event{
			ID: text, Timestamp: time.Unix(0, int64(n)), Event: Done, SecretKeys: []string{text, other}, Places: []string{other},
			Method: other, TargetURL: text, StatusCode: n, Reason: other, RunID: text,
		}
		b := mustMarshal(t, e)
		checkLine(t, b)
		var got Event
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%v: %q", err, b)
		}
		if fits(text) && (got.TargetURL != text || got.SecretKeys[0] != text) {
			t.Errorf("%q came back as %q", text, got.TargetURL)
		}
		if len(got.TargetURL) > 3*maxField || got.StatusCode != n { // U+FFFD has three bytes
			t.Errorf("%d bytes, status %d", len(got.TargetURL), got.StatusCode)
		}
		if again := mustMarshal(t, got); fits(text) && fits(other) && !bytes.Equal(again, b) {
			t.Errorf("written again:\n%s\n%s", again, b)
		}
	})
}

func fits(s string) bool { return len(s) <= maxField && utf8.ValidString(s) }
