package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// startedBy is the name of the program that started us, "" if it cannot be told.
func startedBy() string {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", os.Getppid())
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(p.Proc.P_comm[:])
}
