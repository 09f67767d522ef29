// Package agefile keeps secrets in one encrypted file, for machines without a keychain.
//
//	s, err := agefile.Create(dir) // or Open, which makes nothing; or Config's methods, for one with a passphrase
//	err = s.Set(ctx, ref, resolve.New(value))
//	v, err := s.Resolve(ctx, ref)
//	r, err := resolve.NewResolver(resolve.Config{Store: s})
//
// The directory holds vault.age, in age's format (age-encryption.org/v1), vault.age.bak, which is the vault before
// the last change, vault.lock, and identity.txt with the key, in clear or wrapped by a passphrase.
//
// Guarantees: no value is ever in a file in clear; after a crash the vault is the old or the new one, and a change
// that was acknowledged is kept; writers in any number of processes lose nothing to each other; a file that is damaged,
// open to others, a symbolic link or of a newer format is refused and left as it is; the key to a store that was made with
// a passphrase is never in a file in clear. Not guaranteed: anything against whoever can read identity.txt where it has no
// passphrase, or who runs as the same user while the store is unlocked.
package agefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Names of the files in the directory.
const (
	vaultName    = "vault.age"
	backupName   = "vault.age.bak"
	identityName = "identity.txt"
	lockName     = "vault.lock"
)

// Store is a resolve.Store in one directory. It keeps no value in memory between calls, so that values are there only
// while they are used, and what another process writes is seen at once.
type Store struct {
	dir        string
	keys       Keys
	workFactor int
	opened     atomic.Pointer[openedIdentity]
	known      atomic.Pointer[generation] // of the last look
}

var _ resolve.Store = (*Store)(nil)

// Resolve returns the value of ref.
func (s *Store) Resolve(ctx context.Context, ref resolve.Ref) (resolve.Value, error) {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return resolve.Value{}, err
	}
	all, _, err := s.load()
	if err != nil {
		return resolve.Value{}, err
	}
	v, found := all[ref.String()]
	if !found {
		return resolve.Value{}, resolve.NotFound(ref)
	}
	return v, nil
}

// Set keeps v under ref.
func (s *Store) Set(ctx context.Context, ref resolve.Ref, v resolve.Value) error {
	if v.IsZero() {
		return fmt.Errorf("set %s: there is no value", ref)
	}
	return s.change(ctx, ref, func(all values) error {
		all[ref.String()] = v
		return nil
	})
}

// SetAll keeps all values in one change: after a crash there are all or none.
func (s *Store) SetAll(ctx context.Context, them map[resolve.Ref]resolve.Value) error {
	for ref, v := range them {
		if err := ref.Check(); err != nil {
			return err
		}
		if v.IsZero() {
			return fmt.Errorf("set %s: there is no value", ref)
		}
	}
	return s.edit(ctx, func(all values) error {
		for ref, v := range them {
			all[ref.String()] = v
		}
		return nil
	})
}

// Delete removes ref.
func (s *Store) Delete(ctx context.Context, ref resolve.Ref) error {
	return s.change(ctx, ref, func(all values) error {
		if _, found := all[ref.String()]; !found {
			return resolve.NotFound(ref)
		}
		delete(all, ref.String())
		return nil
	})
}

func (s *Store) change(ctx context.Context, ref resolve.Ref, edit func(values) error) error {
	if err := ref.Check(); err != nil {
		return err
	}
	return s.edit(ctx, edit)
}

func (s *Store) edit(ctx context.Context, edit func(values) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(s.path(lockName))
	if err != nil {
		return err
	}
	defer unlock()
	all, identity, err := s.load()
	if err != nil {
		return err
	}
	if err := edit(all); err != nil {
		return err
	}
	// What becomes the backup has just been opened and read: a backup is never worse than that.
	if err := atomicfile.Keep(s.path(vaultName), s.path(backupName)); err != nil {
		return err
	}
	return s.write(all, identity)
}

// looks is how often identity and vault are read that do not belong together.
const looks = 10

// load reads identity and vault, without the lock: between the two a Rewrap may have replaced both, and another when it
// looks again.
func (s *Store) load() (values, *age.X25519Identity, error) {
	all, identity, err := s.loadOnce()
	for n := 1; n < looks && errors.Is(err, errOtherKey); n++ {
		all, identity, err = s.loadOnce()
	}
	if !errors.Is(err, errOtherKey) {
		return all, identity, err
	}
	if text, readErr := s.identityFile(); readErr == nil && isWrapped(text) { // what is held for it is not what is in it
		return nil, nil, &LockedError{s.path(identityName)}
	}
	return nil, nil, err
}

func (s *Store) loadOnce() (values, *age.X25519Identity, error) {
	identity, err := s.identity()
	if err != nil {
		return nil, nil, err
	}
	sealed, err := atomicfile.ReadPrivate(s.path(vaultName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, s.absent(vaultName)
	}
	if err != nil {
		return nil, nil, err
	}
	all, err := unseal(s.path(vaultName), sealed, identity)
	return all, identity, err
}

func (s *Store) write(all values, identity *age.X25519Identity) error {
	sealed, err := seal(all, identity.Recipient())
	if err != nil {
		return fmt.Errorf("write %s: %w", s.path(vaultName), err)
	}
	return atomicfile.Write(s.path(vaultName), sealed, 0o600)
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }
