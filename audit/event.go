package audit

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The two events of an exchange. They share an ID.
const (
	Decided = "decided" // written before the first byte goes upstream
	Done    = "done"    // written when the exchange has ended
)

// How an exchange ended.
const (
	OK      = "OK"
	Blocked = "BLOCKED"
	Error   = "ERROR"
)

// TimeFormat is how a timestamp is written, always in UTC. Python 3.10 parses
// no "Z" and no more than six digits.
const TimeFormat = "2006-01-02T15:04:05.000000-07:00"

const (
	maxField  = 1 << 10 // bytes of one text
	maxNames  = 1 << 10 // entries in SecretKeys
	maxPlaces = 64      // entries in AuthStyles and Places
)

// Event says what was decided about an exchange, or how it ended. Its texts are
// names and IDs, and the request as the client wrote it; no field is for a value.
type Event struct {
	ID             string    `json:"id"`
	Timestamp      time.Time `json:"timestamp"`
	Event          string    `json:"event"` // Decided or Done
	SecretKeys     []string  `json:"secret_keys"`
	AuthStyles     []string  `json:"auth_styles"`
	Places         []string  `json:"places"`
	Method         string    `json:"method"`
	TargetURL      string    `json:"target_url"` // without query and userinfo
	Domain         string    `json:"domain"`
	StatusCode     int       `json:"status_code"`
	DurationMS     int64     `json:"duration_ms"`
	Status         string    `json:"status"` // OK, Blocked or Error
	Reason         string    `json:"reason"` // "-" or a slug
	Unsent         bool      `json:"unsent"` // no connection was had for it, so nothing of it was sent; records of before do not tell
	Redacted       bool      `json:"redacted"`
	Redactions     int       `json:"redactions"`
	RedactedForms  []string  `json:"redacted_forms"`  // what the echoes were written in, never what they were
	RedactedCounts []int     `json:"redacted_counts"` // how many there were in each of RedactedForms
	Mentions       []string  `json:"mentions"`        // "NAME place" of placeholders that passed as text
	Rules          []string  `json:"rules"`           // rules and bindings that decided
	Detail         string    `json:"detail"`          // of a refusal: one sentence
	Hint           string    `json:"hint"`            // of a refusal: the command that would change it
	Client         string    `json:"client"`          // of what a client did that is no exchange: the program, by its name
	AgentID        string    `json:"agent_id"`
	TokenID        string    `json:"token_id"`
	RunID          string    `json:"run_id"`
	Environment    string    `json:"environment"`
	IdentityLevel  string    `json:"identity_level"` // anonymous, declared or issued
	ResolutionPath string    `json:"resolution_path"`
	CallerRole     string    `json:"caller_role"`
	WorkspaceID    string    `json:"workspace_id"`
	ProjectID      string    `json:"project_id"`
	Chain          string    `json:"chain"` // set by Log: what binds this line to those before it; always the last field
}

// Covered notes how many echoes were covered in each form.
func (e *Event) Covered(byForm map[string]int) {
	e.Redactions, e.RedactedCounts = 0, nil
	e.RedactedForms = slices.Sorted(maps.Keys(byForm))
	for _, form := range e.RedactedForms {
		n := byForm[form]
		e.Redactions += n
		e.RedactedCounts = append(e.RedactedCounts, n)
	}
	e.Redacted = e.Redactions > 0
}

// NewID makes the ID of an exchange: 128 random bits, fit for a header field
// and to be picked with a double click.
func NewID() string { return strings.ToLower(rand.Text()) }

// NewRunID makes the ID of a run, by which its events are found: 80 random bits.
// It is no credential.
func NewRunID() string { return "run_" + NewID()[:16] }

// plain is Event without its methods.
type plain Event

// wire puts the timestamp's own form in its place; encoding/json takes the
// outer of two fields of one name.
type wire struct {
	ID        string `json:"id"`
	Timestamp string `json:"timestamp"`
	*plain
}

// MarshalJSON writes the event on one line in which no byte can move a
// terminal's cursor or turn its text around.
func (e Event) MarshalJSON() ([]byte, error) { return e.appendTo(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote; fields of later versions are let pass.
func (e *Event) UnmarshalJSON(b []byte) error {
	var p plain
	w := wire{plain: &p}
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("decode audit event: %w", err)
	}
	at, err := time.Parse(TimeFormat, w.Timestamp)
	if err != nil {
		return fmt.Errorf("decode audit event: %w", err)
	}
	*e = Event(p)
	e.ID, e.Timestamp = w.ID, at.UTC()
	return nil
}
