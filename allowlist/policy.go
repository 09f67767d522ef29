package allowlist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Versions of the policy file. The second has more of bindings; the third is sealed, and is what is written: a program
// that knows no seal would break it, and so must refuse the file. The fourth has rules that say more than a host, the
// fifth rules with options, the sixth agents, whose tokens an earlier program would take for nobody's; each is written
// only where there is one.
const (
	policyVersion    = 6
	optionsVersion   = 5
	requestVersion   = 4
	sealedVersion    = 3
	oldPolicyVersion = 1
)

// Policy is the content of one workspace's policy file.
type Policy struct {
	Version  int
	Rules    []Rule
	Bindings map[string]map[string]Binding // by project ID and name of the secret
	Password string                        // Argon2id verifier, "" where no password is set
	Agents   json.RawMessage               // internal/agents reads it; nil where there is none

	rest  fields   // what a later program has written beside these, kept as it is
	seal  *seal    // nil where there is none
	notes []Change // of the change that is under way
}

// Sealed reports whether the file that p was read from has a seal, which then holds. Earlier versions wrote none; the
// next change seals the file.
func (p *Policy) Sealed() bool { return p.seal != nil }

// CorruptError says why a policy file is not used. It is never overwritten: what it allows and denies was somebody's
// decision.
type CorruptError struct {
	Path   string
	Reason string
	newer  bool
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the policy file %s cannot be used: %s", e.Path, e.Reason)
}

// Hint says how to get a policy file that can be.
func (e *CorruptError) Hint() string {
	if e.newer {
		return "update agentsecrets: the file was written by a later version"
	}
	return "put a backup in its place, or start with an empty one: " + e.Command()
}

// Command puts the file aside, if it is of no use to a later version either.
func (e *CorruptError) Command() string {
	if e.newer {
		return ""
	}
	return atomicfile.Aside(e.Path, atomicfile.Damaged)
}

func corrupt(path, reason string) *CorruptError { return &CorruptError{Path: path, Reason: reason} }

// LoadPolicy reads the policy file at path. Where there is none, and never was, the policy is empty and allows nothing.
// A file that cannot be understood whole is a *CorruptError: half of a policy may allow what the other half forbids. One
// that our last change did not leave so is a *SealError.
func LoadPolicy(path string) (*Policy, error) {
	k, err := keeperOf(path) // before the policy: its count is written after it
	if err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	return loadBy(path, k)
}

// loadBy is LoadPolicy by what was remembered when k was read.
func loadBy(path string, k *keeper) (*Policy, error) {
	p, _, broken, err := readSealed(path, k)
	if broken != nil && k.key == nil { // the first key may have been made since we looked, and the policy sealed by it
		if k, err = keeperOf(path); err != nil {
			return nil, fmt.Errorf("load policy: %w", err)
		}
		p, _, broken, err = readSealed(path, k)
	}
	if err == nil {
		err = broken
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// readSealed also returns what is in the file, nil where there is none, and why it is not to be believed.
func readSealed(path string, k *keeper) (p *Policy, data []byte, broken, err error) {
	data, err = atomicfile.ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if k.last().Count > 0 {
			broken = brokenSeal(path, "is gone")
		}
		return &Policy{Version: oldPolicyVersion}, nil, broken, nil
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("load policy: %w", err)
	}
	if p, err = decodePolicy(data); err != nil {
		return nil, nil, nil, policyError(path, err)
	}
	return p, data, k.check(path, data, p), nil
}

func policyError(path string, err error) error {
	e := corrupt(path, err.Error())
	e.newer = errors.Is(err, errNewer)
	return e
}

// UpdatePolicy changes the policy file at path under a lock, so that no change of another process is lost. If change
// fails, or the file cannot be written, it stays as it was. An error after that, of the count of its seal or of a note,
// leaves the new policy in force, sealed, and says what could not be written.
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
	if err := p.save(path); err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	return nil
}

// save writes p and what was noted of it. The policy's lock is held.
func (p *Policy) save(path string) error {
	if len(p.notes) == 0 {
		return sealPolicy(path, p)
	}
	f, err := openChanges(path)
	if err != nil {
		return err
	}
	if err := sealPolicy(path, p); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.write(p.notes)
}

// List is what the project may reach: a copy, which later changes of p do not touch.
func (p *Policy) List(projectID string) *List {
	return &List{Rules: slices.Clone(p.Rules), Bindings: maps.Clone(p.Bindings[projectID])}
}
