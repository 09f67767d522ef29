package agefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Open returns the store in dir, which must be there and readable; ErrNoVault where nothing is.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	missing, err := s.missing()
	if err != nil {
		return nil, err
	}
	if missing {
		return nil, fmt.Errorf("open %s: %w", s.path(vaultName), ErrNoVault)
	}
	if err := atomicfile.MkdirPrivate(dir); err != nil { // it exists: this only judges it
		return nil, err
	}
	if _, _, err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// Create returns the store in dir, and makes what is missing of it. It never replaces a file.
func Create(dir string) (*Store, error) {
	if err := atomicfile.MkdirPrivate(dir); err != nil {
		return nil, err
	}
	s := &Store{dir: dir}
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
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	return Open(dir)
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

// begin writes the identity before the vault: the other way round a crash would leave a vault that nothing opens.
func (s *Store) begin() error {
	found, err := exists(s.path(identityName))
	if err != nil {
		return err
	}
	if !found {
		if err := s.newIdentity(); err != nil {
			return err
		}
	}
	identity, err := s.identity()
	if err != nil {
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
