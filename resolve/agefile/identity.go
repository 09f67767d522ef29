package agefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

const identityText = `# The key to vault.age beside this file (agentsecrets).
# It is protected by file permissions only: whoever can read this file can read every secret in the vault.
# Without it the vault cannot be opened. Keep it out of repositories and of backups that others can read.
# public key: %s
%s
`

func (s *Store) newIdentity() error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make an identity: %w", err)
	}
	text := fmt.Sprintf(identityText, identity.Recipient(), identity)
	return atomicfile.Write(s.path(identityName), []byte(text), 0o600)
}

// identity reads the file each time, so that one which has been opened to others is refused from then on.
func (s *Store) identity() (*age.X25519Identity, error) {
	text, err := atomicfile.ReadPrivate(s.path(identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.absent(identityName)
	}
	if err != nil {
		return nil, err
	}
	all, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil { // not wrapped: it may quote the key
		return nil, &CorruptError{Path: s.path(identityName), reason: "it holds no age identity"}
	}
	if one, ok := all[0].(*age.X25519Identity); ok && len(all) == 1 {
		return one, nil
	}
	return nil, &CorruptError{Path: s.path(identityName), reason: "it holds something else than one X25519 identity"}
}
