package agents

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// When a token was last used is no part of the policy: it changes all the time,
// and decides nothing. It is written once a minute at most, beside exchanges.

const usedEvery = time.Minute

// Used is the file of when tokens were last used.
type Used struct {
	path string
	warn func(error)

	mu      sync.Mutex
	noted   map[string]time.Time // what this process has written, or is about to
	writing sync.WaitGroup
}

// OpenUsed is the file at path, which need not exist. warn is told of what could
// not be written; nil tells nobody.
func OpenUsed(path string, warn func(error)) *Used {
	return &Used{path: path, warn: warn, noted: map[string]time.Time{}}
}

// Note has it written that the token of that ID was used now.
func (u *Used) Note(id string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.noted[id]; ok && now.Sub(last) < usedEvery {
		return
	}
	u.noted[id] = now
	u.writing.Go(func() {
		if err := u.write(id, stamp(now)); err != nil && u.warn != nil {
			u.warn(err)
		}
	})
}

// Wait returns when what was noted is written.
func (u *Used) Wait() { u.writing.Wait() }

func (u *Used) write(id string, now time.Time) error {
	if all, err := u.All(); err != nil || now.Sub(all[id]) < usedEvery {
		return err // another process has just written it
	}
	if err := atomicfile.MkdirPrivate(filepath.Dir(u.path)); err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(u.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	all, err := u.All()
	if err != nil {
		return err
	}
	if !now.After(all[id]) {
		return nil
	}
	all[id] = now
	data, err := json.Marshal(usedFile{usedVersion, all})
	if err != nil {
		return fmt.Errorf("note the use of a token: %w", err)
	}
	return atomicfile.Write(u.path, append(data, '\n'), 0o600)
}

const usedVersion = 1

type usedFile struct {
	Version int                  `json:"version"`
	Used    map[string]time.Time `json:"used"` // by ID of the token
}

// All is when each token was last used. A file that cannot be read is left as it is.
func (u *Used) All() (map[string]time.Time, error) {
	data, err := atomicfile.ReadPrivate(u.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]time.Time{}, nil
	}
	if err != nil {
		return nil, err
	}
	var f usedFile
	if err := json.Unmarshal(data, &f); err != nil || f.Version != usedVersion || f.Used == nil {
		return nil, &UsedError{u.path}
	}
	return f.Used, nil
}

// UsedError says that the file cannot be read.
type UsedError struct{ Path string }

func (e *UsedError) Error() string {
	return e.Path + " is damaged, or of a later version: when tokens were last used cannot be told"
}

// Hint puts the file aside; nothing else is lost with it.
func (e *UsedError) Hint() string {
	return atomicfile.Aside(e.Path, atomicfile.Damaged)
}
