package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/prompt"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Exit codes of everything but run, whose codes are env(1)'s.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitDenied      = 3
	exitNotFound    = 4
	exitUnreachable = 5

	exitInterrupted = 130 // as of a program that Ctrl-C ended
)

// failure is an error that chose its exit code, and perhaps a hint.
type failure struct {
	code  int
	err   error
	hint  string
	quiet bool // it has been told already
	usage bool // the command line is wrong
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// hinter is any error that knows the command that would fix it.
type hinter interface{ Hint() string }

// Hint is ours, else that of what we wrap.
func (f *failure) Hint() string {
	var inner hinter
	if f.hint == "" && errors.As(f.err, &inner) {
		return inner.Hint()
	}
	return f.hint
}

func usage(format string, args ...any) *failure {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...), usage: true}
}

func denied(hint, format string, args ...any) *failure {
	return &failure{code: exitDenied, err: fmt.Errorf(format, args...), hint: hint}
}

func exitCode(err error) int {
	var f *failure
	var d *allowlist.DeniedError
	var n *resolve.NameError
	var i *prompt.InterruptedError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &i):
		return exitInterrupted
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &d):
		return exitDenied
	case errors.As(err, &n), errors.Is(err, env.ErrName):
		return exitUsage
	case errors.Is(err, resolve.ErrNotFound):
		return exitNotFound
	case errors.Is(err, daemon.ErrNotRunning):
		return exitUnreachable
	}
	return exitFailure
}

// report tells what was wrong, then the command that would fix it.
func (a *app) report(err error) {
	var f *failure
	var i *prompt.InterruptedError // whoever pressed Ctrl-C knows
	if errors.As(err, &f) && f.quiet || errors.As(err, &i) && !errors.Is(err, context.DeadlineExceeded) {
		return
	}
	a.say("agentsecrets: %v", err)
	if hint := a.hintFor(err); hint != "" {
		a.say("hint: %s", hint)
	}
}

// hintFor is the command that would fix err. What was used wrongly says at least how
// it is used.
func (a *app) hintFor(err error) string {
	if aside := putOutOfTheWay(err); aside != "" {
		return aside // nothing else helps before
	}
	var h hinter
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	if exitCode(err) == exitUsage || wrongUse(err) {
		return a.command + " --help"
	}
	return ""
}

// putOutOfTheWay is the command that puts aside what stands at the path of a file or directory of
// ours and is something else: there it is made anew, or found missing by name. What a command line names is left.
func putOutOfTheWay(err error) string {
	var e *atomicfile.InsecureError
	var p *fs.PathError
	path := ""
	switch {
	case errors.As(err, &e) && e.Other:
		path = e.Path
	case errors.As(err, &p) && (errors.Is(p, syscall.EISDIR) || errors.Is(p, syscall.ENOTEMPTY)):
		path = p.Path
	case errors.As(err, &p) && errors.Is(p, syscall.ENOTDIR):
		for path = filepath.Dir(p.Path); missing(path) && path != filepath.Dir(path); {
			path = filepath.Dir(path)
		}
	}
	home, err := env.Home()
	if err != nil || !strings.HasPrefix(path, home+string(filepath.Separator)) {
		return ""
	}
	return atomicfile.Aside(path, atomicfile.Damaged)
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return err != nil
}

// wrongUse also where run ends with a code of env(1).
func wrongUse(err error) bool {
	for f := (*failure)(nil); errors.As(err, &f); err = f.err {
		if f.usage {
			return true
		}
	}
	return false
}

// missingSecret is how every part of the product says it; SDKs look for the words.
func missingSecret(name, project, environment string) string {
	return fmt.Sprintf("secret '%s' not found in keychain or vault of project %s, environment %s", name, project, environment)
}

func notStored(w where, name string) *failure {
	return &failure{
		code: exitNotFound, hint: "agentsecrets secrets set " + name,
		err: errors.New(missingSecret(name, w.ProjectName, w.Environment)),
	}
}
