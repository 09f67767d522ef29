// Package child runs one program the way env(1) does: on the same terminal, in
// the same process group, with the same open files, ending with its code.
//
//	path, err := child.Find("curl", environ)
//	p, err := child.Start(child.Program{Path: path, Args: []string{"curl", url}, Env: environ})
//	code := p.Wait()
//
// Guarantees: signals that reach us reach the program, once each; the code is
// the program's, or 128 and the number of the signal that ended it (126: could
// not be executed, 127: not found, from Find and Start); on Linux the program's
// orphans come to us and are reaped.
package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program says what to run.
type Program struct {
	Path                  string
	Args                  []string // with the name first
	Env                   []string
	Stdin, Stdout, Stderr *os.File
}

// StartError is a program that did not come to run.
type StartError struct {
	Name string
	Code int // as env(1): 126 not executable, 127 not found
	Err  error
}

func (e *StartError) Error() string {
	if e.Code == notFound {
		return fmt.Sprintf("%s: command not found", e.Name)
	}
	err := e.Err
	var path *fs.PathError // whose words are "fork/exec" and the path once more
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Sprintf("%s: cannot be executed: %v", e.Name, err)
}

func (e *StartError) Unwrap() error { return e.Err }

// Codes of env(1).
const (
	notExecutable = 126
	notFound      = 127
)

const separator = string(os.PathSeparator)

// Find looks name up in the PATH of environ, which is the program's, not ours.
func Find(name string, environ []string) (string, error) {
	if name == "" {
		return "", &StartError{Name: `""`, Code: notFound, Err: fs.ErrNotExist}
	}
	if strings.Contains(name, separator) {
		return name, nil // Start finds out what is wrong with it
	}
	var refused error
	for _, dir := range filepath.SplitList(variable(environ, "PATH")) {
		if dir == "" {
			dir = "." // as execvp(3)
		}
		// Join would lose the "./" that keeps LookPath from searching our PATH.
		path, err := exec.LookPath(strings.TrimSuffix(dir, separator) + separator + name)
		if err == nil {
			return path, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			refused = err
		}
	}
	if refused != nil {
		return "", &StartError{Name: name, Code: notExecutable, Err: refused}
	}
	return "", &StartError{Name: name, Code: notFound, Err: fs.ErrNotExist}
}

func variable(environ []string, name string) string {
	value := ""
	for _, kv := range environ { // the last one counts, as in os/exec
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			value = v
		}
	}
	return value
}

// startError tells not found from not executable.
func startError(p Program, err error) error {
	e := &StartError{Name: p.Args[0], Code: notExecutable, Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Code = notFound
	}
	return e
}
