package allowlist

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Recovery is a policy file whose seal does not hold, as it is, for a person to look at.
type Recovery struct {
	Policy   *Policy // what would be in force; where the file is gone, an empty one
	Verifier string  // of the password that may seal it: the one of the last sealed change where that is known
	Broken   error   // why it is not believed; nil: nothing is wrong with it

	path string
	data []byte
}

// OpenRecovery reads the policy file at path though its seal does not hold. A password that the file brings along
// counts for nothing as long as we remember the one that was set.
func OpenRecovery(path string) (*Recovery, error) {
	k, err := keeperOf(path)
	if err != nil {
		return nil, err
	}
	r := &Recovery{path: path}
	r.Policy, r.data, r.Broken, err = readSealed(path, k)
	if err != nil {
		return nil, err
	}
	if last, known := k.Policies[k.id]; known && r.Broken != nil {
		r.Policy.Password = last.Password
	}
	r.Verifier = r.Policy.Password
	return r, nil
}

// Reseal puts what was shown in force, and notes it as c. If the file has changed since, it stays out.
func (r *Recovery) Reseal(c Change) error {
	unlock, err := atomicfile.Lock(r.path + ".lock")
	if err != nil {
		return fmt.Errorf("recover policy: %w", err)
	}
	defer unlock()
	data, err := atomicfile.ReadPrivate(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("recover policy: %w", err)
	}
	if !bytes.Equal(data, r.data) {
		return brokenSeal(r.path, "was changed while you looked at it")
	}
	r.Policy.seal = nil // its count proves nothing
	r.Policy.Note(c)
	if err := r.Policy.save(r.path); err != nil {
		return fmt.Errorf("recover policy: %w", err)
	}
	return nil
}
