package daemon

import (
	"os"

	"golang.org/x/sys/unix"
)

func peerOfSocket(fd int) (peer, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return peer{}, err
	}
	return peer{own: int(cred.Uid) == os.Geteuid(), pid: int(cred.Pid)}, nil
}
