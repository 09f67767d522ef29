package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sizes and offsets of linux/inet_diag.h, struct inet_diag_req_v2 and inet_diag_msg. Integers are the machine's, ports
// and addresses the network's.
const (
	sockIDSize   = 48 // struct inet_diag_sockid
	requestSize  = unix.SizeofNlMsghdr + 8 + sockIDSize
	responseSize = 4 + sockIDSize + 20

	sequence = 1 // one request a socket
	// loopback is the index of lo in every network namespace (LOOPBACK_IFINDEX). Asked for by it, a socket that is
	// bound to lo is found as well as one that is bound to no device.
	loopback = 1
)

// socket is what the kernel says of one.
type socket struct {
	state    byte
	src, dst netip.AddrPort
	uid      uint32
	inode    uint32
}

// find asks for the socket that is connected from src to dst (sock_diag(7)). Unlike a dump of all, which is what ss
// does, this is one look into the kernel's hash table.
func find(src, dst netip.AddrPort) (socket, error) {
	if !src.IsValid() || !dst.IsValid() || src.Addr().Is4() != dst.Addr().Is4() {
		return socket{}, errors.New("not the two ends of a connection")
	}
	s, err := ask(src, dst)
	if err != nil {
		return socket{}, err
	}
	if !s.connects(src, dst) {
		return socket{}, ErrNotFound
	}
	return s, nil
}

// findListener asks for a connection to addr that nobody can have, from port 0: the kernel then falls back to what
// listens there, also for all addresses.
func findListener(addr netip.AddrPort) (socket, error) {
	nobody := netip.IPv6Unspecified()
	if addr.Addr().Is4() {
		nobody = netip.IPv4Unspecified()
	}
	s, err := ask(addr, netip.AddrPortFrom(nobody, 0))
	if err != nil {
		return socket{}, err
	}
	if s.state != listens || s.src.Port() != addr.Port() {
		return socket{}, ErrNotFound
	}
	return s, nil
}

func ask(src, dst netip.AddrPort) (socket, error) {
	var buf [512]byte
	n, err := exchange(request(src, dst), buf[:])
	if err != nil {
		return socket{}, fmt.Errorf("ask the kernel for a socket: %w", err)
	}
	return parse(buf[:n])
}

// connects: the kernel falls back to what listens at src, and finds what is left of a connection after its end. That
// has no owner any more, and says uid 0.
func (s socket) connects(src, dst netip.AddrPort) bool {
	return s.state == established && s.src == src && s.dst == dst
}

func request(src, dst netip.AddrPort) []byte {
	b := make([]byte, 0, requestSize)
	b = binary.NativeEndian.AppendUint32(b, requestSize)
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = binary.NativeEndian.AppendUint32(b, 0) // from: the kernel knows
	family := byte(unix.AF_INET6)
	if src.Addr().Is4() {
		family = unix.AF_INET
	}
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<established)
	b = binary.BigEndian.AppendUint16(b, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	for _, a := range []netip.AddrPort{src, dst} {
		var addr [16]byte
		copy(addr[:], a.Addr().AsSlice())
		b = append(b, addr[:]...)
	}
	b = binary.NativeEndian.AppendUint32(b, loopback)
	return binary.NativeEndian.AppendUint64(b, ^uint64(0)) // INET_DIAG_NOCOOKIE, twice
}

func exchange(request, response []byte) (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	kernel := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	if err := retry(func() error { return unix.Sendto(fd, request, 0, kernel) }); err != nil {
		return 0, err
	}
	var n int
	var from unix.Sockaddr
	// The kernel answers before sendto returns: there is nothing to wait for.
	if err := retry(func() (err error) { n, from, err = unix.Recvfrom(fd, response, unix.MSG_DONTWAIT); return }); err != nil {
		return 0, err
	}
	if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
		return 0, errors.New("the answer is not the kernel's")
	}
	return n, nil
}

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// parse reads the kernel's answer.
func parse(b []byte) (socket, error) {
	if len(b) < unix.SizeofNlMsghdr {
		return socket{}, errAnswer
	}
	size, kind, seq := binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint32(b[8:])
	if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(b)) || seq != sequence {
		return socket{}, errAnswer
	}
	b = b[unix.SizeofNlMsghdr:size]
	switch {
	case kind == unix.NLMSG_ERROR && len(b) >= 4:
		errno := unix.Errno(-int32(binary.NativeEndian.Uint32(b)))
		if errno == unix.ENOENT {
			return socket{}, ErrNotFound
		}
		return socket{}, fmt.Errorf("ask the kernel for a socket: %w", errno)
	case kind == unix.SOCK_DIAG_BY_FAMILY && len(b) >= responseSize:
		return parseSocket(b)
	}
	return socket{}, errAnswer
}

var errAnswer = errors.New("the kernel's answer about a socket cannot be read")

func parseSocket(b []byte) (socket, error) {
	size := 4
	switch b[0] {
	case unix.AF_INET:
	case unix.AF_INET6: // also of a socket of this family that is connected over IPv4
		size = 16
	default:
		return socket{}, errAnswer
	}
	end := func(port, addr int) netip.AddrPort {
		a, _ := netip.AddrFromSlice(b[addr : addr+size])
		return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(b[port:]))
	}
	return socket{
		state: b[1],
		src:   end(4, 8),
		dst:   end(6, 24),
		uid:   binary.NativeEndian.Uint32(b[64:]),
		inode: binary.NativeEndian.Uint32(b[68:]),
	}, nil
}
