package main

import "syscall"

// dieWithUs: nginx does not end with its standard input.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
