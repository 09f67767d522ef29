package agefile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// A wrapped identity.txt is the identity file, encrypted to a passphrase in age's armour: what `age-keygen | age -p -a`
// makes, and what `age -d -i identity.txt vault.age` asks the passphrase for.

// What a passphrase costs whoever tries one: scrypt with N = 2^18, r = 8, p = 1, which is 256 MiB of memory and about a
// second. It is age's own choice, and twice the memory that OWASP asks for at least.
const workFactor = 18

// maxWorkFactor is the most that is tried, 1 GiB: a planted file must not eat the machine.
const maxWorkFactor = 20

// What callers branch on.
var (
	// ErrPassphrase says that a passphrase is not that of the store.
	ErrPassphrase = errors.New("that is not the passphrase")
	// ErrNoPassphrase says that the store has none.
	ErrNoPassphrase = errors.New("the store has no passphrase: whoever can read its files can read every secret")
	// ErrEmptyPassphrase says that a passphrase is empty: it would protect nothing.
	ErrEmptyPassphrase = errors.New("the passphrase is empty")
)

// LockedError says that the store has a passphrase, and that nobody has unlocked it. It is resolve.ErrLocked.
type LockedError struct {
	Path string // of the wrapped identity
}

func (e *LockedError) Error() string { return "the store of secrets is locked" }
func (e *LockedError) Unwrap() error { return resolve.ErrLocked }

// Hint is the command that unlocks it.
func (e *LockedError) Hint() string { return "agentsecrets unlock" }

// Keys keeps opened identities for a time, outside of any file. All methods are called concurrently.
type Keys interface {
	// Held returns what is kept under id and until when; nil where nothing is, for whatever reason.
	Held(id string) (identity []byte, until time.Time)
	// Keep keeps identity under id for d, in place of what was there.
	Keep(id string, identity []byte, d time.Duration) error
	// Forget ends what is kept under id; nothing there is no error.
	Forget(id string) error
	// Generation changes when what is kept under id comes, goes or is replaced. It never waits.
	Generation(id string) string
}

// noKeys keeps nothing.
type noKeys struct{}

func (noKeys) Held(string) ([]byte, time.Time) { return nil, time.Time{} }
func (noKeys) Keep(string, []byte, time.Duration) error {
	return errors.New("nothing keeps identities here")
}
func (noKeys) Forget(string) error      { return nil }
func (noKeys) Generation(string) string { return "" }

func isWrapped(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) }

// idOf names a wrapped identity: another one, or the same under another passphrase, has another ID.
func idOf(wrapped []byte) string {
	sum := sha256.Sum256(wrapped)
	return hex.EncodeToString(sum[:16])
}

func (s *Store) wrap(text, passphrase []byte) ([]byte, error) {
	r, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, ErrEmptyPassphrase // its only error
	}
	r.SetWorkFactor(cmp.Or(s.workFactor, workFactor))
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, fmt.Errorf("wrap the identity: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("wrap the identity: %w", err)
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, fmt.Errorf("wrap the identity: %w", err)
	}
	return b.Bytes(), nil
}

// unwrap returns the text of the identity file. Its errors are fixed texts.
func unwrap(path string, wrapped, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, ErrEmptyPassphrase
	}
	i, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, ErrEmptyPassphrase
	}
	i.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(wrapped)), i)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrPassphrase
	}
	var text bytes.Buffer
	if err == nil {
		_, err = text.ReadFrom(r)
	}
	if err != nil {
		return nil, &CorruptError{Path: path, reason: "it is no identity under a passphrase"}
	}
	return text.Bytes(), nil
}
