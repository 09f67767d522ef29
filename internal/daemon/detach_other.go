//go:build !unix

package daemon

import "syscall"

const noFollow = 0

func ownSession() *syscall.SysProcAttr { return nil }

// keepDescriptors has nothing to do: handles are inherited only when asked for.
func keepDescriptors() error { return nil }
