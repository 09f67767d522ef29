package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// listenToo takes the port on the other loopback address as well: clients that
// connect to "localhost" try it first, and another user could listen there.
func listenToo(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		return nil, nil // no IPv6 on this machine
	}
	return l, err
}

// portTaken says who has a port, if that can be told.
func portTaken(port int) error {
	return &failure{
		code: exitFailure, hint: "agentsecrets proxy start --port " + strconv.Itoa(port%65535+1),
		err: fmt.Errorf("port %d on 127.0.0.1 is in use by %s", port, whoHas(port)),
	}
}

// programName is what the system calls a process. Programs choose it: what
// would move a cursor is not shown.
func programName(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	name := strings.TrimSpace(string(b))
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "another program"
	}
	return name
}
