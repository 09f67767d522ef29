package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// file is the end of a log. It is opened when a line comes, given up after any
// failure, and set aside when it is full. No other process writes to it, unless
// it is shared: then it is opened for each line, under a lock, and what others
// wrote is found out anew.
type file struct {
	path    string
	limit   int64
	keep    int // files set aside that are kept
	shared  bool
	makeDir bool
	key     func() ([]byte, error)
	now     func() time.Time
	open    func(path string) (*os.File, error)
	sync    func(*os.File) error

	h     *os.File
	is    fs.FileInfo // tells h's file from others
	size  int64
	torn  bool // the end of the file is half a line that could not be taken back
	dirty bool // lines are in h that the disk may not have, nor the head

	keys   *keys    // nil until the first line
	head   head     // Last is the link that the next line follows
	headAt *os.File // nil: not open
	live   *flock.Flock
}

func newFile(path string, c Config) *file {
	return &file{
		path: path, limit: fileLimit, keep: keepFiles, makeDir: true, key: c.Key, now: c.now(),
		open: openAppend, sync: syncFile,
	}
}

// openAppend opens path as a file of ours, or makes it.
func openAppend(path string) (*os.File, error) {
	h, err := atomicfile.OpenPrivate(path, os.O_CREATE|os.O_APPEND|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	return h, syncDir(filepath.Dir(path))
}

// append writes the marshalled event with one write(2), and with durable waits
// until it is on the disk. On an error nothing of the line stays.
func (f *file) append(event []byte, durable bool) error {
	if err := f.ready(int64(len(event) + chainedBy)); err != nil {
		return err
	}
	line, end := f.keys.seal(f.head.Last, event)
	if f.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.h.Write(line)
	before := f.head
	if err == nil {
		f.head.Last, f.head.Size = end, f.size+int64(n)
		if durable {
			err = f.settle()
		}
	}
	if err != nil {
		f.head = before
		f.giveUp(n)
		return err
	}
	f.size += int64(n)
	f.torn, f.dirty = false, !durable
	return nil
}

// settle takes the lines and then the head to the disk: a head that was ahead
// of its lines would tell of a cut that there was not.
func (f *file) settle() error {
	if err := f.sync(f.h); err != nil {
		return err
	}
	return f.settleHead()
}

func (f *file) settleHead() error {
	if err := f.keys.writeHead(f.headAt, f.path, f.head); err != nil {
		return err
	}
	return syncFile(f.headAt)
}

// ready has an open file that takes n more bytes.
func (f *file) ready(n int64) error {
	if f.h != nil && f.gone() {
		f.giveUp(0)
	}
	if f.h == nil {
		if err := f.reopen(); err != nil {
			return err
		}
	}
	if f.size > 0 && f.size+n > f.limit {
		return f.setAside()
	}
	return nil
}

func (f *file) reopen() error {
	if f.makeDir {
		if err := atomicfile.MkdirPrivate(filepath.Dir(f.path)); err != nil {
			return err
		}
	}
	known := f.keys != nil && !f.shared // where the chain stands
	if f.keys == nil {
		key, err := f.key()
		if err != nil {
			return err
		}
		f.keys = newKeys(key)
	}
	err := f.openBoth(known)
	if err != nil {
		f.drop()
		if !known {
			f.keys = nil
		}
	}
	return err
}

func (f *file) openBoth(known bool) error {
	if !f.shared {
		if err := f.claim(); err != nil {
			return err
		}
	}
	if !known {
		if err := f.loadHead(); err != nil {
			return err
		}
	}
	if err := f.openLines(); err != nil {
		return err
	}
	if !known {
		if err := f.catchUp(); err != nil {
			return err
		}
	}
	if err := f.endLines(); err != nil {
		return err
	}
	f.dropHead()
	var err error
	f.headAt, err = f.keys.openHead(f.path, f.head)
	return err
}

// claim shows that this process writes to the log, until it closes it or ends.
func (f *file) claim() error {
	if f.live != nil {
		return nil
	}
	l := flock.New(livePath(f.path), flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
	if ok, err := l.TryLock(); err != nil || !ok {
		return errors.Join(fmt.Errorf("%s: another process writes to it", f.path), err)
	}
	f.live = l
	return nil
}

func livePath(path string) string { return path + ".live" }

// loadHead reads what is known of the log. Lines that are there without a head
// are of earlier versions, which kept no chain, and are set aside.
func (f *file) loadHead() error {
	var err error
	f.head, err = f.keys.readHead(f.path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next := lastNumber(f.path) + 1
	if info, err := os.Lstat(f.path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		if err := os.Rename(f.path, numbered(f.path, next)); err != nil {
			return err
		}
		next++
	}
	f.head = f.keys.beginLog(f.path, next, f.now())
	return nil
}

func (f *file) openLines() error {
	h, err := f.open(f.path)
	if err != nil {
		if h != nil {
			h.Close()
		}
		return err
	}
	info, err := h.Stat()
	if err != nil {
		h.Close()
		return err
	}
	f.h, f.is, f.size = h, info, info.Size()
	return nil
}

// catchUp finds the end of the chain in what other processes wrote, or an
// earlier one that did not come to write its head. Where the last line that the
// head knows is not there, the next one follows that line all the same: the gap
// stays to be seen.
func (f *file) catchUp() error {
	if _, err := os.Lstat(numbered(f.path, f.head.Next)); f.size == 0 && f.head.Size > 0 && err == nil {
		f.head.Next, f.head.Size = f.head.Next+1, 0 // it was being set aside
	}
	if f.size < f.head.Size {
		return nil
	}
	if l, ok := linkBefore(f.h, f.head.Size); f.head.Size > 0 && (!ok || l != f.head.Last) {
		return nil
	}
	lines := bufio.NewReader(io.NewSectionReader(f.h, f.head.Size, f.size-f.head.Size))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, l, ok := split(line); ok {
			f.head.Last = l
		}
	}
}

// endLines takes back the part of a line that a crash left at the end.
func (f *file) endLines() error {
	end := f.size
	buf := make([]byte, 4<<10)
	for end > 0 {
		n := min(int64(len(buf)), end)
		if _, err := f.h.ReadAt(buf[:n], end-n); err != nil {
			return err
		}
		i := lastNewline(buf[:n])
		end -= n - int64(i) - 1
		if i >= 0 {
			break
		}
	}
	if end == f.size {
		return nil
	}
	f.torn = f.h.Truncate(end) != nil
	if !f.torn {
		f.size = end
	}
	return nil
}

func lastNewline(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '\n' {
			return i
		}
	}
	return -1
}

// gone reports whether somebody removed the file, or put another in its place:
// what is written to it would be recorded nowhere.
func (f *file) gone() bool {
	named, err := os.Lstat(f.path)
	return err != nil || !os.SameFile(f.is, named)
}

// giveUp takes back the n bytes of a line that was not written whole, and lets
// the next line open the file again.
func (f *file) giveUp(n int) {
	if n > 0 && f.h.Truncate(f.size) != nil {
		f.torn = true
	}
	_ = f.close() // whatever it says, a failure is being returned already
}

// close takes what is left to the disk; the next line opens the file again.
func (f *file) close() error {
	if f.h == nil {
		return nil
	}
	var err error
	if f.dirty {
		f.head.Size = f.size
		err = f.settle()
		f.dirty = false
	}
	return errors.Join(err, f.drop())
}

func (f *file) drop() error {
	f.dropHead()
	if f.h == nil {
		return nil
	}
	err := f.h.Close()
	f.h = nil
	return err
}

func (f *file) dropHead() {
	if f.headAt != nil {
		_ = f.headAt.Close() // what is in it has been synced
		f.headAt = nil
	}
}

// end is close for good.
func (f *file) end() error {
	err := f.close()
	if f.live != nil {
		_ = os.Remove(f.live.Path())
		_ = f.live.Unlock()
		f.live = nil
	}
	return err
}
