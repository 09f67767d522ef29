package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/agentsecrets/agentsecrets/internal/peer"
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
	who := "another program"
	for _, addr := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
		p, err := peer.Listening(netip.AddrPortFrom(addr, uint16(port)))
		switch {
		case err != nil:
			continue
		case p.PID != 0:
			who = fmt.Sprintf("%s (process %d)", programName(p.PID), p.PID)
		case p.UID != os.Geteuid():
			who = fmt.Sprintf("a program of user %d", p.UID)
		}
		break
	}
	return &failure{
		code: exitFailure, hint: "agentsecrets proxy start --port " + strconv.Itoa(port%65535+1),
		err: fmt.Errorf("port %d on 127.0.0.1 is in use by %s", port, who),
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
