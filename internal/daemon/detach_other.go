//go:build !unix

package daemon

import "syscall"

const noFollow = 0

func ownSession() *syscall.SysProcAttr { return nil }

// Settle does nothing: what a file inherits here follows from its directory.
func Settle() error { return nil }

// keepDescriptors has nothing to do: handles are inherited only when asked for.
func keepDescriptors() error { return nil }
