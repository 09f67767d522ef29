//go:build unix

package engine

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// quietness is a func that reports whether nothing has come from an origin that
// was not asked: neither its end nor a response to nothing.
func quietness(c net.Conn) func() bool {
	s, ok := socket(c).(syscall.Conn)
	if !ok {
		return func() bool { return true } // nobody to ask
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	quiet, one := false, make([]unix.PollFd, 1)
	look := func(fd uintptr) bool {
		one[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN} // the end can be read, too
		n, err := unix.Poll(one, 0)
		quiet = n == 0 && err == nil
		return true
	}
	return func() bool {
		quiet = false
		return raw.Read(look) == nil && quiet
	}
}
