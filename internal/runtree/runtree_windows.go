package runtree

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A run on Windows is a job object with a name that tells its number. Whatever it
// starts is in the job, and stays there whoever of its parents has ended: Windows
// keeps no tree, only the number of a parent, which another process may have by now.

var (
	kernel         = windows.NewLazySystemDLL("kernel32.dll")
	openJobObject  = kernel.NewProc("OpenJobObjectW")
	isProcessInJob = kernel.NewProc("IsProcessInJob")
)

// jobQuery is JOB_OBJECT_QUERY (winnt.h).
const jobQuery = 0x4

// nameOf is that of the job of run pid, in this login's namespace.
func nameOf(pid int) (*uint16, error) {
	return windows.UTF16PtrFromString(`Local\agentsecrets-run-` + strconv.Itoa(pid))
}

// Mark makes this process a run for those that it starts from now on. The job has
// its name as long as somebody has it open; we have until we end.
func Mark() error {
	name, err := nameOf(os.Getpid())
	if err != nil {
		return err
	}
	job, err := windows.CreateJobObject(nil, name)
	if err == nil {
		err = windows.AssignProcessToJobObject(job, windows.CurrentProcess())
	}
	if err != nil {
		return fmt.Errorf("mark this process as a run: %w", err)
	}
	return nil
}

// look has as the parent of pid the run in whose job it is.
func look(pid int) (process, error) {
	handle, err := windows.OpenProcess(windows.PROCESS_QUERY_INFORMATION, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return process{}, errGone
	}
	if err != nil {
		return process{}, fmt.Errorf("open process %d: %w", pid, err)
	}
	defer windows.CloseHandle(handle)
	pids, err := all()
	if err != nil {
		return process{}, err
	}
	var p process
	for _, run := range pids {
		in, err := inJobOf(handle, run)
		switch {
		case err != nil:
			return process{}, err
		case in && run == pid:
			p.isRun = true
		case in:
			p.parent = run
		}
	}
	return p, nil
}

// inJobOf reports whether run is one, and the process in its job.
func inJobOf(handle windows.Handle, run int) (bool, error) {
	name, err := nameOf(run)
	if err != nil {
		return false, err
	}
	job, _, err := openJobObject.Call(jobQuery, 0, uintptr(unsafe.Pointer(name)))
	if job == 0 {
		if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
			return false, nil
		}
		return false, fmt.Errorf("open the job of process %d: %w", run, err)
	}
	defer windows.CloseHandle(windows.Handle(job))
	var in int32
	if ok, _, err := isProcessInJob.Call(uintptr(handle), job, uintptr(unsafe.Pointer(&in))); ok == 0 {
		return false, fmt.Errorf("ask for the job of process %d: %w", run, err)
	}
	return in != 0, nil
}

// all are the processes of this machine.
func all() ([]int, error) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer windows.CloseHandle(snapshot)
	var pids []int
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		if entry.ProcessID != 0 { // of the idle system
			pids = append(pids, int(entry.ProcessID))
		}
	}
	if !errors.Is(err, syscall.Errno(windows.ERROR_NO_MORE_FILES)) {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return pids, nil
}

// ours leaves out what may not be asked: services and other users' processes.
func ours() ([]int, error) {
	pids, err := all()
	var list []int
	for _, pid := range pids {
		if handle, err := windows.OpenProcess(windows.PROCESS_QUERY_INFORMATION, false, uint32(pid)); err == nil {
			windows.CloseHandle(handle)
			list = append(list, pid)
		}
	}
	return list, err
}
