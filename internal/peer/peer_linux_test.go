package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// us is what has to be known of a connection that this process made.
func us(t *testing.T, p Peer, err error) {
	t.Helper()
	dir, wdErr := os.Getwd()
	if wdErr != nil {
		t.Fatal(wdErr)
	}
	if err != nil || p.UID != os.Geteuid() || p.PID != os.Getpid() || !slices.Equal(p.PIDs, []int{os.Getpid()}) || p.Dir != dir {
		t.Errorf("got %+v, %v; want uid %d, process %d in %s", p, err, os.Geteuid(), os.Getpid(), dir)
	}
}

func TestL2OwnConnection(t *testing.T) {
	for name, c := range map[string]struct {
		listen string
		dial   func(port int) (net.Conn, error)
	}{
		"IPv4":               {"127.0.0.1:0", dial("127.0.0.1", nil)},
		"IPv6":               {"[::1]:0", dial("::1", nil)},
		"to a dual listener": {"[::]:0", dial("127.0.0.1", nil)},
		"mapped":             {"127.0.0.1:0", dialMapped},
		"mapped, to a dual":  {"[::]:0", dialMapped},
		"bound to lo":        {"127.0.0.1:0", dial("127.0.0.1", bindToLo)},
		"bound to lo, IPv6":  {"[::1]:0", dial("::1", bindToLo)},
		"multipath":          {"127.0.0.1:0", dialMultipath},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, c.listen)
			client, err := c.dial(l.Addr().(*net.TCPAddr).Port)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			server := accept(t, l)
			p, err := OfConn(server)
			us(t, p, err)
			p, err = Of(ends(server))
			us(t, p, err)
			p, err = Of(ends(client))
			us(t, p, err)
		})
	}
}

func dial(host string, control func(string, string, syscall.RawConn) error) func(int) (net.Conn, error) {
	return func(port int) (net.Conn, error) {
		return (&net.Dialer{Control: control}).Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	}
}

func bindToLo(_, _ string, raw syscall.RawConn) error {
	var err error
	if controlErr := raw.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), "lo") }); controlErr != nil {
		return controlErr
	}
	return err
}

func dialMultipath(port int) (net.Conn, error) {
	var d net.Dialer
	d.SetMultipathTCP(true)
	return d.DialContext(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// dialMapped uses a socket of IPv6 for a connection over IPv4, as some clients do; net would not.
func dialMapped(port int) (net.Conn, error) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "mapped")
	defer f.Close()
	to := unix.SockaddrInet6{Port: port, Addr: [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}}
	if err := unix.Connect(fd, &to); err != nil {
		return nil, err
	}
	return net.FileConn(f)
}

func TestL2AnotherUsersConnection(t *testing.T) {
	who, l := nobody(), listen(t, "127.0.0.1:0")
	pid, stop := start(t, who.cred, nil, "dial", "127.0.0.1:0", l.Addr().String())
	server := accept(t, l)
	p, err := OfConn(server)
	if err != nil {
		t.Fatal(err)
	}
	who.sees(t, p, pid)

	if uid, err := UIDOfConn(server); uid != who.uid || err != nil {
		t.Errorf("user %d, %v; want %d", uid, err, who.uid)
	}

	stop()
	if p, err := OfConn(server); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it has ended: %+v, %v", p, err)
	}
	if uid, err := UIDOfConn(server); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it has ended: user %d, %v", uid, err)
	}
}

// A process that made the connection may be gone, with a child of it in its place.
func TestL2ParentHasEnded(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	pid, _ := start(t, nil, nil, "leave", l.Addr().String())
	server := accept(t, l)
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil { // it ends beside its child
		t.Fatal(err)
	}
	p, err := OfConn(server)
	if err != nil || p.UID != os.Geteuid() || len(p.PIDs) != 1 || p.PID == pid || p.Dir != "/" {
		t.Errorf("%+v, %v; want the child of process %d alone", p, err, pid)
	}
}

func TestListening(t *testing.T) {
	who := nobody()
	for _, at := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0"} {
		l := listen(t, at)
		p, err := Listening(netip.MustParseAddrPort("127.0.0.1:" + port(l.Addr())))
		us(t, p, err)
	}
	free := strconv.Itoa(freePort(t))
	pid, stop := start(t, who.cred, nil, "listen", "127.0.0.1:"+free)
	p, err := Listening(netip.MustParseAddrPort("127.0.0.1:" + free))
	if err != nil {
		t.Fatal(err)
	}
	who.sees(t, p, pid)
	stop()
	if p, err := Listening(netip.MustParseAddrPort("127.0.0.1:" + free)); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody listens: %+v, %v", p, err)
	}
	client, _ := pair(t)
	if p, err := Listening(client.LocalAddr().(*net.TCPAddr).AddrPort()); !errors.Is(err, ErrNotFound) {
		t.Errorf("a client's end: %+v, %v", p, err)
	}
}

