package allowlist

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Versions of the policy file. The second has bindings that programs which know
// the first alone would not understand, and is written only where there is one.
const (
	policyVersion    = 2
	oldPolicyVersion = 1
)

// Policy is the content of one workspace's policy file.
type Policy struct {
	Version  int
	Rules    []Rule
	Bindings map[string]map[string]Binding // by project ID and name of the secret
	Password string                        // Argon2id verifier, "" where no password is set

	rest fields // what a later program has written beside these, kept as it is
}

// CorruptError says why a policy file is not used. It is never overwritten: what it allows and denies was somebody's
// decision.
type CorruptError struct {
	Path   string
	Reason string
	hint   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the policy file %s cannot be used: %s", e.Path, e.Reason)
}

// Hint says how to get a policy file that can be.
func (e *CorruptError) Hint() string { return e.hint }

func corrupt(path, reason string) *CorruptError {
	return &CorruptError{Path: path, Reason: reason,
		hint: fmt.Sprintf("put a backup in its place, or start with an empty one: mv %s %s", atomicfile.ShellWord(path), atomicfile.ShellWord(path+".unreadable"))}
}

// LoadPolicy reads the policy file at path. Where there is none, the policy is empty and allows nothing. A file that
// cannot be understood whole is a *CorruptError: half of a policy may allow what the other half forbids.
func LoadPolicy(path string) (*Policy, error) {
	data, err := atomicfile.ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Policy{Version: oldPolicyVersion}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	p, err := decodePolicy(data)
	if err != nil {
		return nil, policyError(path, err)
	}
	return p, nil
}

func policyError(path string, err error) error {
	e := corrupt(path, err.Error())
	if errors.Is(err, errNewer) {
		e.hint = "update agentsecrets: the file was written by a later version"
	}
	return e
}

// UpdatePolicy changes the policy file at path under a lock, so that no change of another process is lost. If change
// or anything else fails, the file stays as it was.
func UpdatePolicy(path string, change func(*Policy) error) error {
	if err := atomicfile.MkdirPrivate(filepath.Dir(path)); err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	unlock, err := atomicfile.Lock(path + ".lock")
	if err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	defer unlock()
	p, err := LoadPolicy(path)
	if err != nil {
		return err
	}
	if err := change(p); err != nil {
		return err
	}
	data, err := encodePolicy(p)
	if err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	return nil
}

// List is what the project may reach: a copy, which later changes of p do not touch.
func (p *Policy) List(projectID string) *List {
	return &List{Rules: slices.Clone(p.Rules), Bindings: maps.Clone(p.Bindings[projectID])}
}
