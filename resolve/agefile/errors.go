package agefile

import (
	"fmt"
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// ErrNoVault says that nothing has been set up in a directory.
var ErrNoVault error = noVault{}

type noVault struct{}

func (noVault) Error() string { return "there is no vault" }
func (noVault) Hint() string  { return "agentsecrets init --store file" }

// CorruptError says that a file is not what this package wrote, or is gone. Nothing is overwritten then.
type CorruptError struct {
	Path   string
	reason string
	cause  error // for those who branch here; never what a decoder said
}

func (e *CorruptError) Unwrap() error { return e.cause }

func (e *CorruptError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Path, e.reason) }

// Hint says how to get going again: with the backup that is kept here for the vault, with the user's own otherwise.
func (e *CorruptError) Hint() string {
	if command := e.Command(); command != "" {
		return backupName + " is the vault before the last change; to go back to it: " + command
	}
	return fmt.Sprintf("put %s back from a backup of yours; without one what it held is lost: move identity.txt and "+
		"vault.age* out of %s, then: agentsecrets init --store file", filepath.Base(e.Path), filepath.Dir(e.Path))
}

// Command goes back to the backup that is kept here; "" where there is none.
func (e *CorruptError) Command() string {
	backup := filepath.Join(filepath.Dir(e.Path), backupName)
	if found, err := exists(backup); filepath.Base(e.Path) != vaultName || !found || err != nil {
		return ""
	}
	back := fmt.Sprintf("cp -p %s %s", atomicfile.ShellWord(backup), atomicfile.ShellWord(e.Path))
	if found, err := exists(e.Path); err == nil && !found {
		return back
	}
	return atomicfile.Aside(e.Path, atomicfile.Damaged) + " && " + back // the backup may lack what the damaged file has
}
