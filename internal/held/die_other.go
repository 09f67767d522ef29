//go:build !linux

package held

import "syscall"

// DieWithUs has no way here.
func DieWithUs() *syscall.SysProcAttr { return nil }
