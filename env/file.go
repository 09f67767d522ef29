package env

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// File is a project file. It is safe to commit: it holds names and IDs. Fields
// that this program does not know are kept.
type File struct {
	ProjectID, ProjectName, Description string
	Environment                         string
	WorkspaceID, WorkspaceName          string
	LastPull, LastPush                  string
	StorageMode                         string
	ServerURL                           string

	all object // as read
}

const maxFile = 1 << 20

// entry ties a field of File to its name in JSON.
type entry struct {
	name  string
	text  *string
	check func(string) error // of a text that is not empty; nil: any
	loose bool               // other programs write other types than strings; such a value is kept and not understood
}

func (f *File) entries() []entry {
	return []entry{
		{"project_id", &f.ProjectID, validID, false},
		{"project_name", &f.ProjectName, validName, false},
		{"description", &f.Description, nil, false},
		{"environment", &f.Environment, ValidEnvironment, false},
		{"workspace_id", &f.WorkspaceID, validID, false},
		{"workspace_name", &f.WorkspaceName, validName, false},
		{"last_pull", &f.LastPull, nil, true},
		{"last_push", &f.LastPush, nil, true},
		{"storage_mode", &f.StorageMode, nil, true},
		{"server_url", &f.ServerURL, nil, false},
	}
}

// ReadFile reads a project file. One that cannot be used is a *CorruptError.
func ReadFile(path string) (File, error) {
	b, err := readSmall(path, maxFile)
	if err != nil {
		return File{}, fmt.Errorf("read project file: %w", err)
	}
	f, err := parseFile(b)
	if err != nil {
		return File{}, &CorruptError{
			Path: path, Err: err,
			hint: "repair it or bring it back from version control; or move it away and run agentsecrets init",
		}
	}
	return f, nil
}

func parseFile(b []byte) (File, error) {
	var f File
	var err error
	if f.all, err = parseObject(b); err != nil {
		return File{}, err
	}
	for _, e := range f.entries() {
		if *e.text, err = f.all.text(e.name); err != nil && !e.loose {
			return File{}, err
		}
		if *e.text == "" || e.check == nil {
			continue
		}
		if err := e.check(*e.text); err != nil {
			return File{}, fmt.Errorf("field %s: %w", e.name, err)
		}
	}
	return f, nil
}

// WriteFile writes f to path, in a directory that is made where it is missing.
// Fields stand in the order in which they were read; empty new ones are left out.
func WriteFile(path string, f File) error {
	all := slices.Clone(f.all)
	for _, e := range f.entries() {
		if was, _ := all.text(e.name); was == *e.text {
			continue // also null, and what is not understood
		}
		if err := all.set(e.name, *e.text); err != nil {
			return fmt.Errorf("write project file: %w", err)
		}
	}
	b, err := all.bytes()
	if err != nil {
		return fmt.Errorf("write project file: %w", err)
	}
	if err := parsesAs(b); err != nil {
		return fmt.Errorf("write project file: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write project file: %w", err)
	}
	return atomicfile.Write(path, b, 0o644)
}

// parsesAs refuses to write what we could not read again.
func parsesAs(b []byte) error {
	_, err := parseFile(b)
	return err
}

// readSmall reads a file that may be anybody's: a pipe would hold us up, and a
// device never end.
func readSmall(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is not a file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d MiB", most>>20)}
	}
	return b, err
}
