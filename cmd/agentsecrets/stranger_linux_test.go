package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stranger HOW TARGET is a program that asks the proxy at $STOLEN for a request
// with a value, in ways that hide whose it is: whole (not at all), half (it has
// closed its sending half when its request is read), hidden (it cannot be looked
// into), flight (its connection is in no process while its request is read), shared
// (a program outside, at $HOLDER, has its connection as well). "hold PATH" is that one.
func stranger() {
	if err := beStranger(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beStranger(how, target string) error {
	if how == "hold" {
		return hold(target)
	}
	stolen, err := url.Parse(os.Getenv("STOLEN"))
	if err != nil {
		return err
	}
	if how == "hidden" {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return err
		}
	}
	conn, err := net.Dial("tcp", stolen.Host)
	if err != nil {
		return err
	}
	request := "GET /proxy HTTP/1.1\r\nHost: " + stolen.Host + "\r\nConnection: close\r\n" +
		"X-AS-Target-URL: " + target + "\r\nX-AS-Inject-Bearer: ACME_KEY\r\n"
	if stolen.User != nil {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(stolen.User.String())) + "\r\n"
	}
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	conn.Close()
	switch how {
	case "half":
		return corked(f, request+"\r\n")
	case "flight":
		if f, err = inFlight(f, request+"\r\n"); err != nil {
			return err
		}
	case "shared":
		stop, err := share(f)
		if err != nil {
			return err
		}
		defer stop()
		fallthrough
	default:
		if _, err := io.WriteString(f, request+"\r\n"); err != nil {
			return err
		}
	}
	return show(f)
}

func show(f *os.File) error {
	answer, err := io.ReadAll(f)
	fmt.Print(string(answer))
	return err
}

// corked sends the request and the end of all requests in one packet.
func corked(f *os.File, request string) error {
	if err := unix.SetsockoptInt(int(f.Fd()), unix.IPPROTO_TCP, unix.TCP_CORK, 1); err != nil {
		return err
	}
	if _, err := io.WriteString(f, request); err != nil {
		return err
	}
	if err := syscall.Shutdown(int(f.Fd()), syscall.SHUT_WR); err != nil {
		return err
	}
	return show(f)
}

// inFlight leaves the connection in a message between two sockets of ours until
// the answer is there.
func inFlight(f *os.File, request string) (*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	begin, rest := request[:1], request[1:]
	if _, err := io.WriteString(f, begin); err != nil {
		return nil, err
	}
	// What is still to be sent goes when nobody has the connection: a thread that
	// sleeps in write(2) would have it.
	if err := unix.SetsockoptInt(int(f.Fd()), unix.IPPROTO_TCP, unix.TCP_CORK, 1); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(f, rest); err != nil { // the kernel sends it after 200 ms (tcp(7))
		return nil, err
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(f.Fd())), nil, 0); err != nil {
		return nil, err
	}
	f.Close()
	time.Sleep(time.Second)
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), control, 0)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return nil, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), "connection"), nil
}

// hold takes one connection at path, and keeps it until whoever gave it leaves.
func hold(path string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	giver, err := l.AcceptUnix()
	if err != nil {
		return err
	}
	control := make([]byte, unix.CmsgSpace(4))
	if _, _, _, _, err := giver.ReadMsgUnix(make([]byte, 1), control); err != nil {
		return err
	}
	if _, err := giver.Write([]byte{0}); err != nil {
		return err
	}
	_, _ = giver.Read(make([]byte, 1))
	return nil
}

// share gives f to the program at $HOLDER, too.
func share(f *os.File) (stop func(), err error) {
	holder, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: os.Getenv("HOLDER"), Net: "unix"})
	if err != nil {
		return nil, err
	}
	if _, _, err := holder.WriteMsgUnix([]byte{0}, unix.UnixRights(int(f.Fd())), nil); err != nil {
		return nil, err
	}
	if _, err := holder.Read(make([]byte, 1)); err != nil { // it has it
		return nil, err
	}
	return func() { holder.Close() }, nil
}
