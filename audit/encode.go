package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/agentsecrets/agentsecrets/internal/visible"
)

// An event is written for every exchange with a value, twice, so it is encoded by
// hand: encoding/json's reflection took more time than the write(2). What comes
// out is, byte for byte, what encoding/json makes of it, which a test compares.

// appendTo appends e to b as one line of JSON, without its end, in which no byte
// can move a terminal's cursor or turn its text around. What a client can make us
// write is bounded.
func (e *Event) appendTo(b []byte) []byte {
	b = appendText(append(b, `{"id":`...), e.ID)
	b = e.Timestamp.UTC().AppendFormat(append(b, `,"timestamp":"`...), TimeFormat)
	b = appendText(append(b, `","event":`...), e.Event)
	b = appendList(append(b, `,"secret_keys":`...), e.SecretKeys, maxNames)
	b = appendList(append(b, `,"auth_styles":`...), e.AuthStyles, maxPlaces)
	b = appendList(append(b, `,"places":`...), e.Places, maxPlaces)
	b = appendText(append(b, `,"method":`...), e.Method)
	b = appendText(append(b, `,"target_url":`...), e.TargetURL)
	b = appendText(append(b, `,"domain":`...), e.Domain)
	b = strconv.AppendInt(append(b, `,"status_code":`...), int64(e.StatusCode), 10)
	b = strconv.AppendInt(append(b, `,"duration_ms":`...), e.DurationMS, 10)
	b = appendText(append(b, `,"status":`...), e.Status)
	b = appendText(append(b, `,"reason":`...), cmp.Or(e.Reason, "-"))
	b = strconv.AppendBool(append(b, `,"unsent":`...), e.Unsent)
	b = strconv.AppendBool(append(b, `,"redacted":`...), e.Redacted)
	b = strconv.AppendInt(append(b, `,"redactions":`...), int64(e.Redactions), 10)
	b = appendList(append(b, `,"redacted_forms":`...), e.RedactedForms, maxPlaces)
	b = appendNumbers(append(b, `,"redacted_counts":`...), e.RedactedCounts)
	b = appendList(append(b, `,"mentions":`...), e.Mentions, maxPlaces)
	b = appendList(append(b, `,"rules":`...), e.Rules, maxPlaces)
	b = appendText(append(b, `,"detail":`...), e.Detail)
	b = appendText(append(b, `,"hint":`...), e.Hint)
	b = appendText(append(b, `,"client":`...), e.Client)
	b = appendText(append(b, `,"agent_id":`...), e.AgentID)
	b = appendText(append(b, `,"token_id":`...), e.TokenID)
	b = appendText(append(b, `,"run_id":`...), e.RunID)
	b = appendText(append(b, `,"environment":`...), e.Environment)
	b = appendText(append(b, `,"identity_level":`...), e.IdentityLevel)
	b = appendText(append(b, `,"resolution_path":`...), e.ResolutionPath)
	b = appendText(append(b, `,"caller_role":`...), e.CallerRole)
	b = appendText(append(b, `,"workspace_id":`...), e.WorkspaceID)
	b = appendText(append(b, `,"project_id":`...), e.ProjectID)
	b = appendText(append(b, `,"chain":`...), e.Chain)
	return append(b, '}')
}

// appendList writes at most so many entries, and how many more there are. It is
// never null.
func appendList(b []byte, list []string, most int) []byte {
	b = append(b, '[')
	for i, s := range list[:min(len(list), most)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	if n := len(list) - most; n > 0 {
		b = append(strconv.AppendInt(append(b, `,"+`...), int64(n), 10), ` more"`...)
	}
	return append(b, ']')
}

// appendNumbers writes at most as many as there are forms. It is never null.
func appendNumbers(b []byte, list []int) []byte {
	b = append(b, '[')
	for i, n := range list[:min(len(list), maxPlaces)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// appendText leaves what is not plain to encoding/json.
func appendText(b []byte, s string) []byte {
	s = capText(s)
	if !isPlain(s) {
		return append(b, escaped(s)...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// isPlain reports whether s is the same in JSON, between quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func escaped(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always has a JSON form
	}
	return visible.JSON(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func capText(s string) string {
	if len(s) <= maxField {
		return s
	}
	cut := maxField
	for cut > maxField-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