// Two connections with the same ports, and with the same ports the other way round, differ by their addresses only.
func TestL2SamePortsElsewhere(t *testing.T) {
	who := nobody()
	here := listen(t, "127.0.0.1:0")
	client, err := net.Dial("tcp", here.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ours := accept(t, here)
	from, to := port(client.LocalAddr()), port(here.Addr())

	there := listen(t, "127.0.0.2:"+to)
	pid, _ := start(t, who.cred, nil, "dial", "127.0.0.2:"+from, there.Addr().String())
	theirs := accept(t, there)

	swapped := listen(t, "127.0.0.3:"+from)
	pid2, _ := start(t, who.cred, nil, "dial", "127.0.0.3:"+to, swapped.Addr().String())
	theirs2 := accept(t, swapped)

	p, err := OfConn(ours)
	us(t, p, err)
	for c, pid := range map[net.Conn]int{theirs: pid, theirs2: pid2} {
		p, err := OfConn(c)
		if err != nil {
			t.Fatal(err)
		}
		who.sees(t, p, pid)
		local, remote := ends(c)
		p, err = Of(remote, local) // the end that we hold
		us(t, p, err)
	}
	// Each end of one with an end of another: there is no such connection.
	local, _ := ends(ours)
	_, remote := ends(theirs)
	if p, err := Of(local, remote); !errors.Is(err, ErrNotFound) {
		t.Errorf("ends of two connections: %+v, %v", p, err)
	}
}

func port(a net.Addr) string { return strconv.Itoa(a.(*net.TCPAddr).Port) }

// What is left of a closed connection belongs to uid 0 for the kernel, which may be ours.
func TestL2Closed(t *testing.T) {
	client, server := pair(t)
	client.Close()
	if p, err := OfConn(server); !errors.Is(err, ErrNotFound) {
		t.Errorf("half closed: %+v, %v", p, err)
	}
	server.Close()
	if p, err := Of(ends(server)); !errors.Is(err, ErrNotFound) {
		t.Errorf("in TIME_WAIT: %+v, %v", p, err)
	}
	if p, err := OfConn(server); err == nil {
		t.Errorf("closed by us: %+v", p)
	}
}

// A client chooses when it closes its sending half, and goes on reading. The kernel has nobody for it then.
func TestL2HalfClosed(t *testing.T) {
	who, l := nobody(), listen(t, "127.0.0.1:0")
	_, stop := start(t, who.cred, nil, "half", l.Addr().String())
	server := accept(t, l)
	defer stop()
	if said, err := io.ReadAll(server); string(said) != "request" || err != nil {
		t.Fatalf("%q, %v", said, err)
	}
	if p, err := OfConn(server); !errors.Is(err, ErrNotFound) {
		t.Errorf("%+v, %v", p, err)
	}
	if uid, err := UIDOfConn(server); !errors.Is(err, ErrNotFound) {
		t.Errorf("user %d, %v", uid, err)
	}
}

// A socket in a message between two others is in no process.
func TestL2OnItsWay(t *testing.T) {
	client, server := pair(t)
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	f := file(t, client)
	if err := unix.Sendmsg(ends[0], []byte{0}, unix.UnixRights(int(f.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	f.Close()
	client.Close()
	if p, err := OfConn(server); err != nil || p.UID != os.Geteuid() || p.PID != 0 || p.PIDs != nil || p.Dir != "" {
		t.Errorf("%+v, %v", p, err)
	}
}

// Where the kernel does not even tell of our own end, it does not say that the other is not there.
func TestL2KernelThatDoesNotTell(t *testing.T) {
	_, server := pair(t)
	local, remote := ends(server)
	if !tells(local, remote) {
		t.Error("of our own end it tells nothing")
	}
	elsewhere := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), local.Port())
	if tells(elsewhere, remote) {
		t.Error("of no connection it tells something")
	}
	_, err := ofConn(server, func(netip.AddrPort, netip.AddrPort) (Peer, error) { return Peer{}, ErrNotFound })
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("the kernel tells, and the other end is not there: %v", err)
	}
}

// A listener where the client was is not the client.
func TestL2ListenerInItsPlace(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	client, err := dialFrom(ownAddr+":0", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	local, remote := ends(accept(t, l))
	client.(*net.TCPConn).SetLinger(0)
	client.Close()
	start(t, nobody().cred, nil, "listen", remote.String())
	if p, err := Of(local, remote); !errors.Is(err, ErrNotFound) {
		t.Errorf("%+v, %v", p, err)
	}
}

// After a reset the addresses are free, and what had been sent can still be read: whoever comes next from there must
// not answer for it.
func TestL2AddressesTakenOver(t *testing.T) {
	who, l := nobody(), listen(t, "127.0.0.1:0")
	from := ownAddr + ":" + strconv.Itoa(freePort(t))
	client, err := dialFrom(from, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	first := accept(t, l)
	if _, err := client.Write([]byte("sent before")); err != nil {
		t.Fatal(err)
	}
	client.(*net.TCPConn).SetLinger(0)
	client.Close()

	pid, _ := start(t, who.cred, nil, "dial", from, l.Addr().String())
	second := accept(t, l)
	if p, err := OfConn(first); !errors.Is(err, ErrNotFound) {
		t.Errorf("the first connection: %+v, %v", p, err)
	}
	p, err := OfConn(second)
	if err != nil {
		t.Fatal(err)
	}
	who.sees(t, p, pid)
	if p, err = Of(ends(first)); err != nil {
		t.Fatal("addresses alone do not tell the two apart")
	}
	who.sees(t, p, pid)
	if n, err := first.Read(make([]byte, 64)); n != len("sent before") {
		t.Errorf("%d bytes of the first connection can be read (%v): is OfConn still needed?", n, err)
	}
}

func TestL2SharedByAFork(t *testing.T) {
	client, server := pair(t)
	pid, stop := startIn(t, os.TempDir(), nil, file(t, client), "hold")
	p, err := OfConn(server)
	both := []int{os.Getpid(), pid}
	slices.Sort(both)
	if err != nil || !slices.Equal(p.PIDs, both) || p.PID != both[0] {
		t.Errorf("%+v, %v; want processes %v", p, err, both)
	}
	if p.Dir != "" {
		t.Errorf("one of two directories: %q", p.Dir)
	}
	stop()
	p, err = OfConn(server)
	us(t, p, err)
}

// The user stays that of the socket's maker, the process is who has it now.
func TestL2GivenAway(t *testing.T) {
	for name, c := range map[string]struct {
		to   other
		do   string
		seen bool
	}{
		"to a process of ours":     {other{uid: os.Geteuid()}, "hold", true},
		"to one that hides":        {other{uid: os.Geteuid()}, "hide", os.Geteuid() == 0}, // root sees into everybody's
		"to another user's, if so": {nobody(), "hold", os.Geteuid() != 0},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := pair(t)
			f := file(t, client)
			pid, _ := start(t, c.to.cred, f, c.do)
			f.Close()
			client.Close()
			p, err := OfConn(server)
			if err != nil || p.UID != os.Geteuid() {
				t.Fatalf("%+v, %v", p, err)
			}
			want := Peer{UID: os.Geteuid()}
			if c.seen {
				want = Peer{UID: os.Geteuid(), PID: pid, PIDs: []int{pid}, Dir: "/"}
			}
			if p.PID != want.PID || !slices.Equal(p.PIDs, want.PIDs) || p.Dir != want.Dir {
				t.Errorf("%+v; want %+v", p, want)
			}
		})
	}
}

func TestConcurrent(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	var all sync.WaitGroup
	for range 200 {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server := accept(t, l)
		all.Go(func() {
			p, err := OfConn(server)
			us(t, p, err)
		})
	}
	all.Wait()
}

func TestNoConnection(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if p, err := OfConn(a); err == nil {
		t.Errorf("a pipe has %+v at its end", p)
	}
	_, server := pair(t)
	local, remote := ends(server)
	for _, ends := range [][2]string{
		{local.String(), "[::1]:" + port(server.RemoteAddr())},
		{local.String(), "127.0.0.1:" + port(server.LocalAddr())},
		{local.String(), "127.0.0.2:" + port(server.RemoteAddr())},
		{"[::1]:" + port(server.LocalAddr()), "[::1]:" + port(server.RemoteAddr())},
		{remote.String(), remote.String()},
	} {
		if p, err := Of(netip.MustParseAddrPort(ends[0]), netip.MustParseAddrPort(ends[1])); err == nil {
			t.Errorf("%v: %+v", ends, p)
		}
	}
	if p, err := Of(netip.AddrPort{}, remote); err == nil {
		t.Errorf("no address: %+v", p)
	}
}

// Root may look into everybody's processes. What an ordinary user sees is tested as one.
func TestL2AsOrdinaryUser(t *testing.T) {
	who := nobody()
	if who.cred == nil {
		return // as which all tests here are run already
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^Test")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.cred}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWaits(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for name, c := range map[string]struct {
		leave func(*net.TCPConn)
		want  bool
	}{
		"sends on":       {func(*net.TCPConn) {}, true},
		"sends no more":  {func(c *net.TCPConn) { c.CloseWrite() }, true},
		"left":           {func(c *net.TCPConn) { c.Close() }, false},
		"was cut off":    {func(c *net.TCPConn) { c.SetLinger(0); c.Close() }, false},
		"left by halves": {func(c *net.TCPConn) { c.CloseWrite(); c.Close() }, false},
	} {
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.leave(client.(*net.TCPConn))
		if name != "sends on" {
			conn.Read(make([]byte, 1))
		}
		if got := Waits(conn); got != c.want {
			t.Errorf("one that %s: %v", name, got)
		}
		conn.Close()
		client.Close()
	}
}
