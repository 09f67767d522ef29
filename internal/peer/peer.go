// Package peer tells who is at the other end of a TCP connection within this machine.
//
//	p, err := peer.OfConn(conn) // one that we accepted
//	if err != nil || p.UID != os.Geteuid() {
//		return errWantCredential // errors.ErrUnsupported: this system cannot tell
//	}
//	for _, pid := range p.PIDs { // one socket may be in several hands
//		…
//	}
//
// Guarantees: an answer is about the one socket whose two ends are the two asked for, and which is open (a port alone
// says nothing: another address may have the same one, and a listener or what is left of a closed connection may stand
// where the client was); what cannot be told is an error or left out, never a guess.
//
// What it cannot tell: UID is whose process made the socket. That process may have given it away, even to another
// user's, and forks share it. Of ours, every process that holds the socket now is in PIDs, unless it hides its
// descriptors (one that is not dumpable, or a thread with a table of its own) or has none for it: the socket may be on
// its way from one process to another (SCM_RIGHTS), or registered with io_uring. None found means that all of them do
// so, or are another user's.
package peer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Peer is who holds the other end of a connection.
type Peer struct {
	// UID made the socket.
	UID int
	// Socket is the kernel's number of the socket (its inode), which no other has while it is open.
	Socket uint32
	// PID is the first of PIDs, 0 where none was found.
	PID int
	// PIDs are all processes of our own user in which the socket was found, in the order of their numbers. They are
	// looked for only where UID is our own.
	PIDs []int
	// Dir is the directory they work in: "" if they do not agree, or if the name leads us elsewhere than them
	// (removed, or in a mount namespace of theirs).
	Dir string
}

// ErrNotFound says that there is no connection between the two addresses that is open both ways, or not within this
// machine and network namespace. Of OfConn it is an answer, never a lack of one: where the kernel cannot tell, that is
// errors.ErrUnsupported. A client is not told any more once it has closed its sending half, which it chooses.
var ErrNotFound = errors.New("no open connection of this machine between these addresses")

// Of tells who is at remote of the connection between local, our end, and remote. The caller has to know that its end
// is still open, else the addresses may be another connection's by now: OfConn sees to that.
func Of(local, remote netip.AddrPort) (Peer, error) {
	p, err := of(unmap(local), unmap(remote))
	if err != nil {
		return Peer{}, fmt.Errorf("tell who is at %s: %w", remote, err)
	}
	return p, nil
}

// OfConn tells who is at the other end of conn, a TCP connection.
func OfConn(conn net.Conn) (Peer, error) { return ofConn(conn, Of) }

// UIDOfConn is OfConn for who wants no more than the user: it looks into no process.
func UIDOfConn(conn net.Conn) (int, error) {
	p, err := ofConn(conn, func(local, remote netip.AddrPort) (Peer, error) { return userOf(unmap(local), unmap(remote)) })
	return p.UID, err
}

// Waits reports whether the other end of conn, which has said that it sends no more, is still in a process's hands:
// whoever has only shut down his sending half waits for what comes. Where that cannot be told, nobody does.
func Waits(conn net.Conn) bool {
	local, ok1 := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	return ok1 && ok2 && waits(unmap(local.AddrPort()), unmap(remote.AddrPort()))
}

// Listening tells who takes connections to addr, so that a person can be told who has a port.
func Listening(addr netip.AddrPort) (Peer, error) {
	p, err := listening(unmap(addr))
	if err != nil {
		return Peer{}, fmt.Errorf("tell who listens at %s: %w", addr, err)
	}
	return p, nil
}

func ofConn(conn net.Conn, of func(local, remote netip.AddrPort) (Peer, error)) (Peer, error) {
	local, ok1 := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return Peer{}, errors.New("tell who is at the other end: it is not a TCP connection")
	}
	p, err := of(local.AddrPort(), remote.AddrPort())
	// A connection that was reset leaves its addresses to the next one, and what it had sent still to be read. Ours is
	// open, so it has been all the time, and what was found is its other end.
	if openErr := open(conn); openErr != nil {
		return Peer{}, fmt.Errorf("tell who is at %s: %w", remote, openErr)
	}
	if errors.Is(err, ErrNotFound) && !tells(local.AddrPort(), remote.AddrPort()) {
		return Peer{}, fmt.Errorf("tell who is at %s: %w", remote, errors.ErrUnsupported)
	}
	return p, err
}

// unmap makes one of the two ways to write an IPv4 address. Zones do not tell connections within a machine apart.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
