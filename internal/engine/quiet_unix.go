//go:build unix

package engine

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// isQuiet reports whether nothing has come from an origin that was not asked:
// neither its end nor a response to nothing.
func isQuiet(c net.Conn) bool {
	s, ok := socket(c).(syscall.Conn)
	if !ok {
		return true // nobody to ask
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		quiet = err == unix.EAGAIN
		return true
	})
	return err == nil && quiet
}
