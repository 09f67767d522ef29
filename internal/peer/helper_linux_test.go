package peer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/agentsecrets/agentsecrets/internal/freeport"
)

// helperEnv makes the test binary another process with a socket, until its input ends.
const helperEnv = "PEER_TEST"

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(helperEnv))
	if len(words) == 0 {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every process that we start waits a second at its end
		goleak.VerifyTestMain(m)
	}
	if err := help(words); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func help(words []string) error {
	switch words[0] {
	case "dial": // FROM TO
		_, err := dialFrom(words[1], words[2])
		return err
	case "half": // TO: sends, and closes its sending half
		conn, err := net.Dial("tcp", words[1])
		if err != nil {
			return err
		}
		if _, err := io.WriteString(conn, "request"); err != nil {
			return err
		}
		return conn.(*net.TCPConn).CloseWrite()
	case "leave": // TO: connects, and leaves the connection to a child that lives as long as it would have
		return leave(words[1])
	case "hide": // descriptor 3, and all others
		return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	case "listen": // AT
		_, err := listenAt(words[1])
		return err
	}
	return nil // hold: descriptor 3
}

// leave starts a child with the connection. The child ends with our input, which it inherits; we say that we are ready
// and end.
func leave(to string) error {
	conn, err := net.Dial("tcp", to)
	if err != nil {
		return err
	}
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperEnv+"=hold")
	cmd.Stdin, cmd.Stdout, cmd.ExtraFiles = os.Stdin, os.Stdout, []*os.File{f}
	if err := cmd.Start(); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

// ownAddr is one whose ports nobody else on a busy machine takes.
const ownAddr = "127.83.0.1"

// reuse lets an address be taken over that a closed connection still blocks.
func reuse(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
}

func dialFrom(from, to string) (net.Conn, error) {
	addr, err := net.ResolveTCPAddr("tcp", from)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{LocalAddr: addr, Control: reuse}).Dial("tcp", to)
}

func listenAt(addr string) (net.Listener, error) {
	return (&net.ListenConfig{Control: reuse}).Listen(context.Background(), "tcp", addr)
}

// other is who a helper runs as: another user, if this one may choose.
type other struct {
	uid  int
	cred *syscall.Credential
}

func nobody() other {
	const id = 65534
	if os.Geteuid() != 0 {
		return other{uid: os.Geteuid()}
	}
	return other{id, &syscall.Credential{Uid: id, Gid: id}}
}

// sees says what is known of a socket that the helper pid made.
func (o other) sees(t *testing.T, p Peer, pid int) {
	t.Helper()
	switch {
	case p.UID != o.uid:
		t.Errorf("%+v: want uid %d", p, o.uid)
	case o.uid == os.Geteuid() && !slices.Equal(p.PIDs, []int{pid}):
		t.Errorf("%+v: want process %d", p, pid)
	case o.uid != os.Geteuid() && (p.PID != 0 || p.PIDs != nil || p.Dir != ""):
		t.Errorf("%+v: looked into another user's processes", p)
	}
}

// start runs a helper that gets file, if any, as descriptor 3. It ends with the test, or earlier by stop.
func start(t *testing.T, cred *syscall.Credential, file *os.File, words ...string) (pid int, stop func()) {
	t.Helper()
	return startIn(t, "/", cred, file, words...)
}

func startIn(t *testing.T, dir string, cred *syscall.Credential, file *os.File, words ...string) (pid int, stop func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe") // another user may not find it by its name
	cmd.Env = append(os.Environ(), helperEnv+"="+strings.Join(words, " "))
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	cmd.Stderr = os.Stderr
	if file != nil {
		cmd.ExtraFiles = []*os.File{file}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() { in.Close(); cmd.Wait() }
	t.Cleanup(stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("helper %v: %q, %v", words, line, err)
	}
	return cmd.Process.Pid, stop
}

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	l, err := listenAt(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func accept(t testing.TB, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// pair is a connection of this process with itself.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, accept(t, l)
}

// ends are those of a connection as Of wants them.
func ends(c net.Conn) (local, remote netip.AddrPort) {
	return c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
}

func file(t *testing.T, c net.Conn) *os.File {
	t.Helper()
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
