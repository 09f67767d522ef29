// Package rundir is the directory of one run, in the directory for temporary files.
//
//	dir, err := rundir.New()
//	defer dir.Remove()
//	… // what the run's program is to read, in dir.Path()
//
//	left, err := rundir.Left() // by runs that were killed
//	for _, path := range left {
//		err = rundir.RemoveLeft(path)
//	}
//
// Guarantees: only its user can look into it; it is held by a lock for as long as its run lives, which the kernel takes
// away however that ends, so that what is left is told by the lock and never by a number of a process; nothing is
// removed that another user owns, that is no directory, or whose run lives; what cannot be removed keeps its lock, and
// is found again.
package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	prefix = "agentsecrets-run-"
	lock   = "run.lock"
	// beginning is how long a directory may be there before its lock is held.
	beginning = time.Minute
)

// Dir is the directory of a run that lives.
type Dir struct {
	path string
	lock *flock.Flock
}

// New makes one, which nobody else has.
func New() (*Dir, error) {
	base, err := base()
	if err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(base, prefix) // 0700
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lockIn(path)}
	held, err := d.lock.TryLock()
	if err == nil && !held {
		err = errors.New("another process holds the lock of a new directory")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("hold %s: %w", path, err), os.RemoveAll(path))
	}
	return d, nil
}

// Path is absolute.
func (d *Dir) Path() string { return d.path }

// Remove takes the directory away with all that is in it. What is left where that fails is found as left.
func (d *Dir) Remove() error { return remove(d.path, d.lock) }

// tries is how often a directory is emptied that is written to meanwhile: what a run has left behind may go on.
const tries = 3

// remove takes the lock away last, and puts it back if something new is there by then: by the lock alone what is
// left is told.
func remove(path string, held *flock.Flock) error {
	for range tries {
		if err := empty(path); err != nil {
			return errors.Join(err, held.Close())
		}
		err := errors.Join(held.Close(), gone(os.Remove(filepath.Join(path, lock)))) // closed: elsewhere an open file stays
		if err != nil {
			return err
		}
		if err = gone(os.Remove(path)); err == nil {
			return nil
		}
		held = lockIn(path)
		if took, lockErr := held.TryLock(); lockErr != nil || !took {
			return errors.Join(err, lockErr, held.Close())
		}
	}
	return errors.Join(fmt.Errorf("remove %s: something goes on writing there", path), held.Close())
}

// empty removes all but the lock.
func empty(path string) error {
	entries, err := os.ReadDir(path)
	all := []error{gone(err)}
	for _, e := range entries {
		if e.Name() != lock {
			all = append(all, os.RemoveAll(filepath.Join(path, e.Name())))
		}
	}
	return errors.Join(all...)
}

// gone is err, but for what somebody else has removed.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// lockIn is the lock of a directory, which is made.
func lockIn(path string) *flock.Flock {
	return flock.New(filepath.Join(path, lock), flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
}

// Left are the directories of our own user whose runs have ended without taking them away.
func Left() ([]string, error) {
	base, err := base()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) { // no run could begin there
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for what runs have left: %w", err)
	}
	var left []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		path := filepath.Join(base, e.Name())
		if held, err := hold(path); err == nil {
			left = append(left, path)
			held.Close()
		}
	}
	return left, nil
}

// RemoveLeft takes away one of those that Left found. It is no error if it is gone.
func RemoveLeft(path string) error {
	if !strings.HasPrefix(filepath.Base(path), prefix) {
		return fmt.Errorf("%s is no directory of a run", path)
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	held, err := hold(path)
	if err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return remove(path, held)
}

var errLives = errors.New("its run lives, or has only just begun")

// hold takes the lock of a directory that no run has any more.
func hold(path string) (*flock.Flock, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || !ours(info) {
		return nil, errors.New("it is no directory of our user")
	}
	if time.Since(info.ModTime()) < beginning {
		return nil, errLives
	}
	l := flock.New(filepath.Join(path, lock), flock.SetFlag(os.O_RDWR|noFollow)) // one without a lock is not told
	held, err := l.TryLock()
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, errors.Join(errLives, l.Close())
	}
	return l, nil
}

// base is where directories for runs are: TMPDIR may be relative, what variables name may not.
func base() (string, error) { return filepath.Abs(os.TempDir()) }
