//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// A network of our own: real names, public addresses and a metadata service, none
// of which exist anywhere but in this process's namespace. The name server that
// everybody there asks is the attacker's.

// Addresses on our own loopback. Public ones are nobody's here.
const (
	genuineAddr  = "11.22.33.44"
	impostorAddr = "11.22.33.55"
	metadataAddr = "169.254.169.254"
)

const (
	genuine  = "api.example.com" // the person's API
	impostor = "an impostor of api.example.com"
	metadata = "the metadata service"
	parent   = "the attacker's parent proxy"
	nameHost = "the attacker's name server"
)

// errNoNetwork is a system that lets us have none.
var errNoNetwork = errors.New("needs a network namespace of its own: root, or unprivileged user namespaces")

// inNetwork starts this program again in a network of its own and waits for it.
func inNetwork(args []string, stdout io.Writer) error {
	cmd := exec.Command("/proc/self/exe", append([]string{"network"}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if cmd.Start() != nil {
		return errNoNetwork
	}
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() == noNetworkCode {
		return errNoNetwork
	}
	return err
}

// noNetworkCode is how that process says that it could not have one.
const noNetworkCode = 77

// networkMain is that program.
func networkMain(args []string, _ io.Reader, stdout io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	o.network = true
	if err := makeNetwork(); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(noNetworkCode)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, o, stdout)
}

// makeNetwork brings loopback up, with all those addresses, and puts the
// attacker's name server into resolv.conf, for this mount namespace alone.
func makeNetwork() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("make a network: %w", err)
	}
	defer unix.Close(fd)
	for i, addr := range []string{"", genuineAddr, impostorAddr, metadataAddr} {
		name := "lo"
		if i > 0 {
			name = fmt.Sprintf("lo:%d", i)
		}
		if err := setInterface(fd, name, addr); err != nil {
			return fmt.Errorf("make a network: %s %s: %w", name, addr, err)
		}
	}
	conf, err := os.CreateTemp("", "attack-resolv-")
	if err != nil {
		return err
	}
	defer os.Remove(conf.Name())
	if _, err = conf.WriteString("nameserver 127.0.0.1\n"); err == nil {
		err = conf.Chmod(0o644)
	}
	at, errAt := filepath.EvalSymlinks("/etc/resolv.conf")
	return errors.Join(err, errAt, conf.Close(),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount(conf.Name(), at, "", unix.MS_BIND, ""))
}

// setInterface gives name an address, if there is one, and brings it up.
func setInterface(fd int, name, addr string) error {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if addr != "" {
		if err := ifr.SetInet4Addr(net.ParseIP(addr).To4()); err != nil {
			return err
		}
		return unix.IoctlIfreq(fd, unix.SIOCSIFADDR, ifr)
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// nameServer answers for every name what the attacker wants, and records what it
// is asked.
type nameServer struct {
	conn net.PacketConn
	rec  *record

	mu    sync.Mutex
	turns []string // addresses that it gives, one a question, the last for ever
}

func newNameServer(rec *record) (*nameServer, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return nil, fmt.Errorf("name server: %w", err)
	}
	s := &nameServer{conn: conn, rec: rec, turns: []string{impostorAddr}}
	go s.serve()
	return s, nil
}

// lead has the next questions answered so.
func (s *nameServer) lead(addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns = addrs
}

func (s *nameServer) next() net.IP {
	s.mu.Lock()
	defer s.mu.Unlock()
	addr := s.turns[0]
	if len(s.turns) > 1 {
		s.turns = s.turns[1:]
	}
	return net.ParseIP(addr).To4()
}

func (s *nameServer) serve() {
	b := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(b)
		if err != nil {
			return
		}
		s.rec.add(b[:n])
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: [4]byte(s.next())},
			}}
		}
		if answer, err := m.Pack(); err == nil {
			s.conn.WriteTo(answer, from)
		}
	}
}

// furnish puts the origins into the network.
func (w *world) furnish() error {
	both := []string{"h2", "http/1.1"}
	for _, o := range []struct{ host, at string }{{genuine, genuineAddr}, {impostor, impostorAddr}, {metadata, metadataAddr}} {
		by := w.good // the metadata service has the best of certificates: its address is what is wrong with it
		if o.host == impostor {
			by = w.bad
		}
		made, err := newOrigin(o.host, o.at+":443", by, both...)
		if err != nil {
			return err
		}
		w.origins = append(w.origins, made)
	}
	names := &origin{host: nameHost, conns: []*record{{}}}
	w.origins = append(w.origins, names)
	var err error
	w.names, err = newNameServer(names.conns[0])
	return err
}
