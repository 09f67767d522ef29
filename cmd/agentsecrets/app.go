package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/prompt"
	"github.com/agentsecrets/agentsecrets/internal/visible"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// app is one run of the command: its streams, its environment as it was when it
// was started, and what the flags for all commands say.
type app struct {
	stdin, stdout, stderr *os.File
	tty                   *os.File // see askThere
	environ               []string

	output                          string
	workspace, project, environment string
	noInput                         bool
	passwordFile                    string
	answers                         answers
	command                         string   // that was called, such as "agentsecrets secrets set"
	words                           []string // of the command line, with what they may hold
	answered                        bool     // something of the result is written
	progress                        *progress
}

func (a *app) variable(name string) string {
	for i := len(a.environ) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(a.environ[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// say writes one line to the user. What it quotes, such as the name of a file, may have been
// chosen by somebody who wants their terminal to do something, or be a token in a wrong place.
func (a *app) say(format string, args ...any) {
	a.progress.clear()
	fmt.Fprintln(a.stderr, visible.Text(agents.Masked(fmt.Sprintf(format, args...))))
}

func (a *app) warn(format string, args ...any) { a.say("warning: "+format, args...) }

// terminal is where to ask; what is under way is not shown over the question.
func (a *app) terminal() prompt.Terminal {
	a.progress.end()
	return a.asks()
}

func (a *app) asks() prompt.Terminal {
	t := prompt.Terminal{In: a.stdin, Out: a.stderr}
	if !t.There() && a.tty != nil {
		return prompt.Terminal{In: a.stdin, Out: a.tty, Patience: sdkPatience}
	}
	return t
}

// sdkPatience ends before the Python SDK kills us, after 30 s: who is killed leaves a
// terminal that shows nothing of what is typed.
const sdkPatience = 25 * time.Second

// askThere has questions go to the terminal itself where somebody has started us at it and
// reads what we say, as SDKs do; sudo(8) does so too. It is for questions that
// say all that is asked for: what was said before them is not seen.
func (a *app) askThere() {
	if a.tty == nil {
		if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
			a.tty = tty
		}
	}
}

// interactive reports whether there is somebody to ask.
func (a *app) interactive() bool {
	return !a.noInput && a.asks().There()
}

// home is where our state lives, if it is there a directory that others cannot
// change. Only what keeps something makes it.
func (a *app) home() (string, error) {
	home, err := env.Home()
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(home); errors.Is(err, fs.ErrNotExist) {
		return home, nil
	}
	return home, atomicfile.MkdirPrivate(home)
}

// query says what was asked for explicitly: by flag, else by variable.
func (a *app) query() (env.Query, error) {
	home, err := a.home()
	if err != nil {
		return env.Query{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return env.Query{}, &failure{code: exitFailure, err: errors.New("the directory that this shell is in is gone, or cannot be read"), hint: "cd DIRECTORY"}
	}
	return env.Query{Dir: dir, Home: home, Workspace: a.workspace, Project: a.project, Environment: a.environment}, nil
}

// where is the project and environment that a command works on, and the home.
type where struct {
	env.Context
	home  string
	store func(home string) (*homeStore, error)
}

func (a *app) where() (where, error) {
	q, err := a.query()
	if err != nil {
		return where{}, err
	}
	c, err := env.Load(q)
	if err != nil {
		return where{}, err
	}
	return where{Context: c, home: q.Home, store: a.homeStore}, sameWorkspace(q.Home, c)
}

// sameWorkspace refuses a project file that puts a project of this machine into
// another workspace: its secrets would come under rules that were not made for
// them. A program can write that file.
func sameWorkspace(home string, c env.Context) error {
	p, err := env.OpenRegistry(home).Project(c.ProjectID)
	var unknown *env.UnknownError
	switch {
	case errors.As(err, &unknown), err == nil && p.ID != c.ProjectID:
		return nil // the project came with a checkout
	case err != nil:
		return err
	case p.WorkspaceID != c.WorkspaceID:
		return &failure{
			code: exitDenied, hint: "agentsecrets project use " + p.Name,
			err: fmt.Errorf("%s puts project %s into workspace %s, to which it does not belong", c.File, c.ProjectName, c.WorkspaceName),
		}
	}
	return nil
}

// String names the project and environment to people.
func (w where) String() string { return w.ProjectName + ":" + w.Environment }

func (w where) ref(name string) resolve.Ref {
	return resolve.Ref{Project: w.ProjectID, Environment: w.Environment, Name: name}
}

// idForm keeps what a committed project file says from naming other paths.
var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// policyPath is the file that holds a workspace's rules and bindings.
func policyPath(home, workspaceID string) (string, error) {
	if !idForm.MatchString(workspaceID) {
		return "", &failure{
			code: exitFailure, hint: "agentsecrets project use NAME",
			err: fmt.Errorf("workspace_id in the project file is %q, which is not the ID of a workspace", workspaceID),
		}
	}
	return filepath.Join(home, "policy", workspaceID+".json"), nil
}

func auditDir(home string) string { return filepath.Join(home, "audit") }

// secrets is the store with its index of names.
type secrets struct {
	store *homeStore
	index *resolve.Index
}

func (w where) secrets(ctx context.Context) (secrets, error) {
	if err := w.known(); err != nil {
		return secrets{}, err
	}
	store, err := w.store(w.home)
	if err == nil {
		err = store.ready(ctx)
	}
	if err != nil {
		return secrets{}, err
	}
	s := secrets{store, index(w.home)}
	if err := s.index.Reconcile(ctx, store); err != nil {
		return secrets{}, err
	}
	return s, nil
}

// settle finishes what a crash has left half done, so that nobody lists that.
func (w where) settle(ctx context.Context) error {
	unsettled, err := index(w.home).Unsettled()
	if err != nil || !unsettled {
		return err
	}
	_, err = w.secrets(ctx)
	return err
}

// known refuses a project that came with a checkout and that nobody has made
// known here: its file alone says to which workspace, and so under which rules,
// its secrets belong, and a program can write that file.
func (w where) known() error {
	if w.ProjectID == "" {
		return nil // the proxy may be started in no project
	}
	p, err := env.OpenRegistry(w.home).Project(w.ProjectID)
	var unknown *env.UnknownError
	if err != nil && !errors.As(err, &unknown) {
		return err
	}
	if err != nil || p.ID != w.ProjectID {
		return &failure{
			code: exitFailure, hint: "agentsecrets init",
			err: fmt.Errorf("project %s is not known on this machine: its file came with a checkout", w.ProjectName),
		}
	}
	return nil
}

// workspaceKnown refuses a workspace that was deleted, or that nobody has made known
// here: it has no password, and rules for it would wait for whoever makes it known.
func (w where) workspaceKnown() error {
	known, err := env.OpenRegistry(w.home).Workspace(w.WorkspaceID)
	var unknown *env.UnknownError
	if errors.As(err, &unknown) || err == nil && known.ID != w.WorkspaceID {
		return &failure{code: exitFailure, hint: "agentsecrets init", err: &env.UnknownError{Kind: "workspace", Name: w.WorkspaceName}}
	}
	return err
}

func index(home string) *resolve.Index { return resolve.OpenIndex(filepath.Join(home, "index.json")) }

// names lists what is stored where w is.
func (w where) names() ([]string, error) {
	entries, err := index(w.home).Names(w.ProjectID, w.Environment)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	return names, nil
}

// results is where results go.
func (a *app) results() io.Writer {
	a.answered = true
	a.progress.clear()
	return a.stdout
}
