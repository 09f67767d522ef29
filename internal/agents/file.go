package agents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// The form of the agents in a policy file. Unknown fields are refused: they may
// take something away.
//
//	{"build": {"project": "prj_1", "registered": "2026-01-02T03:04:05Z",
//	           "allow": ["STRIPE_*"], "deny": [], "hosts": ["api.stripe.com"], "methods": ["GET"], "rate": 60,
//	           "tokens": [{"id": "tok_…", "sha256": "…", "label": "ci", "environment": "staging", "issued": "…",
//	                       "expires": "…", "revoked": "…", "saved": true}]}}

type fileAgent struct {
	Project    string      `json:"project,omitempty"`
	Registered time.Time   `json:"registered"`
	Allow      []string    `json:"allow"`
	Deny       []string    `json:"deny"`
	Hosts      []string    `json:"hosts"`
	Methods    []string    `json:"methods"`
	Rate       int         `json:"rate"`
	Tokens     []fileToken `json:"tokens"`
}

type fileToken struct {
	ID          string    `json:"id"`
	Sum         string    `json:"sha256"`
	Label       string    `json:"label,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires,omitzero"`
	Revoked     time.Time `json:"revoked,omitzero"`
	Saved       bool      `json:"saved,omitempty"`
}

// CorruptError says why the agents of a policy file cannot be used. Nothing that
// the file allows counts then: half of it may deny what the other half allows.
type CorruptError struct{ err error }

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the agents in the policy file cannot be used: %v", e.err)
}
func (e *CorruptError) Unwrap() error { return e.err }

// Hint says how to get a file that can be.
func (e *CorruptError) Hint() string {
	return "put a backup of AGENTSECRETS_HOME/policy in its place, then agentsecrets workspace allowlist recover"
}

// Load reads the agents of p.
func Load(p *allowlist.Policy) (*Book, error) {
	b := &Book{}
	if p.Agents == nil {
		return b, nil
	}
	var files map[string]fileAgent
	d := json.NewDecoder(bytes.NewReader(p.Agents))
	d.DisallowUnknownFields()
	if err := d.Decode(&files); err != nil {
		return nil, &CorruptError{err}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &CorruptError{errors.New("something follows their end")}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		a, err := files[name].agent(name)
		if err != nil {
			return nil, &CorruptError{fmt.Errorf("of %q: %w", shortened(name), err)}
		}
		b.Agents = append(b.Agents, a)
	}
	return b, nil
}

func (f fileAgent) agent(name string) (*Agent, error) {
	if err := ValidName(name); err != nil {
		return nil, err
	}
	a := &Agent{Name: name, ProjectID: f.Project, Registered: f.Registered}
	var errs [4]error
	a.Policy = Policy{Rate: f.Rate}
	a.Policy.Allow, errs[0] = parsed(f.Allow, ParsePattern)
	a.Policy.Deny, errs[1] = parsed(f.Deny, ParsePattern)
	a.Policy.Hosts, errs[2] = parsed(f.Hosts, ParseHost)
	a.Policy.Methods, errs[3] = parsed(f.Methods, allowlist.ParseMethod)
	if f.Rate < 0 || f.Rate > MaxRate {
		return nil, fmt.Errorf("%d is no rate", f.Rate)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for _, t := range f.Tokens {
		sum, err := hex.DecodeString(t.Sum)
		if err != nil || len(sum) != sha256.Size || !tokenID(t.ID) {
			return nil, errors.New("a token has no valid sum, or no ID")
		}
		a.Tokens = append(a.Tokens, Token{t.ID, t.Label, t.Environment, t.Issued, t.Expires, t.Revoked, t.Saved, [sha256.Size]byte(sum)})
	}
	return a, nil
}

// parsed refuses a list that is missing: it would mean anything.
func parsed[T any](texts []string, parse func(string) (T, error)) ([]T, error) {
	if texts == nil {
		return nil, errors.New("a list of its policy is missing")
	}
	var all []T
	for _, text := range texts {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Save puts b into p, for the change that is under way.
func (b *Book) Save(p *allowlist.Policy) error {
	if len(b.Agents) == 0 {
		p.Agents = nil
		return nil
	}
	files := map[string]fileAgent{}
	for _, a := range b.Agents {
		f := fileAgent{
			Project: a.ProjectID, Registered: a.Registered, Rate: a.Policy.Rate,
			Allow: list(a.Policy.Allow), Deny: list(a.Policy.Deny), Hosts: list(HostTexts(a.Policy.Hosts)), Methods: list(a.Policy.Methods),
			Tokens: []fileToken{},
		}
		for _, t := range a.Tokens {
			f.Tokens = append(f.Tokens, fileToken{t.ID, hex.EncodeToString(t.sum[:]), t.Label, t.Environment, t.Issued, t.Expires, t.Revoked, t.Saved})
		}
		files[a.Name] = f
	}
	raw, err := json.Marshal(files)
	if err != nil {
		return fmt.Errorf("encode agents: %w", err)
	}
	next := &allowlist.Policy{Agents: raw}
	if _, err := Load(next); err != nil { // such a file would be corrupt from the start
		return err
	}
	p.Agents = raw
	return nil
}

func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

// Update changes the agents of the policy at path, under its lock.
func Update(path string, change func(*allowlist.Policy, *Book) error) error {
	return allowlist.UpdatePolicy(path, func(p *allowlist.Policy) error {
		b, err := Load(p)
		if err != nil {
			return err
		}
		if err := change(p, b); err != nil {
			return err
		}
		return b.Save(p)
	})
}
