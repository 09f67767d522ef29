package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// parentName is the name of the program that started us, "" if it cannot be told.
func parentName() string {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", os.Getppid())
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(p.Proc.P_comm[:])
}
