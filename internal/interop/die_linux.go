package main

import "syscall"

// dieWithUs: other people's servers do not end with their standard input.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
