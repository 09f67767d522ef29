package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// InsecureError says why a file or directory is not used: somebody else could have read or changed it.
type InsecureError struct {
	Path   string
	Reason string
	Other  bool // it is neither a file where there should be one, nor a directory, nor a link
	fix    string
}

func (e *InsecureError) Error() string { return e.Path + " " + e.Reason }

// Hint says what would make the path acceptable.
func (e *InsecureError) Hint() string { return e.fix }

// MkdirPrivate makes the directory path, for its owner alone, and its parents where they are missing. A directory
// that is there already must be a real one, ours, and not writable by others: they could swap the files in it.
func MkdirPrivate(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fmt.Errorf("make private directory: %w", err)
		}
		info, err = os.Lstat(path)
	}
	if err != nil {
		return fmt.Errorf("make private directory: %w", err)
	}
	if !info.IsDir() {
		return notReal(path, info, "a directory")
	}
	if err := owned(path, info); err != nil {
		return err
	}
	if checksModes && info.Mode().Perm()&0o022 != 0 {
		return &InsecureError{Path: path, fix: "chmod go-w " + ShellWord(path),
			Reason: fmt.Sprintf("can be changed by other users (mode %04o)", info.Mode().Perm())}
	}
	return nil
}

// ReadPrivate returns the content of path if it is a file of ours that nobody else can read or write.
func ReadPrivate(path string) ([]byte, error) {
	f, err := OpenPrivate(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read private file: %w", err)
	}
	return data, nil
}

// Open opens path for reading if it is a file, whoever may read it. It follows no link there, and does not wait for what
// a FIFO might bring.
func Open(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	if info, err = f.Stat(); err == nil {
		err = regular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open file: %w", err)
	}
	return f, nil
}

// ReadFile returns the content of what Open opens.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return data, nil
}

// OpenPrivate opens path with flag as os.OpenFile does if it is a file of ours that nobody else can read or write, or
// is made so. What is opened for writing must have no other name: a hard link of another file of ours, planted at path,
// would have that one written to.
func OpenPrivate(path string, flag int) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil {
		if err := regular(path, info); err != nil { // says more than the ELOOP that opening a link would give
			return nil, err
		}
	}
	f, err := os.OpenFile(path, flag|openFlags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open private file: %w", err)
	}
	err = private(f, path)
	if err == nil && flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		err = onlyName(f, path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func onlyName(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return oneName(path, info)
}

// oneName is for files that are written in place. Those that are replaced as a whole need it not: that gives path
// another file.
func oneName(path string, info fs.FileInfo) error {
	if names(info) > 1 {
		p := ShellWord(path)
		return &InsecureError{Path: path, Reason: "has another name (a hard link), which would be written to as well",
			fix: fmt.Sprintf("cp -p %s %s && mv %s %s", p, ShellWord(path+".copy"), ShellWord(path+".copy"), p)}
	}
	return nil
}

// private judges the open file, not the path: what is judged is what is read.
func private(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read private file: %w", err)
	}
	if err := regular(path, info); err != nil {
		return err
	}
	if err := owned(path, info); err != nil {
		return err
	}
	if checksModes && info.Mode().Perm()&0o077 != 0 {
		return &InsecureError{Path: path, fix: "chmod 600 " + ShellWord(path),
			Reason: fmt.Sprintf("is open to other users (mode %04o)", info.Mode().Perm())}
	}
	return nil
}

func regular(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return notReal(path, info, "a file")
}

func notReal(path string, info fs.FileInfo, want string) error {
	e := &InsecureError{Path: path, Reason: "is not " + want, Other: info.Mode()&fs.ModeSymlink == 0}
	if info.Mode()&fs.ModeSymlink != 0 {
		e.Reason = "is a symbolic link, which is not followed"
		e.fix = "put " + want + " itself at " + path + " in place of the link"
	}
	return e
}

func owned(path string, info fs.FileInfo) error {
	if belongsToUs(info) {
		return nil
	}
	return &InsecureError{Path: path, Reason: "belongs to another user",
		fix: "run as the user who owns it, or set AGENTSECRETS_HOME to a directory of yours"}
}

// ShellWord makes path one word for a POSIX shell, so that a hint with it can be pasted.
func ShellWord(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,="
	if path != "" && strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// Aside is the command that puts what is at path out of the way without losing it, nor what was put aside before: to a
// name with suffix that nothing has, and with -n, since a command may be pasted again when a new file has come.
func Aside(path, suffix string) string {
	return "mv -n " + ShellWord(path) + " " + ShellWord(Unused(path+suffix))
}

// Unused is path, or with a number behind it the first that nothing has.
func Unused(path string) string {
	free := path
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); err != nil {
			return free
		}
		free = fmt.Sprintf("%s-%d", path, n)
	}
}

// Damaged is the suffix of what is no use as it is.
const Damaged = ".damaged"
