package audit

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// KeyFile is where the key of the chains lies: a private file. The log must be
// writable while the store is locked, so the key is not in the store.
type KeyFile string

const keySize = 32

// KeyError says why there is no key. The file stays as it is.
type KeyError struct {
	Path   string
	Reason string
	hint   string
}

func (e *KeyError) Error() string { return "the key of the audit log, " + e.Path + ", " + e.Reason }

// Hint is what to do about it.
func (e *KeyError) Hint() string { return e.hint }

// Read returns the key, nil where there is none yet.
func (k KeyFile) Read() ([]byte, error) {
	text, err := atomicfile.ReadPrivate(string(k))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, &KeyError{Path: string(k), Reason: "is damaged: restore it, or put it aside and get a new one, under which no older file can be checked",
			hint: atomicfile.Aside(string(k), atomicfile.Damaged)}
	}
	return key, nil
}

// Make returns the key, and makes one where there is none. All processes that
// do so at once get the same.
func (k KeyFile) Make() ([]byte, error) {
	if key, err := k.Read(); key != nil || err != nil {
		return key, err
	}
	if err := atomicfile.MkdirPrivate(filepath.Dir(string(k))); err != nil {
		return nil, err
	}
	unlock, err := atomicfile.Lock(string(k) + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key, err := k.Read(); key != nil || err != nil {
		return key, err // made while we waited
	}
	key := make([]byte, keySize)
	rand.Read(key)
	if err := atomicfile.Write(string(k), []byte(hex.EncodeToString(key)+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("make the key of the audit log: %w", err)
	}
	return key, nil
}
