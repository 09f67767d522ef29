package peer

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLooked bounds what ProgramOf looks into: its answer is for a person, and
// one whose connection waits pays for it.
const maxLooked = 100

func programAt(local, remote netip.AddrPort) string {
	s, err := find(remote, local)
	if err != nil || s.inode == 0 || s.uid != uint32(os.Geteuid()) {
		return ""
	}
	for _, pid := range newest(maxLooked) {
		if len(Holding([]int{pid}, []uint32{s.inode})) > 0 {
			return Program(pid)
		}
	}
	return ""
}

// newest are the processes with the highest numbers, ours left out: who has just
// connected has most often just been started.
func newest(most int) []int {
	proc, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(proc)
	var pids []int
	eachName(proc, func(name string) bool {
		if pid, err := strconv.Atoi(name); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
		return true
	})
	slices.Sort(pids)
	slices.Reverse(pids)
	return pids[:min(len(pids), most)]
}

// Holding finds which of pids have which of sockets.
func Holding(pids []int, sockets []uint32) map[uint32]int {
	found := map[uint32]int{}
	left := maxDescriptors
	for _, pid := range pids {
		fds, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		eachName(fds, func(name string) bool {
			if inode, ok := socketAt(fds, name); ok && slices.Contains(sockets, inode) {
				found[inode] = pid
			}
			left--
			return left > 0 && len(found) < len(sockets)
		})
		unix.Close(fds)
	}
	return found
}

// socketAt is the socket that a descriptor leads to.
func socketAt(fds int, name string) (inode uint32, ok bool) {
	var buf [32]byte
	n, err := unix.Readlinkat(fds, name, buf[:])
	if err != nil {
		return 0, false
	}
	text, ok := bytes.CutPrefix(buf[:n], []byte("socket:["))
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(string(bytes.TrimSuffix(text, []byte("]"))), 10, 32)
	return uint32(number), err == nil
}

// Program names the program of a process: that of its file, which it cannot
// choose as it can its other names; where one file is many programs, or cannot be
// seen, the name it has in lists.
func Program(pid int) string {
	dir := "/proc/" + strconv.Itoa(pid)
	exe, err := os.Readlink(dir + "/exe")
	name := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	switch {
	case err != nil, name == "busybox", name == "toybox", name == "coreutils":
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(comm))
	}
	return name
}
