package agefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Config says where a store is, and who keeps its identity while it is unlocked.
type Config struct {
	Dir string
	// Keys keeps the identity of an unlocked store; nil: only Unlock opens one that has a passphrase.
	Keys Keys

	workFactor int // of tests: scrypt's as it should be takes a second
}

func (c Config) store() *Store {
	s := &Store{dir: c.Dir, keys: c.Keys, workFactor: c.workFactor}
	if s.keys == nil {
		s.keys = noKeys{}
	}
	return s
}

// Open returns the store in dir, which must be there and readable; ErrNoVault where nothing is.
func Open(dir string) (*Store, error) {
	s, err := Config{Dir: dir}.Open()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Open returns the store in c.Dir; ErrNoVault where nothing is. It must be readable; with a *LockedError there is a
// store too, which Unlock opens, or c.Keys later.
func (c Config) Open() (*Store, error) {
	s := c.store()
	missing, err := s.missing()
	if err != nil {
		return nil, err
	}
	if missing {
		return nil, fmt.Errorf("open %s: %w", s.path(vaultName), ErrNoVault)
	}
	if err := atomicfile.MkdirPrivate(s.dir); err != nil { // it exists: this only judges it
		return nil, err
	}
	_, _, err = s.load()
	if locked := (*LockedError)(nil); err != nil && !errors.As(err, &locked) {
		return nil, err
	}
	return s, err
}

// Create returns the store in dir, and makes what is missing of it. It never replaces a file.
func Create(dir string) (*Store, error) { return Config{Dir: dir}.Create(nil) }

// Create returns the store in c.Dir, and makes what is missing of it, with a passphrase unless it is nil. One that is
// there stays as it is; with a *LockedError there is a store too.
func (c Config) Create(passphrase []byte) (*Store, error) {
	if passphrase != nil && len(passphrase) == 0 {
		return nil, ErrEmptyPassphrase
	}
	if err := atomicfile.MkdirPrivate(c.Dir); err != nil {
		return nil, err
	}
	s := c.store()
	unlock, err := atomicfile.Lock(s.path(lockName))
	if err != nil {
		return nil, err
	}
	defer unlock()
	missing, err := s.missing()
	if err != nil {
		return nil, err
	}
	if missing {
		if err := s.begin(passphrase); err != nil {
			return nil, err
		}
	}
	return c.Open()
}

// missing reports that there is no vault and that making one loses nothing. A vault is begun with its identity, and
// any later change leaves a backup: so an identity on its own is all that an interrupted Create can leave.
func (s *Store) missing() (bool, error) {
	vault, err := exists(s.path(vaultName))
	if err != nil || vault {
		return false, err
	}
	backup, err := exists(s.path(backupName))
	if err != nil {
		return false, err
	}
	if backup {
		return false, &CorruptError{Path: s.path(vaultName), reason: "it is missing, its backup is not"}
	}
	return true, nil
}

// absent is the error for a file that is not there: nothing has been set up, or something is lost.
func (s *Store) absent(name string) error {
	missing, err := s.missing()
	switch {
	case err != nil:
		return err
	case missing:
		return fmt.Errorf("open %s: %w", s.path(name), ErrNoVault)
	}
	return &CorruptError{Path: s.path(name), reason: "it is missing"}
}

// begin writes the identity before the vault: the other way round a crash would leave a vault that nothing opens. It
// goes on with an identity that an interrupted Create left, and replaces none: a vault may be elsewhere that needs it.
func (s *Store) begin(passphrase []byte) error {
	found, err := exists(s.path(identityName))
	if err != nil {
		return err
	}
	if !found {
		return s.beginWith(passphrase)
	}
	text, err := s.identityFile()
	if err != nil {
		return err
	}
	switch {
	case isWrapped(text) && passphrase != nil:
		if text, err = unwrap(s.path(identityName), text, passphrase); err != nil {
			return errors.Join(err, &strayError{s.path(identityName), true})
		}
	case isWrapped(text), passphrase != nil: // a key that was in clear must not become that of a store with a passphrase
		return &strayError{s.path(identityName), isWrapped(text)}
	}
	identity, err := parseIdentity(s.path(identityName), text)
	if err != nil {
		return err
	}
	return s.write(values{}, identity)
}

// strayError says that an identity is there alone, of which it is not clear what it is for.
type strayError struct {
	path    string
	wrapped bool
}

func (e *strayError) Error() string {
	if e.wrapped {
		return e.path + " is there without a vault, under a passphrase"
	}
	return e.path + " is there without a vault, and without a passphrase"
}

// Hint says how it is gone on with, and how to begin anew without losing it.
func (e *strayError) Hint() string {
	if e.wrapped {
		return "agentsecrets init --passphrase, with its passphrase; or, if no vault of yours needs it: " + atomicfile.Aside(e.path, ".old")
	}
	return "agentsecrets init, then agentsecrets passphrase set"
}

func (s *Store) beginWith(passphrase []byte) error {
	identity, file, err := s.newIdentity(passphrase)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(s.path(identityName), file, 0o600); err != nil {
		return err
	}
	return s.write(values{}, identity)
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
