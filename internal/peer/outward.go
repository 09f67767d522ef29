package peer

import (
	"net"
	"net/netip"
)

// An Outward is a connection that a process of our user has to an address.
type Outward struct {
	Remote netip.AddrPort
	Socket uint32 // as in Peer
}

// Opened counts connections that were begun.
type Opened struct {
	All int64 // where it stays the same there is nothing new to list
	// Away are those that nobody on this machine answered, nor turned down: a database or
	// a test's server is no API. Connections that others begin to this machine count
	// against it, so that it may say too little.
	Away int64
}

// ProgramOf names the program at the other end of conn, a TCP connection, for a
// person to read: "" where it is not found at once.
func ProgramOf(conn net.Conn) string {
	local, ok1 := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return ""
	}
	return programAt(unmap(local.AddrPort()), unmap(remote.AddrPort()))
}
