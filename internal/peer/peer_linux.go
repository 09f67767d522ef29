package peer

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// States of the kernel's net/tcp_states.h, which x/sys names for BPF only.
const (
	established = unix.BPF_TCP_ESTABLISHED
	finWait1    = unix.BPF_TCP_FIN_WAIT1
	finWait2    = unix.BPF_TCP_FIN_WAIT2
	listens     = unix.BPF_TCP_LISTEN
)

func of(local, remote netip.AddrPort) (Peer, error) {
	s, err := find(remote, local) // as its owner sees it
	if err != nil {
		return Peer{}, err
	}
	return s.holders(), nil
}

func userOf(local, remote netip.AddrPort) (Peer, error) {
	s, err := find(remote, local)
	if err != nil {
		return Peer{}, err
	}
	return Peer{UID: int(s.uid)}, nil
}

// waits: what the kernel keeps of a connection that its process has closed has no inode.
func waits(local, remote netip.AddrPort) bool {
	if !local.IsValid() || !remote.IsValid() || local.Addr().Is4() != remote.Addr().Is4() {
		return false
	}
	s, err := ask(remote, local)
	if err != nil || s.src != remote || s.dst != local || s.inode == 0 {
		return false
	}
	return s.state == established || s.state == finWait1 || s.state == finWait2
}

func listening(addr netip.AddrPort) (Peer, error) {
	s, err := findListener(addr)
	if err != nil {
		return Peer{}, err
	}
	return s.holders(), nil
}

// holders are the processes of our own user that have the socket.
func (s socket) holders() Peer {
	p := Peer{UID: int(s.uid), Socket: s.inode}
	if p.UID != os.Geteuid() {
		return p
	}
	holders := search(s.inode, maxDescriptors)
	for i, h := range holders {
		p.PIDs = append(p.PIDs, h.pid)
		if i == 0 {
			p.PID, p.Dir = h.pid, h.dir
		} else if h.dir != p.Dir {
			p.Dir = ""
		}
	}
	return p
}

// tells reports whether the kernel tells of the end of a connection that is ours and open. One that was built without
// answers of this kind says the same as for a connection that is not there.
func tells(local, remote netip.AddrPort) bool {
	_, err := find(unmap(local), unmap(remote))
	return err == nil
}

// open returns an error unless neither end of conn has been closed.
func open(conn net.Conn) error {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return errors.New("the connection has no descriptor")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var info *unix.TCPInfo
	var infoErr error
	if err := raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	}); err != nil {
		return err
	}
	if infoErr != nil {
		return infoErr
	}
	if info.State != established {
		return ErrNotFound
	}
	return nil
}
