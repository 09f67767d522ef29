package peer

import (
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxDescriptors bounds a search to less than a second, also where somebody opens all the descriptors that he may.
const maxDescriptors = 1 << 18

// holder is a process in which a socket was found.
type holder struct {
	pid int
	dir string // "" where it cannot be told
}

// search looks into our user's processes for a socket. It returns all or, past the bound, none: some would hide others.
func search(inode uint32, bound int) []holder {
	if inode == 0 { // no descriptor leads to it
		return nil
	}
	proc, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(proc)
	s := scan{proc: proc, inode: inode, uid: uint32(os.Geteuid()), link: "socket:[" + strconv.FormatUint(uint64(inode), 10) + "]", left: bound}
	eachName(proc, s.process)
	if s.left < 0 {
		return nil
	}
	slices.SortFunc(s.found, func(a, b holder) int { return a.pid - b.pid })
	return s.found
}

type scan struct {
	proc  int // /proc
	inode uint32
	uid   uint32
	link  string
	left  int // descriptors that may still be looked at
	found []holder
}

// process looks into one. Its directory belongs to its effective user or, of one that is not dumpable, to root.
func (s *scan) process(name string) bool {
	pid, err := strconv.Atoi(name)
	if err != nil {
		return true
	}
	var st unix.Stat_t
	if unix.Fstatat(s.proc, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Uid != s.uid {
		return true
	}
	fds, err := unix.Openat(s.proc, name+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fds)
	if s.holds(pid, fds) {
		s.found = append(s.found, holder{pid, directory(fds)})
	}
	return s.left >= 0
}

// holds begins with the highest descriptor: a process with thousands opened the one that is asked for last. Our own
// process, which may have as many, is asked without names.
func (s *scan) holds(pid, fds int) bool {
	var all []string
	eachName(fds, func(name string) bool {
		all = append(all, name)
		s.left--
		return s.left >= 0
	})
	is := s.named(fds)
	if pid == os.Getpid() {
		is = s.ours
	}
	slices.Reverse(all)
	return slices.ContainsFunc(all, is)
}

// named reports whether the descriptor of that name is the socket.
func (s *scan) named(fds int) func(string) bool {
	buf := make([]byte, len(s.link)+1) // one more, to tell a longer link
	return func(name string) bool {
		n, err := unix.Readlinkat(fds, name, buf)
		return err == nil && string(buf[:n]) == s.link
	}
}

// ours is named for our own process.
func (s *scan) ours(name string) bool {
	fd, err := strconv.Atoi(name)
	var st unix.Stat_t
	return err == nil && unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK && st.Ino == uint64(s.inode)
}

// directory tells where the process works that fds is of: it is asked through fds, since the number may be another
// process's by now.
func directory(fds int) string {
	const cwd = "../cwd"
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fds, cwd, buf)
	if err != nil || n == len(buf) {
		return ""
	}
	dir := string(buf[:n])
	var theirs, ours unix.Stat_t
	if unix.Fstatat(fds, cwd, &theirs, 0) != nil || unix.Stat(dir, &ours) != nil || theirs.Dev != ours.Dev || theirs.Ino != ours.Ino {
		return ""
	}
	return dir
}

// eachName calls do with what is in the directory fd, until it returns false.
func eachName(fd int, do func(name string) bool) {
	buf := make([]byte, 8<<10)
	var names []string
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err != nil || n <= 0 {
			return
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			if !do(name) {
				return
			}
		}
	}
}
