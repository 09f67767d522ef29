package envfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// member is a name of a JSON object and what stands there, as it is written.
type member struct {
	name string
	raw  json.RawMessage
}

// readJSON reads a flat object, or what Doppler or 1Password make of one.
func readJSON(asked Format, data []byte) (*File, error) {
	all, err := members(asked, data)
	if err != nil {
		return nil, err
	}
	if asked == Auto && (all == nil || looksLikeItem(all)) {
		return readOnePassword(data)
	}
	f := &File{Format: JSON}
	for _, m := range all {
		raw := m.raw
		if asked != JSON {
			raw = computed(raw)
		}
		value, err := scalar(f.Format, m.name, raw)
		if err != nil {
			return nil, err
		}
		if len(raw) != len(m.raw) && asked == Auto {
			asked = Doppler
		}
		if err := f.put(Entry{Name: m.name}, value); err != nil {
			return nil, err
		}
	}
	f.settleDoppler(asked)
	return f, nil
}

// members are those of the object that is the whole of data; nil where data is a list.
func members(format Format, data []byte) ([]member, error) {
	if !utf8.Valid(data) { // which encoding/json would replace
		return nil, &SyntaxError{Format: format, Reason: "it is not UTF-8"}
	}
	if format == Auto {
		format = JSON
	}
	if !json.Valid(data) {
		return nil, notJSON(format, data)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		if t == json.Delim('[') {
			return nil, nil
		}
		return nil, &SyntaxError{Format: format, Reason: "it is no object"}
	}
	all, seen := []member{}, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		var raw json.RawMessage
		if err != nil || !ok || d.Decode(&raw) != nil {
			return nil, notJSON(format, data)
		}
		if seen[name] {
			return nil, &SyntaxError{Format: format, Reason: fmt.Sprintf("%.64q stands there twice", name)}
		}
		seen[name] = true
		all = append(all, member{name, raw})
	}
	return all, nil
}

// notJSON tells the line, not what stands there: that may be a value.
func notJSON(format Format, data []byte) error {
	var syntax *json.SyntaxError
	e := &SyntaxError{Format: format, Reason: "it is no JSON"}
	if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
		e.Line = 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
	}
	return e
}

// scalar is the value of a text, number or boolean; null is none.
func scalar(format Format, name string, raw json.RawMessage) ([]byte, error) {
	switch raw[0] {
	case '"':
		return text(format, name, raw)
	case '{', '[':
		return nil, &SyntaxError{Format: format, Reason: fmt.Sprintf("%.64q is an object or a list; a flat object has texts only", name)}
	case 'n':
		return nil, nil
	}
	return raw, nil
}

// text decodes a string. encoding/json replaces half of a surrogate pair: then the value would be another one.
func text(format Format, name string, raw json.RawMessage) ([]byte, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, &SyntaxError{Format: format, Reason: fmt.Sprintf("%.64q is no text", name)}
	}
	const replacement = "\ufffd"
	escapes := strings.ToLower(strings.ReplaceAll(string(raw), `\\`, "")) // a backslash that is one is no escape
	written := strings.Count(string(raw), replacement) + strings.Count(escapes, `\ufffd`)
	if strings.Count(s, replacement) > written {
		return nil, &SyntaxError{Format: format, Reason: fmt.Sprintf("%.64q holds half of a surrogate pair", name)}
	}
	return []byte(s), nil
}

// computed is the value in what `doppler secrets --json` says of one, raw itself where it is something else.
func computed(raw json.RawMessage) json.RawMessage {
	var o map[string]json.RawMessage
	if raw[0] != '{' || json.Unmarshal(raw, &o) != nil || len(o["computed"]) == 0 {
		return raw
	}
	return o["computed"]
}

// field is one of an item of 1Password. Other keys say where it is.
type field struct {
	ID    string          `json:"id"`
	Type  string          `json:"type"`
	Label string          `json:"label"`
	Value json.RawMessage `json:"value"`
}

func (f field) name() string {
	if f.Label != "" {
		return f.Label
	}
	return f.ID
}

// secret reports whether a field is taken: it is concealed, or somebody gave it the name of a variable.
func (f field) secret() bool { return f.Type == "CONCEALED" || resolve.ValidName(f.Label) == nil }

func looksLikeItem(all []member) bool {
	has := func(name string, begins byte) bool {
		return slices.ContainsFunc(all, func(m member) bool { return m.name == name && m.raw[0] == begins })
	}
	return has("fields", '[') || has("type", '"') && has("label", '"') && has("reference", '"')
}

// readOnePassword reads an item, some of its fields (--fields A,B), or one.
func readOnePassword(data []byte) (*File, error) {
	all, err := members(OnePassword, data)
	if err != nil {
		return nil, err
	}
	list := json.RawMessage(data)
	if all != nil {
		list = append(append(json.RawMessage("["), data...), ']')
		if at := slices.IndexFunc(all, func(m member) bool { return m.name == "fields" }); at >= 0 {
			list = all[at].raw
		}
	}
	var fields []field
	d := json.NewDecoder(bytes.NewReader(list))
	if err := d.Decode(&fields); err != nil && !errors.Is(err, io.EOF) {
		return nil, &SyntaxError{Format: OnePassword, Reason: "it is no item with fields"}
	}
	f := &File{Format: OnePassword}
	for _, one := range fields {
		switch {
		case one.name() == "":
			return nil, &SyntaxError{Format: OnePassword, Reason: "a field has no label"}
		case !one.secret():
			f.Skipped = append(f.Skipped, one.name())
		case len(one.Value) == 0:
			f.Empty = append(f.Empty, one.name())
		default:
			value, err := scalar(OnePassword, one.name(), one.Value)
			if err != nil {
				return nil, err
			}
			if err := f.put(Entry{Name: one.name()}, value); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}
