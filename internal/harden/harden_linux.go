package harden

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Hide makes this process undumpable. A program that it starts is not.
func Hide() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide this process's memory: %w", err)
	}
	return nil
}
