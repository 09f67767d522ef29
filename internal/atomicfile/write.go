// Package atomicfile keeps small private files that a crash cannot tear.
//
//	err := atomicfile.MkdirPrivate(dir)
//	unlock, err := atomicfile.Lock(filepath.Join(dir, "state.lock"))
//	defer unlock()
//	data, err := atomicfile.ReadPrivate(path)
//	err = atomicfile.Keep(path, path+".bak")
//	err = atomicfile.Write(path, change(data), 0o600)
//
// Guarantees: whoever reads a path, or finds it after a crash or a power cut,
// has the old content or the new one, whole; what Write has acknowledged is on
// the disk; no symbolic link is followed in the last element of a path; a file
// that others can read is not taken for a private one.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// leftoverAge is when a temporary file can only be that of a dead writer: a live one needs milliseconds.
const leftoverAge = time.Hour

// Write makes data the content of path, with perm whatever the umask and the time as exact as the file system keeps
// it, so that inode, time and size tell any two contents apart. It refuses a path that is a symbolic link or
// anything else but a file: rename would silently replace the link and part it from what it pointed to.
func Write(path string, data []byte, perm fs.FileMode) error {
	if err := replaceable(path); err != nil {
		return err
	}
	sweep(path)
	temp, err := writeTemp(path, data, perm)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return fmt.Errorf("write %s: %w", path, err)
	}
	// The new name is only in memory until the directory is on the disk too (fsync(2), "Calling fsync() does not…").
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: sync its directory: %w", path, err)
	}
	return nil
}

// Keep gives the content of path the name as too, in place of what has that name, so that it outlives the next Write
// of path. That Write also puts the name on the disk, if it is in the same directory.
func Keep(path, as string) error {
	if err := replaceable(as); err != nil {
		return err
	}
	temp, err := unusedName(as)
	if err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	// Not only for failures: rename does nothing, and leaves both, where two names are of one file already (rename(2)).
	defer os.Remove(temp)
	if err := os.Link(path, temp); err != nil {
		return copyTo(path, as) // a file system without hard links
	}
	if err := os.Rename(temp, as); err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	return nil
}

func copyTo(path, as string) error {
	data, err := ReadPrivate(path)
	if err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	return Write(as, data, 0o600)
}

// unusedName is a name for a link, which unlike a file cannot be made with a name that is found on the way.
func unusedName(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempName(path))
	if err != nil {
		return "", err
	}
	return f.Name(), errors.Join(f.Close(), os.Remove(f.Name()))
}

func replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write %s: %w", path, err)
	}
	return regular(path, info)
}

// tempName is the pattern of path's temporary files for os.CreateTemp and filepath.Match.
func tempName(path string) string { return "." + filepath.Base(path) + ".tmp-*" }

// writeTemp leaves data, synced, in a new file beside path: rename is atomic only within a file system.
func writeTemp(path string, data []byte, perm fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempName(path)) // O_EXCL and 0600: nothing planted is followed
	if err != nil {
		return "", err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return "", err
	}
	if err := f.Chmod(perm); err != nil {
		return "", err
	}
	// The kernel stamps files with the time of its last tick, some milliseconds ago: too coarse to tell two contents
	// apart where an inode is used again at once.
	if now := time.Now(); os.Chtimes(f.Name(), now, now) != nil {
		return "", fmt.Errorf("set the time of %s", f.Name())
	}
	return f.Name(), f.Sync()
}

// sweep removes what writers of path left behind when they were killed. Failing to is no reason not to write.
func sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, e := range entries {
		if ours, err := filepath.Match(tempName(path), e.Name()); err != nil || !ours {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > leftoverAge {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}
