package allowlist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

// The form of the policy file. Rules are texts as people write them, so that a file reads like the command line:
//
//	{"version": 6,
//	 "rules": [{"rule": "POST api.acme.test:9443/v1/*", "places": ["header"], "private": true, "plaintext": true, "range": true,
//	            "ca": "-----BEGIN CERTIFICATE-----…", "added_by": "ann", "added_at": "2026-01-02T03:04:05Z"}],
//	 "bindings": {"prj_1": {"ACME_KEY": {"hosts": ["api.acme.test:9443"], "places": ["header"],
//	                            "methods": ["GET"], "paths": ["/v1/*"], "no_env": true}}},
//	 "password": "$argon2id$…",
//	 "agents": {"build": {…}},
//	 "seal": {"count": 7, "mac": "…"}}
//
// Unknown fields at the top are kept. Unknown fields of a rule or a binding are refused: they may restrict it.

const sealField = "seal"

type fields map[string]json.RawMessage

type fileRule struct {
	Rule    string          `json:"rule"`
	Places  json.RawMessage `json:"places,omitempty"`
	Private bool            `json:"private,omitempty"`
	Plain   bool            `json:"plaintext,omitempty"`
	Range   bool            `json:"range,omitempty"`
	CA      *string         `json:"ca,omitempty"`
	AddedBy string          `json:"added_by,omitempty"`
	AddedAt *time.Time      `json:"added_at,omitempty"`
}

type fileBinding struct {
	Hosts   []string `json:"hosts,omitempty"`
	Places  []string `json:"places,omitempty"`
	Methods []string `json:"methods,omitempty"`
	Paths   []string `json:"paths,omitempty"`
	NoEnv   bool     `json:"no_env,omitempty"`
}

var errNewer = errors.New("its version is newer than this program")

func decodePolicy(data []byte) (*Policy, error) {
	var f fields
	if err := strict(data, &f); err != nil {
		return nil, err
	}
	p := &Policy{rest: f}
	if err := f.take("version", &p.Version); err != nil {
		return nil, err
	}
	if p.Version > policyVersion {
		return nil, fmt.Errorf("%w: %d", errNewer, p.Version)
	}
	if p.Version < oldPolicyVersion {
		return nil, errors.New("it has no valid version")
	}
	if err := f.take("password", &p.Password); err != nil {
		return nil, err
	}
	if err := f.take("agents", &p.Agents); err != nil {
		return nil, err
	}
	if err := f.take(sealField, &p.seal); err != nil {
		return nil, err
	}
	var err error
	if p.Rules, err = f.rules(); err != nil {
		return nil, err
	}
	p.Bindings, err = f.bindings()
	return p, err
}

// take moves one field out of f into v.
func (f fields) take(name string, v any) error {
	raw, ok := f[name]
	if !ok {
		return nil
	}
	delete(f, name)
	if err := strict(raw, v); err != nil {
		return fmt.Errorf("in %q: %w", name, err)
	}
	return nil
}

