//go:build linux || darwin

package daemon

import (
	"errors"
	"net"
)

// peerCredentials asks the system who is at the other end.
func peerCredentials(conn net.Conn) (peer, error) {
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		return peer{}, errors.New("not a unix socket")
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	var p peer
	var asked error
	if err := raw.Control(func(fd uintptr) { p, asked = peerOfSocket(int(fd)) }); err != nil {
		return peer{}, err
	}
	return p, asked
}
