package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// OpenFile prepares the log in the file at path, which processes may share as
// they share that of calls. Its directory has to be there, and the file, if it
// is, has to be a private one of ours: a link, or a file that others can read
// or write, is refused here and not with the first event.
func OpenFile(path string, c Config) (*Log, error) {
	l, err := newLog(path, c)
	if err != nil {
		return nil, err
	}
	l.share()
	l.file.makeDir = false
	if err := keepable(l.file.path); err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return l, nil
}

func keepable(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if shared := info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0; shared && checksModes {
		return &DirError{Path: dir}
	}
	h, err := atomicfile.OpenPrivate(path, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.Close()
}

// DirError says that others could put another file in place of a log in Path.
type DirError struct{ Path string }

func (e *DirError) Error() string { return e.Path + " can be changed by other users" }

// Hint is what to do about it.
func (e *DirError) Hint() string { return "chmod go-w " + atomicfile.ShellWord(e.Path) }
