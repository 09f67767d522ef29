package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

// readyForInit looks at what init will need before it writes anything: where it stops half way, a project would look
// set up that is not.
func readyForInit(home string) error {
	if missing(home) {
		return nil
	}
	found, err := atomicfile.Misplaced(home, ".lock", ".queue")
	if err != nil {
		return err
	}
	for _, e := range found {
		if neededByInit(home, e.Path) {
			return e
		}
	}
	r, err := loadStoreRecord(storeRecordPath(home))
	if err != nil || r.Store != storeFile {
		return err
	}
	if _, err = fileStore(home).Open(); isLocked(err) || errors.Is(err, agefile.ErrNoVault) {
		return nil
	}
	return err
}

func neededByInit(home, path string) bool {
	within, err := filepath.Rel(home, path)
	for _, name := range []string{"state.", "store.", "vault.", "policy"} {
		if err == nil && strings.HasPrefix(within, name) {
			return true
		}
	}
	return false
}

// readable reports what keeps the policy of a workspace from being read, but for a seal that does not hold: to recover
// it takes a project.
func (s *setup) readable() error {
	_, err := where{Context: env.Context{WorkspaceID: s.workspace.ID}, home: s.q.Home}.policy()
	if broken := (*allowlist.SealError)(nil); errors.As(err, &broken) {
		return nil
	}
	return err
}
