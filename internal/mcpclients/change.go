package mcpclients

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// FileError says why a client's file is left as it is.
type FileError struct {
	Path, Reason string
	client       string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s %s; it stays as it is", e.Path, e.Reason)
}

// Hint shows what would have to stand in the file.
func (e *FileError) Hint() string { return "agentsecrets mcp config --client " + e.client }

// file is a client's list as it was found.
type file struct {
	client Client
	path   string // behind symbolic links
	data   []byte
	there  bool
	mode   fs.FileMode
	alone  bool // its directory is not there either
}

func (f file) unreadable(err error) error {
	return &FileError{f.path, "cannot be read: " + err.Error(), f.client.Name}
}

// unwritten leaves a temporary file unnamed: it is gone, and nobody chose its name.
func (f file) unwritten(err error) error {
	reason := "cannot be written: " + err.Error()
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.Is(err, fs.ErrPermission): // files are put in place of others, not written into
		reason = "cannot be written: no permission to make a file in " + filepath.Dir(f.path)
	case errors.As(err, &path):
		reason = "cannot be written: " + path.Err.Error()
	case errors.As(err, &link):
		reason = "cannot be written: " + link.Err.Error()
	}
	return &FileError{f.path, reason, f.client.Name}
}

func (c Client) open() (file, error) {
	path, err := c.Path()
	if err == nil {
		path, err = behindLinks(path)
	}
	f := file{client: c, path: path, mode: 0o600}
	if err != nil {
		return f, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(path))
		f.alone = errors.Is(err, fs.ErrNotExist)
		return f, nil
	case err != nil:
		return f, f.unreadable(err)
	case !info.Mode().IsRegular():
		return f, &FileError{path, "is no file", c.Name}
	}
	f.there, f.mode = true, info.Mode().Perm()
	if f.data, err = os.ReadFile(path); err != nil {
		return f, f.unreadable(err)
	}
	return f, nil
}

// maxLinks is more than any file has before it.
const maxLinks = 40

// behindLinks is the file that path leads to, also where that is not there yet: people keep
// their settings in a repository, with links to it.
func behindLinks(path string) (string, error) {
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or nothing at all
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", fmt.Errorf("%s leads to itself", path)
}

// Change is a client's list, and what it is to become.
type Change struct {
	Path   string // of the file, behind symbolic links
	Backup string // where what was there is kept; "" if nothing was
	Found  bool   // our server was in the list
	file   file
	after  []byte
}

// Changes reports whether there is anything to write.
func (c Change) Changes() bool { return !bytes.Equal(c.file.data, c.after) }

// change makes the new text, and proves that it says what it should: our server as it is
// wanted, or not at all, and of all else what was said before.
func (c Client) change(edit func([]byte) ([]byte, error), want *Server) (Change, error) {
	f, err := c.open()
	if err != nil {
		return Change{}, err
	}
	before, err := c.format.tree(f.data)
	if err != nil {
		return Change{}, f.unreadable(err)
	}
	had, found, err := serverIn(before, c.format.key())
	if err != nil {
		return Change{}, f.unreadable(err)
	}
	change := Change{Path: f.path, Found: found, file: f, after: f.data}
	if f.there {
		change.Backup = f.path + ".agentsecrets.bak"
	}
	if want == nil && !found || want != nil && found && had.equal(*want) {
		return change, nil
	}
	if change.after, err = edit(bytes.Clone(f.data)); err != nil {
		return Change{}, &FileError{f.path, err.Error(), c.Name}
	}
	return change, c.prove(before, change, want)
}

func (c Client) prove(before map[string]any, change Change, want *Server) error {
	wrong := &FileError{change.Path, "is written in a way that this program cannot change", c.Name}
	after, err := c.format.tree(change.after)
	if err != nil {
		return wrong
	}
	got, found, err := serverIn(after, c.format.key())
	if err != nil || found != (want != nil) || found && !got.equal(*want) {
		return wrong
	}
	key := c.format.key()
	if !reflect.DeepEqual(without(before, key), without(after, key)) {
		return wrong
	}
	if had := extras(before, key); want != nil && len(had) > 0 && !reflect.DeepEqual(had, extras(after, key)) {
		return wrong
	}
	return nil
}

// Write keeps what is there, then puts the new text in its place.
func (c Change) Write() (err error) {
	if !c.Changes() {
		return nil
	}
	defer func() {
		if err != nil {
			c.leave()
		}
	}()
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		return c.file.unwritten(fmt.Errorf("make its directory: %w", err))
	}
	now, err := os.ReadFile(c.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c.file.unreadable(err)
	}
	if c.file.there != (err == nil) || !bytes.Equal(now, c.file.data) {
		return &FileError{c.Path, "was changed by somebody else just now", c.file.client.Name}
	}
	if c.Backup != "" {
		if err := atomicfile.Write(c.Backup, c.file.data, c.file.mode); err != nil {
			return c.file.unwritten(err)
		}
	}
	if err := atomicfile.Write(c.Path, c.after, c.file.mode); err != nil {
		return c.file.unwritten(err)
	}
	return nil
}

// Undo puts back what was there before Write. The copy beside it stays.
func (c Change) Undo() error {
	switch {
	case !c.Changes():
		return nil
	case c.file.there:
		return atomicfile.Write(c.Path, c.file.data, c.file.mode)
	}
	err := os.Remove(c.Path)
	c.leave()
	return err
}

// leave removes a directory that was made for nothing, if there is nothing else in it: a
// client that is not here is not to seem so.
func (c Change) leave() {
	if c.file.alone {
		_ = os.Remove(filepath.Dir(c.Path))
	}
}
