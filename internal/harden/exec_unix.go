//go:build unix

package harden

import (
	"fmt"
	"os"
	"syscall"
)

// OwnRuntime starts this program anew, in this process, if variables of the
// caller govern its runtime. It returns only where none do, or on an error.
func OwnRuntime() error {
	environ, needed := withoutRuntime(os.Environ())
	if !needed {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program, to start it without GODEBUG: %w", err)
	}
	if err := syscall.Exec(exe, os.Args, environ); err != nil {
		return fmt.Errorf("start without GODEBUG and GOTRACEBACK: %w", err)
	}
	return nil
}
