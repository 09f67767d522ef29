//go:build unix

package harden

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NoCore forbids core dumps of this process. The hard limit stays, so that
// nothing is taken from programs that may be started later.
func NoCore() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return fmt.Errorf("read the core limit: %w", err)
	}
	limit.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	return nil
}
