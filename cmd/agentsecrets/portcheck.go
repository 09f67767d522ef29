package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/peer"
)

// Programs find the daemon by its port alone, and whoever has it gets what they
// send. That it is the daemon's is told by the control socket and the kernel,
// never by what answers at the port.

func loopback(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

// socketAt is the number of the socket that listens there, 0 if it cannot be told.
func socketAt(port int) uint32 {
	p, err := peer.Listening(loopback(port))
	if err != nil {
		return 0
	}
	return p.Socket
}

// ownPort refuses the port of a daemon that is not the daemon's where we are:
// somebody else may have it in our network namespace.
func ownPort(st daemon.Status) error {
	p, err := peer.Listening(loopback(st.Port))
	switch {
	case st.Listener == 0 || err != nil && !errors.Is(err, peer.ErrNotFound):
		return nil // this system does not tell
	case err == nil && p.Socket == st.Listener:
		return nil
	case err == nil:
		err = fmt.Errorf("port %d is in use by %s, not by the proxy of this home, which runs elsewhere", st.Port, whoHas(st.Port))
	default:
		err = fmt.Errorf("nothing listens at port %d: the proxy of this home runs elsewhere", st.Port)
	}
	return &failure{code: exitUnreachable, err: err, hint: leaveProxy}
}

// whoHas says whose the port is, if that can be told.
func whoHas(port int) string {
	for _, addr := range []netip.Addr{loopback(port).Addr(), netip.IPv6Loopback()} {
		p, err := peer.Listening(netip.AddrPortFrom(addr, uint16(port)))
		switch {
		case err != nil:
			continue
		case p.PID != 0:
			return fmt.Sprintf("%s (process %d)", programName(p.PID), p.PID)
		case p.UID != os.Geteuid():
			return fmt.Sprintf("a program of user %d", p.UID)
		}
		break
	}
	return "another program"
}

// heir says who has taken the port of a daemon that was killed, and so could
// not clear away what it had told of itself; "" if nobody has.
func heir(home string) (port int, who string) {
	st, err := daemon.Load(home)
	if err != nil {
		return 0, ""
	}
	if _, err := peer.Listening(loopback(st.Port)); err != nil {
		return st.Port, ""
	}
	return st.Port, whoHas(st.Port)
}

// notRunning is what is said where the daemon does not answer.
func notRunning(home string, err error, hint string) *failure {
	if port, who := heir(home); who != "" && errors.Is(err, daemon.ErrNotRunning) {
		return &failure{
			code: exitUnreachable, hint: leaveProxy,
			err: fmt.Errorf("%w: it was killed, and its port %d is in use by %s, which gets what programs still send there", err, port, who),
		}
	}
	return &failure{code: exitUnreachable, err: err, hint: hint}
}
