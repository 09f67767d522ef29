package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// anyState are those of a connection that is up and still in a process's hands.
const anyState = 1<<established | 1<<finWait1 | 1<<finWait2 | 1<<unix.BPF_TCP_CLOSE_WAIT

// Outwards lists our user's connections to one of ports. The kernel leaves out the
// rest (sock_diag(7)), so that what it costs is one walk over its table for each
// family, whatever the number of connections.
func Outwards(ports []uint16) ([]Outward, error) {
	var all []Outward
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		err := dump(dumpRequest(family, remotePorts(ports)), func(s socket) {
			if s.inode != 0 && s.uid == uint32(os.Geteuid()) {
				all = append(all, Outward{Remote: s.dst, Socket: s.inode})
			}
		})
		if err != nil {
			return nil, fmt.Errorf("ask the kernel for connections: %w", err)
		}
	}
	return all, nil
}

func dumpRequest(family byte, filter []byte) []byte {
	const attribute = 4 // head of a netlink attribute
	size := requestSize + attribute + len(filter)
	b := make([]byte, 0, size)
	b = binary.NativeEndian.AppendUint32(b, uint32(size))
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, anyState)
	b = append(b, make([]byte, sockIDSize)...)
	b = binary.NativeEndian.AppendUint16(b, uint16(attribute+len(filter)))
	b = binary.NativeEndian.AppendUint16(b, 1) // INET_DIAG_REQ_BYTECODE
	return append(b, filter...)
}

// Operations of the filter's program (linux/inet_diag.h, struct inet_diag_bc_op):
// each says how far to go if it holds, and if not; past the end is no.
const (
	opJump       = 1
	opRemoteCond = 8
	opSize       = 4
	condSize     = opSize + 8 // with a struct inet_diag_hostcond of no address
)

// remotePorts is a program that holds for each of ports, and is none for none.
func remotePorts(ports []uint16) []byte {
	var b []byte
	for i, port := range ports {
		b = append(b, opRemoteCond, condSize)
		b = binary.NativeEndian.AppendUint16(b, condSize+opSize) // past the jump, or past the end
		b = append(b, unix.AF_UNSPEC, 0, 0, 0)
		b = binary.NativeEndian.AppendUint32(b, uint32(port))
		if rest := len(ports) - i - 1; rest > 0 {
			b = append(b, opJump, opSize)
			b = binary.NativeEndian.AppendUint16(b, uint16(opSize+rest*condSize+(rest-1)*opSize)) // to the end
		}
	}
	return b
}

// Opens counts the connections that were begun from this machine (this network
// namespace) since it started. To ask costs a thirtieth of a list.
func Opens() (Opened, error) {
	fd, err := unix.Open("/proc/net/snmp", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Opened{}, err
	}
	defer unix.Close(fd)
	var buf [8 << 10]byte
	var n int
	if err := retry(func() (err error) { n, err = unix.Read(fd, buf[:]); return }); err != nil {
		return Opened{}, err
	}
	return parseOpens(buf[:n])
}

// parseOpens reads the counters of the two lines about TCP (RFC 4022): names, and
// numbers below them.
func parseOpens(b []byte) (Opened, error) {
	var names [][]byte
	for line := range bytes.Lines(b) {
		fields := bytes.Fields(line)
		if len(fields) == 0 || string(fields[0]) != "Tcp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		began, err := counter(names, fields, "ActiveOpens")
		answered, err2 := counter(names, fields, "PassiveOpens")
		failed, err3 := counter(names, fields, "AttemptFails")
		return Opened{All: began, Away: began - answered - failed}, errors.Join(err, err2, err3)
	}
	return Opened{}, errNoCounters
}

var errNoCounters = errors.New("read /proc/net/snmp: it does not count connections")

func counter(names, numbers [][]byte, name string) (int64, error) {
	at := slices.IndexFunc(names, func(n []byte) bool { return string(n) == name })
	if at < 0 || at >= len(numbers) {
		return 0, errNoCounters
	}
	return strconv.ParseInt(string(numbers[at]), 10, 64)
}

// maxAnswers bounds what is read of a dump.
const maxAnswers = 1000

// dump calls each with what the kernel lists.
func dump(request []byte, each func(socket)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := retry(func() error { return unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) }); err != nil {
		return err
	}
	buf := make([]byte, 16<<10)
	for range maxAnswers {
		var n int
		if err := retry(func() (err error) { n, _, err = unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT); return }); err != nil {
			return err
		}
		if over, err := eachAnswer(buf[:n], each); over || err != nil {
			return err
		}
	}
	return errors.New("there are too many")
}

// eachAnswer reads one part of a dump, and tells whether it was the last.
func eachAnswer(b []byte, each func(socket)) (over bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true, errAnswer
		}
		if binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_DONE {
			return true, nil
		}
		s, err := parse(b[:size])
		if err != nil {
			return true, err
		}
		each(s)
		b = b[min((size+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
	}
	return false, nil
}
