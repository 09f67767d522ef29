package child

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// AdoptOrphans makes us the parent of descendants whose own parent ends, so
// that they stay in our process tree. Wait reaps them.
func AdoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	return nil
}

// notWithoutUs has the kernel end the program, as kill(1) would, when we are killed: nothing would put values into what it
// sends any more, nor take them out of what it prints. It is sent when the thread ends that starts the program
// (PR_SET_PDEATHSIG(2const)); Go's threads end with the process, unless a goroutine that is locked to one ends.
func notWithoutUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }

// wait reaps whoever ends until it is the program. Nothing else in this process
// may wait for children meanwhile.
func (c *Process) wait() int {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		if code, over := reap(c.proc.Pid); over {
			return code
		}
		<-ended
	}
}

// reap takes all children that have ended.
func reap(program int) (code int, over bool) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil && !over:
			return 1, true // no child is left, and the program was not among those seen
		case err != nil || pid == 0:
			return code, over
		case pid == program:
			code, over = codeOf(ws), true
		}
	}
}
