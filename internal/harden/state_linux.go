package harden

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Hidden reports whether neighbours cannot look at what this process holds, nor does a
// crash write it down.
func Hidden() (bool, error) {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return false, fmt.Errorf("ask whether this process is hidden: %w", err)
	}
	return dumpable != 1, nil // 2: as for programs that gain rights, which is none for users
}
