package keychain

import (
	"crypto/rand"
	"errors"
	"io/fs"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// stampName is a file in the state directory that Set and Delete give a new random content: a keychain does not say
// that it has changed.
const stampName = "keychain.stamp"

const busyName = "keychain.lock"

// Generation is the content of the stamp. A stamp that cannot be read may have changed each time, so nothing is cached.
func (s *Store) Generation() string {
	data, err := atomicfile.ReadPrivate(s.stamp)
	switch {
	case err == nil:
		return string(data)
	case errors.Is(err, fs.ErrNotExist):
		return "none"
	}
	return rand.Text()
}

func (s *Store) renew() error {
	return atomicfile.Write(s.stamp, []byte(rand.Text()+"\n"), 0o600)
}
