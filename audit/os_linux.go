package audit

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFile is fdatasync(2): a log's times need not be on the disk.
func syncFile(f *os.File) error {
	c, err := f.SyscallConn() // holds the descriptor while it is used
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = unix.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	return os.NewSyscallError("fdatasync", failed)
}
