package held

import "syscall"

// DieWithUs: other people's servers do not end with their standard input.
func DieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
