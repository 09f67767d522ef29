//go:build unix

package daemon

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// ownSession has no terminal, so none can hang up on it.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// Settle makes this process keep no directory busy, and its files its own
// user's, whatever it was started with.
func Settle() error {
	syscall.Umask(0o077)
	return os.Chdir("/")
}

// keepDescriptors makes what our caller left open to us end here: a pipe that a
// daemon holds keeps its reader waiting for ever.
func keepDescriptors() error {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		return fmt.Errorf("list our open files: %w", err)
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
