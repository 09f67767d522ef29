package allowlist

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// A policy file is sealed: it holds an HMAC-SHA-256 over all of its content, its workspace and a count that grows with
// each change. The key, and for each policy the count of the last change and the verifier of the password, lie in one
// private file beside the directory of the policies. So a file that an editor, another program or a restored backup has
// put there is found, and so is an older one of our own. It does not hold against a program of the same user that
// reads the key: that can seal what it wants.
//
// The policy is written first and its count after it. Whoever reads takes the count first, so that a change under way
// never looks like a step back; after a crash between the two a file may be one ahead of its count, which is allowed.

const (
	sealLabel   = "agentsecrets policy seal 1"
	sealVersion = 1
	sealKeySize = 32
)

// seal is what a policy file says of itself.
type seal struct {
	Count uint64 `json:"count"`
	MAC   string `json:"mac"`
}

// SealError says why a policy file is not believed. Nothing is allowed by it, and it stays as it is.
type SealError struct {
	Path   string
	Reason string
	hint   string
}

func (e *SealError) Error() string { return e.Path + " " + e.Reason }

// Hint is the command that shows what the file says and seals it again.
func (e *SealError) Hint() string { return e.hint }

const recoverHint = "agentsecrets workspace allowlist recover --password-file F"

func brokenSeal(path, reason string) *SealError { return &SealError{path, reason, recoverHint} }

// keeper is what lies beside the policies.
type keeper struct {
	Version  int               `json:"version"`
	Key      string            `json:"key"`
	Policies map[string]record `json:"policies"` // by ID of the workspace

	path string
	id   string // of the policy that is looked at
	key  []byte // nil: there is none yet
}

// record is what we remember of the last change of a policy.
type record struct {
	Count    uint64 `json:"count"`
	Password string `json:"password,omitempty"` // the verifier then, for who recovers
}

// keeperOf reads what is remembered of the policy at path.
func keeperOf(path string) (*keeper, error) {
	k := &keeper{
		Version: sealVersion, path: filepath.Dir(path) + ".key", id: strings.TrimSuffix(filepath.Base(path), ".json"),
		Policies: map[string]record{},
	}
	data, err := atomicfile.ReadPrivate(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	if err := strict(data, k); err != nil {
		return nil, k.damaged()
	}
	if k.Version > sealVersion {
		return nil, &SealError{k.path, "was written by a later version", "update agentsecrets"}
	}
	if k.key, err = hex.DecodeString(k.Key); err != nil || len(k.key) != sealKeySize || k.Version != sealVersion {
		return nil, k.damaged()
	}
	return k, nil
}

func (k *keeper) damaged() *SealError {
	return &SealError{k.path, "is damaged: restore it, or put it aside and recover each workspace's policy under a new key",
		atomicfile.Aside(k.path, atomicfile.Damaged)}
}

func (k *keeper) last() record { return k.Policies[k.id] }

// mac binds content, as canonical writes it, to the workspace and the count.
func (k *keeper) mac(count uint64, content []byte) string {
	h := hmac.New(sha256.New, k.key)
	for _, part := range [][]byte{[]byte(sealLabel), []byte(k.id), []byte(strconv.FormatUint(count, 10)), content} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":")) // so that no two lists of parts are one text
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// canonical is the content of a policy file without its seal, in one form: how it is indented says nothing.
func canonical(data []byte) ([]byte, error) {
	var f fields
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	delete(f, sealField)
	return json.Marshal(f)
}

// check returns nil if the policy file holds what our last change of it left there, or if none of ours was ever sealed.
func (k *keeper) check(path string, data []byte, p *Policy) error {
	s := p.seal
	switch {
	case s == nil && (k.last().Count > 0 || p.Version >= sealedVersion):
		return brokenSeal(path, "was changed by something else than agentsecrets: it had a seal and has none")
	case s == nil:
		return nil // as earlier versions wrote it
	case k.key == nil:
		return brokenSeal(path, "cannot be checked: the key of its seal, "+k.path+", is gone")
	}
	content, err := canonical(data)
	if err != nil {
		return fmt.Errorf("check the seal of %s: %w", path, err)
	}
	if subtle.ConstantTimeCompare([]byte(s.MAC), []byte(k.mac(s.Count, content))) != 1 {
		return brokenSeal(path, "was changed by something else than agentsecrets: its seal does not hold")
	}
	if s.Count < k.last().Count {
		return brokenSeal(path, fmt.Sprintf("is an older one: it is of change %d, the last was %d", s.Count, k.last().Count))
	}
	return nil
}

// sealPolicy writes p to path, sealed as the next change. The policy's lock is held.
func sealPolicy(path string, p *Policy) error {
	unlock, err := atomicfile.Lock(filepath.Dir(path) + ".key.lock")
	if err != nil {
		return err
	}
	defer unlock()
	k, err := keeperOf(path)
	if err != nil {
		return err
	}
	if k.key == nil {
		k.key = make([]byte, sealKeySize)
		rand.Read(k.key)
		if err := k.save(); err != nil {
			return err
		}
	}
	next := k.last().Count + 1
	if p.seal != nil {
		next = max(next, p.seal.Count+1)
	}
	data, err := encodePolicy(p, func(content []byte) seal { return seal{next, k.mac(next, content)} })
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		return err
	}
	k.Policies[k.id] = record{next, p.Password}
	return k.save()
}

func (k *keeper) save() error {
	k.Key = hex.EncodeToString(k.key)
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the key of policies: %w", err)
	}
	return atomicfile.Write(k.path, append(data, '\n'), 0o600)
}
