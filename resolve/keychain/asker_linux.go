package keychain

import (
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// input is a socket and not a pipe: the kernel knows which process made it, see checkAsker.
func input(cmd *exec.Cmd) (io.WriteCloser, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	cmd.Stdin = os.NewFile(uintptr(pair[0]), "the helper's end")
	return os.NewFile(uintptr(pair[1]), "our end"), nil
}

// checkAsker lets our parent ask, on a socket that it made itself, and nobody else: a program that could start the helper on
// somebody else's behalf, a shell's pipeline or a run, would have a command that prints values.
func checkAsker(in *os.File) error {
	raw, err := in.SyscallConn()
	if err != nil {
		return errNotForYou
	}
	var asker *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { asker, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || failed != nil || int(asker.Pid) != os.Getppid() {
		return errNotForYou
	}
	return nil
}
