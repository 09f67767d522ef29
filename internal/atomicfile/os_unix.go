//go:build unix

package atomicfile

import (
	"io/fs"
	"os"
	"syscall"
)

const (
	checksModes = true
	// O_NONBLOCK: opening a FIFO that somebody planted must not wait for its writer.
	openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	lockFlags = syscall.O_NOFOLLOW
)

func belongsToUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// names is how many names the file has.
func names(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink) // of another type elsewhere
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
