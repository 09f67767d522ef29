package env

import (
	"fmt"
	"strings"
)

// ErrNoProject says that neither a flag nor a project file names a project.
var ErrNoProject error = noProject{}

type noProject struct{}

func (noProject) Error() string {
	return "no project here: there is no .agentsecrets/project.json in this directory or above it"
}

func (noProject) Hint() string { return "agentsecrets init" }

// errNoHome: without a home there is no place for our own state either.
var errNoHome error = noHome{}

type noHome struct{}

func (noHome) Error() string { return "it is not known where to keep anything: HOME is not set" }
func (noHome) Hint() string  { return "export AGENTSECRETS_HOME=DIRECTORY" }

// CorruptError says that a file cannot be used as it is. It was left so.
type CorruptError struct {
	Path string
	Err  error
	hint string

	command string // that gets on without a backup, "" if none does
}

func (e *CorruptError) Error() string { return fmt.Sprintf("%s cannot be used: %v", e.Path, e.Err) }
func (e *CorruptError) Unwrap() error { return e.Err }

// Hint says how to get on.
func (e *CorruptError) Hint() string {
	if e.command != "" {
		return e.hint + ": " + e.command
	}
	return e.hint
}

// Command gets on without a backup; "" if none does.
func (e *CorruptError) Command() string { return e.command }

// UnknownError says that there is no workspace or project of a name.
type UnknownError struct {
	Kind string // "workspace" or "project"
	Name string
	near string // what may have been meant
}

func (e *UnknownError) Error() string {
	text := fmt.Sprintf("%s: there is no %s %q", e.Slug(), e.Kind, e.Name)
	if e.near != "" {
		text += fmt.Sprintf("; did you mean %q?", e.near)
	}
	return text
}

// Slug is the short name of the error for programs.
func (e *UnknownError) Slug() string { return e.Kind + "_not_found" }

// Hint is the command that shows which there are, or makes this project. It makes no
// workspace: init would have this folder use another one, of other rules and without a
// password, for a name that was mistyped.
func (e *UnknownError) Hint() string {
	plain := strings.Trim(strings.ToLower(e.Name), lower+digits+"_-.") == "" && !strings.HasPrefix(e.Name, "-")
	if e.Kind == "project" && plain && e.Name != "" && e.near == "" {
		return "agentsecrets project create " + e.Name
	}
	return "agentsecrets " + e.Kind + " list"
}