func (f fields) rules() ([]Rule, error) {
	var list []json.RawMessage
	if err := f.take("rules", &list); err != nil {
		return nil, err
	}
	var rules []Rule
	for _, raw := range list {
		var t fileRule
		if err := strict(raw, &t); err != nil {
			return nil, fmt.Errorf("in a rule: %w", err)
		}
		r, err := ParseRequestRule(t.Rule)
		if err != nil {
			return nil, err
		}
		if t.Places != nil {
			if r.Places, err = texts(fields{"places": t.Places}, "places", place.Parse); err != nil {
				return nil, fmt.Errorf("in a rule: %w", err)
			}
		}
		r.Options = Options{Private: t.Private, Plaintext: t.Plain, Range: t.Range}
		if t.CA != nil {
			if r.CA, err = ParseCA([]byte(*t.CA)); err != nil {
				return nil, fmt.Errorf("in a rule: %q %w", "ca", err)
			}
		}
		r.AddedBy = t.AddedBy
		if t.AddedAt != nil {
			r.AddedAt = *t.AddedAt
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (f fields) bindings() (map[string]map[string]Binding, error) {
	var texts map[string]json.RawMessage
	if err := f.take("bindings", &texts); err != nil {
		return nil, err
	}
	all := map[string]map[string]Binding{}
	for project, raw := range texts {
		var named map[string]json.RawMessage
		if err := strict(raw, &named); err != nil {
			return nil, fmt.Errorf("in the bindings of %q: %w", project, err)
		}
		all[project] = map[string]Binding{}
		for name, raw := range named {
			b, err := decodeBinding(raw)
			if err != nil {
				return nil, fmt.Errorf("in the binding of %q: %w", name, err)
			}
			all[project][name] = b
		}
	}
	return all, nil
}

func decodeBinding(raw json.RawMessage) (Binding, error) {
	var f fields
	if err := strict(raw, &f); err != nil {
		return Binding{}, err
	}
	var b Binding
	var err error
	if b.Hosts, err = texts(f, "hosts", ParseRule); err != nil {
		return Binding{}, err
	}
	if b.Places, err = texts(f, "places", place.Parse); err != nil {
		return Binding{}, err
	}
	if b.Methods, err = texts(f, "methods", ParseMethod); err != nil {
		return Binding{}, err
	}
	if b.Paths, err = texts(f, "paths", ParsePath); err != nil {
		return Binding{}, err
	}
	if err := f.take("no_env", &b.NoEnv); err != nil {
		return Binding{}, err
	}
	for unknown := range f {
		return Binding{}, fmt.Errorf("it has an unknown field %q", unknown)
	}
	return b, nil
}

// texts moves a list out of f. It refuses an empty one: to its writer it may have meant nowhere, and it would mean
// anywhere.
func texts[T any](f fields, name string, parse func(string) (T, error)) ([]T, error) {
	if _, there := f[name]; !there {
		return nil, nil
	}
	var list []string
	if err := f.take(name, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%q is an empty list", name)
	}
	var all []T
	for _, text := range list {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// strict decodes one JSON value and nothing else. A null is refused: it would stand for "no restriction".
func strict(data []byte, v any) error {
	if strings.TrimSpace(string(data)) == "null" {
		return errors.New("it holds null where a value belongs")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("it is not valid: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}

// encodePolicy refuses what decodePolicy would not read back: such a file would be corrupt from the start.
func encodePolicy(p *Policy, sealed func(content []byte) seal) ([]byte, error) {
	f := maps.Clone(p.rest)
	if f == nil {
		f = fields{}
	}
	bindings := map[string]map[string]fileBinding{}
	for project, named := range p.Bindings {
		bindings[project] = map[string]fileBinding{}
		for name, b := range named {
			bindings[project][name] = fileBinding{ruleTexts(b.Hosts), b.Places, b.Methods, b.Paths, b.NoEnv}
		}
	}
	if p.Agents != nil {
		f["agents"] = p.Agents
	}
	for name, v := range map[string]any{"version": p.version(), "rules": fileRules(p.Rules), "bindings": bindings, "password": p.Password} {
		if err := f.put(name, v); err != nil {
			return nil, err
		}
	}
	content, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	if err := f.put(sealField, sealed(content)); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	if _, err := decodePolicy(data); err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	return append(data, '\n'), nil
}

// version is the earliest that knows all of p.
func (p *Policy) version() int {
	switch {
	case p.Agents != nil:
		return policyVersion
	case slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Options != Options{} }):
		return optionsVersion
	case slices.ContainsFunc(p.Rules, Rule.narrowed):
		return requestVersion
	}
	return sealedVersion
}

func (f fields) put(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	f[name] = raw
	return nil
}

func fileRules(rules []Rule) []fileRule {
	texts := []fileRule{}
	for _, r := range rules {
		t := fileRule{Rule: r.String(), Private: r.Private, Plain: r.Plaintext, Range: r.Range, AddedBy: r.AddedBy}
		if r.CA != "" {
			t.CA = &r.CA
		}
		if len(r.Places) > 0 {
			t.Places, _ = json.Marshal(r.Places) // strings
		}
		if !r.AddedAt.IsZero() {
			t.AddedAt = &r.AddedAt
		}
		texts = append(texts, t)
	}
	return texts
}
