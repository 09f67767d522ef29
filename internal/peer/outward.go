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
