package agefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

const identityText = `# The key to vault.age beside this file (agentsecrets).
# It is protected by file permissions only: whoever can read this file can read every secret in the vault.
# Without it the vault cannot be opened. Keep it out of repositories and of backups that others can read.
# public key: %s
%s
`

// openedIdentity is an identity that a passphrase has opened in this process, and the ID of the file it was in.
type openedIdentity struct {
	id       string
	identity *age.X25519Identity
}

// newIdentity makes an identity and the file to keep it in, wrapped if there is a passphrase.
func (s *Store) newIdentity(passphrase []byte) (*age.X25519Identity, []byte, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, fmt.Errorf("make an identity: %w", err)
	}
	text := fmt.Appendf(nil, identityText, identity.Recipient(), identity)
	if passphrase == nil {
		return identity, text, nil
	}
	wrapped, err := s.wrap(text, passphrase)
	if err != nil {
		return nil, nil, err
	}
	// Opened once before anything depends on it: what only looks wrapped would be lost for ever.
	again, err := unwrap(s.path(identityName), wrapped, passphrase)
	if err != nil || !bytes.Equal(again, text) {
		return nil, nil, errors.New("wrap the identity: it does not open again")
	}
	return identity, wrapped, nil
}

func (s *Store) identityFile() ([]byte, error) {
	text, err := atomicfile.ReadPrivate(s.path(identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.absent(identityName)
	}
	return text, err
}

// identity reads the file each time, so that one which has been opened to others is refused from then on, and one that
// got another passphrase, or is locked again, stays closed.
func (s *Store) identity() (*age.X25519Identity, error) {
	text, err := s.identityFile()
	if err != nil {
		return nil, err
	}
	if !isWrapped(text) {
		return parseIdentity(s.path(identityName), text)
	}
	id := idOf(text)
	if o := s.opened.Load(); o != nil && o.id == id {
		return o.identity, nil
	}
	held, _ := s.keys.Held(id)
	if identity, err := parseIdentity("", held); err == nil {
		return identity, nil
	}
	return nil, &LockedError{s.path(identityName)}
}

func parseIdentity(path string, text []byte) (*age.X25519Identity, error) {
	all, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil { // not wrapped: it may quote the key
		return nil, &CorruptError{Path: path, reason: "it holds no age identity"}
	}
	if one, ok := all[0].(*age.X25519Identity); ok && len(all) == 1 {
		return one, nil
	}
	return nil, &CorruptError{Path: path, reason: "it holds something else than one X25519 identity"}
}

// Lock is what protects the identity of a store.
type Lock struct {
	Passphrase bool // there is one; else file permissions alone protect it
	Open       bool // values can be read now, by any process of this user
	Until      time.Time
}

// Lock is Store.Lock, of a store that nothing else is asked of: it is not opened.
func (c Config) Lock() (Lock, error) { return c.store().Lock() }

// Lock says what protects the identity, and whether it is open.
func (s *Store) Lock() (Lock, error) {
	text, err := s.identityFile()
	if err != nil {
		return Lock{}, err
	}
	if !isWrapped(text) {
		return Lock{Open: true}, nil
	}
	held, until := s.keys.Held(idOf(text))
	return Lock{Passphrase: true, Open: held != nil, Until: until}, nil
}

// Unlock opens the store for this process, for as long as it lives or until the passphrase is changed.
func (s *Store) Unlock(passphrase []byte) error {
	id, text, err := s.unwrapped(passphrase)
	if err != nil {
		return err
	}
	identity, err := parseIdentity(s.path(identityName), text)
	if err != nil {
		return err
	}
	s.opened.Store(&openedIdentity{id, identity})
	_, _, err = s.load()
	return err
}

// Release opens the store for all processes of this user, for d.
func (s *Store) Release(passphrase []byte, d time.Duration) error {
	if err := s.Unlock(passphrase); err != nil {
		return err
	}
	o := s.opened.Load()
	return s.keys.Keep(o.id, []byte(o.identity.String()), d)
}

// Relock is Store.Relock, also of a store whose vault is damaged.
func (c Config) Relock() error { return c.store().Relock() }

// Relock ends what Release began.
func (s *Store) Relock() error {
	text, err := s.identityFile()
	if err != nil {
		return err
	}
	if !isWrapped(text) {
		return ErrNoPassphrase
	}
	s.opened.Store(nil)
	return s.keys.Forget(idOf(text))
}

func (s *Store) unwrapped(passphrase []byte) (id string, text []byte, err error) {
	wrapped, err := s.identityFile()
	if err != nil {
		return "", nil, err
	}
	if !isWrapped(wrapped) {
		return "", nil, ErrNoPassphrase
	}
	text, err = unwrap(s.path(identityName), wrapped, passphrase)
	return idOf(wrapped), text, err
}
