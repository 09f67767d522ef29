package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// file is the end of a log. It is opened when a line comes, given up after any
// failure, and set aside when it is full. No other process writes to it.
//
// lumberjack renames and prunes; it never writes, since it neither appends
// (O_APPEND) to a file that it made nor lets one sync it.
type file struct {
	path  string
	limit int64
	open  func(path string) (*os.File, error)
	sync  func(*os.File) error

	h    *os.File
	size int64
	torn bool // the end of the file is half a line that could not be taken back
	old  *lumberjack.Logger
}

func newFile(path string) *file {
	return &file{
		path: path, limit: fileLimit, open: openAppend, sync: syncFile,
		old: &lumberjack.Logger{Filename: path, MaxBackups: keepFiles},
	}
}

// openAppend opens path as a file of ours, and makes it and its directory.
func openAppend(path string) (*os.File, error) {
	if err := atomicfile.MkdirPrivate(filepath.Dir(path)); err != nil {
		return nil, err
	}
	h, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := h.Stat(); err != nil || !info.Mode().IsRegular() {
		h.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.Join(err, fs.ErrInvalid)}
	}
	return h, syncDir(filepath.Dir(path))
}

// append writes line with one write(2), and with durable waits until it is on
// the disk. On an error nothing of the line stays.
func (f *file) append(line []byte, durable bool) error {
	if err := f.ready(int64(len(line))); err != nil {
		return err
	}
	if f.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.h.Write(line)
	if err == nil && durable {
		err = f.sync(f.h)
	}
	if err != nil {
		f.giveUp(n)
		return err
	}
	f.size += int64(n)
	f.torn = false
	return nil
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
	h, err := f.open(f.path)
	if err != nil {
		return err
	}
	info, err := h.Stat()
	if err != nil {
		h.Close()
		return err
	}
	f.h, f.size = h, info.Size()
	return nil
}

// gone reports whether somebody removed the file or put another in its place:
// lines written to it would be recorded nowhere.
func (f *file) gone() bool {
	held, err := f.h.Stat()
	if err != nil {
		return true
	}
	named, err := os.Lstat(f.path)
	return err != nil || !os.SameFile(held, named)
}

// giveUp takes back the n bytes of a line that was not written whole, and lets
// the next line open the file again.
func (f *file) giveUp(n int) {
	if n > 0 && f.h.Truncate(f.size) != nil {
		f.torn = true
	}
	_ = f.close() // whatever it says, a failure is being returned already
}

// setAside renames a full file and opens a new one.
func (f *file) setAside() error {
	if err := f.close(); err != nil {
		return err
	}
	if err := errors.Join(f.old.Rotate(), f.old.Close()); err != nil {
		return fmt.Errorf("set aside full log: %w", err)
	}
	f.torn = false
	return f.reopen()
}

func (f *file) close() error {
	if f.h == nil {
		return nil
	}
	err := errors.Join(f.sync(f.h), f.h.Close())
	f.h = nil
	return err
}
