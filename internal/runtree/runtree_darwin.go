package runtree

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Mark does nothing: on macOS a run is known by its command line.
func Mark() error { return nil }

func look(pid int) (process, error) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, unix.EIO) {
		return process{}, errGone
	}
	if err != nil {
		return process{}, fmt.Errorf("ask for process %d: %w", pid, err)
	}
	// The arguments of other users' processes are refused; a run is ours.
	args, err := unix.SysctlRaw("kern.procargs2", pid)
	return process{parent: int(p.Eproc.Ppid), isRun: err == nil && isRunArgs(args)}, nil
}

func ours() ([]int, error) {
	procs, err := unix.SysctlKinfoProcSlice("kern.proc.uid", os.Geteuid())
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, p := range procs {
		pids = append(pids, int(p.Proc.P_pid))
	}
	return pids, nil
}
