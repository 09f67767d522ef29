package agefile

import (
	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Rewrap gives the vault a new identity, wrapped by passphrase, in clear without one (nil). The store must be open. What
// could open the old identity, and copies of its file, open the vault no more; they still open old copies of the vault.
//
// A vault opens with the identity beside it at every moment: it is sealed to the old and the new one, then the file of
// the identity is replaced, then the vault is sealed to the new one alone. After a crash it is between two of these, and
// the next change of the vault, or Rewrap, ends what was begun.
func (s *Store) Rewrap(passphrase []byte) error {
	if passphrase != nil && len(passphrase) == 0 {
		return ErrEmptyPassphrase
	}
	fresh, file, err := s.newIdentity(passphrase) // before the lock: it takes seconds
	if err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(s.path(lockName))
	if err != nil {
		return err
	}
	defer unlock()
	before, err := s.identityFile()
	if err != nil {
		return err
	}
	all, old, err := s.load()
	if err != nil {
		return err
	}
	if err := s.sealBoth(all, old.Recipient(), fresh.Recipient()); err != nil {
		return err
	}
	if err := atomicfile.Write(s.path(identityName), file, 0o600); err != nil {
		return err
	}
	if passphrase != nil {
		s.opened.Store(&openedIdentity{idOf(file), fresh})
	}
	if err := s.sealBoth(all, fresh.Recipient()); err != nil {
		return err
	}
	_ = s.keys.Forget(idOf(before)) // where it cannot: what the kernel keeps opens this vault no more
	return nil
}

// sealBoth writes the vault, and the backup as the same: one that only an identity of before opens would be lost.
func (s *Store) sealBoth(all values, to ...age.Recipient) error {
	sealed, err := seal(all, to...)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(s.path(vaultName), sealed, 0o600); err != nil {
		return err
	}
	return atomicfile.Write(s.path(backupName), sealed, 0o600)
}
