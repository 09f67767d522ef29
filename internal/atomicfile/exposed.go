package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxLooked bounds a look at a directory that has become something else than ours.
const maxLooked = 50_000

// Exposure is a file or a directory that somebody else can read or change.
type Exposure struct {
	*InsecureError
	Changeable bool // by others, or it is not what should be there: what it says is not believed
	Tightens   bool // Tighten puts it right
}

// Exposed names what is wrong with dir and all that is below it, which is to be its owner's alone, and counts what it
// looked at. Others may read files for which public says so; nil: none. Links are not followed.
func Exposed(dir string, public func(path string) bool) (found []Exposure, looked int, err error) {
	if !checksModes {
		return nil, 0, nil
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if looked++; looked > maxLooked {
			return fmt.Errorf("look at %s: there is too much in it", dir)
		}
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		if err != nil {
			return err
		}
		if x, ok := exposure(path, info, public != nil && public(path)); ok {
			found = append(found, x)
		}
		return nil
	})
	return found, looked, err
}

func exposure(path string, info fs.FileInfo, public bool) (Exposure, bool) {
	wrong := func(err error, tightens, changeable bool) (Exposure, bool) {
		var e *InsecureError
		if !errors.As(err, &e) {
			return Exposure{}, false
		}
		return Exposure{InsecureError: e, Tightens: tightens, Changeable: changeable}, true
	}
	if err := owned(path, info); err != nil {
		return wrong(err, false, true)
	}
	perm, excess := info.Mode().Perm(), info.Mode().Perm()&forbidden(public)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return wrong(regular(path, info), false, true)
	case !info.IsDir() && !info.Mode().IsRegular(): // a socket, which its directory keeps
		return Exposure{}, false
	case excess == 0:
		return Exposure{}, false
	}
	return wrong(&InsecureError{
		Path: path, Reason: fmt.Sprintf("is open to other users (mode %04o)", perm), fix: fmt.Sprintf("chmod %04o %s", perm&^excess, ShellWord(path)),
	}, true, excess&0o022 != 0)
}

// forbidden is what others may not do.
func forbidden(public bool) fs.FileMode {
	if public {
		return 0o022
	}
	return 0o077
}

// Tighten takes from others what they may do with path, a file or a directory of ours, but for reading it where it is
// public. It gives nothing to anybody.
func Tighten(path string, public bool) error {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return fmt.Errorf("tighten: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = owned(path, info)
	}
	if err == nil && !info.IsDir() {
		err = regular(path, info)
	}
	if err != nil {
		return err
	}
	if err := f.Chmod(info.Mode().Perm() &^ forbidden(public)); err != nil {
		return fmt.Errorf("tighten: %w", err)
	}
	return nil
}

// Leftovers names the files below dir that writers left there when they were killed: temporary ones of Write, and those
// whose names begin with one of also, that are older than any writer needs.
func Leftovers(dir string, also ...string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !e.Type().IsRegular() || !temporary(e.Name(), also) {
			return nil
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > leftoverAge {
			found = append(found, path)
		}
		return nil
	})
	return found, err
}

func temporary(name string, also []string) bool {
	for _, prefix := range also {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasPrefix(name, ".") && strings.Contains(name, ".tmp-")
}
