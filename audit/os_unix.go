//go:build unix

package audit

import (
	"errors"
	"os"
	"syscall"
)

// O_NONBLOCK: opening a FIFO that somebody planted must not wait for a reader.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// syncDir makes the name of a new file last as long as what is in it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// alive reports whether there is a process pid, of whomever.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

const checksModes = true
