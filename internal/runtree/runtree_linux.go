package runtree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// comm is the name of a run's main thread. Of a process that is not dumpable
// only this, stat and little more can be read (proc(5)); the kernel keeps 15
// bytes.
const comm = "agentsecrets-rn"

// Mark makes this process a run for those that it starts from now on. In one
// that is not dumpable it has to be called on the main thread.
func Mark() error {
	if unix.Gettid() == os.Getpid() {
		name, err := unix.BytePtrFromString(comm)
		if err == nil {
			err = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0)
		}
		if err != nil {
			return fmt.Errorf("mark this process as a run: %w", err)
		}
		return nil
	}
	// The call names the thread that makes it; a write here names the main thread.
	if err := os.WriteFile("/proc/self/comm", []byte(comm), 0); err != nil {
		return fmt.Errorf("mark this process as a run: %w", err)
	}
	return nil
}

func look(pid int) (process, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return process{}, errGone
	}
	if err != nil {
		return process{}, err
	}
	return parseStat(b)
}

// startField is where starttime stands behind the command (proc_pid_stat(5), 22).
const startField = 19

// parseStat reads "pid (comm) state ppid …"; comm may hold spaces and brackets.
func parseStat(b []byte) (process, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return process{}, errors.New("read /proc/PID/stat: no command in it")
	}
	fields := bytes.Fields(b[end+1:])
	if len(fields) < 2 {
		return process{}, errors.New("read /proc/PID/stat: no parent in it")
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return process{}, fmt.Errorf("read /proc/PID/stat: %w", err)
	}
	p := process{parent: parent, isRun: string(b[open+1:end]) == comm}
	if len(fields) > startField {
		if p.start, err = strconv.ParseUint(string(fields[startField]), 10, 64); err != nil {
			return process{}, fmt.Errorf("read /proc/PID/stat: %w", err)
		}
	}
	return p, nil
}

// ours are the processes of our user, also those that cannot be looked into:
// whose they are stands in a file that everybody may read.
func ours() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		status, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if hasUser(status, os.Geteuid()) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// hasUser reports whether one of a process's users is uid: the real one, the
// effective one, and so on (proc_pid_status(5)).
func hasUser(status []byte, uid int) bool {
	_, rest, _ := bytes.Cut(status, []byte("\nUid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	for _, id := range bytes.Fields(line) {
		if string(id) == strconv.Itoa(uid) {
			return true
		}
	}
	return false
}
