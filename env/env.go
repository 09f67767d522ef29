// Package env says which workspace, project and environment a command works
// on, and makes the environment variables of a program that runs behind the proxy.
//
//	c, err := env.Load(env.Query{Dir: dir, Home: home, Environment: flag})
//	if errors.Is(err, env.ErrNoProject) {
//		… // agentsecrets init
//	}
//	vars, notices, err := env.Child{Environ: os.Environ(), ProxyURL: run.URL(addr), CA: a.PEM(), …}.Vars()
//	cmd.Env = vars
//
// Guarantees: files are replaced whole, keep fields that this program does not
// know, and are never overwritten when they cannot be read; an ID or a name
// that comes from a file can name no path and move no cursor; the variables of
// a child hold placeholders and paths, and no value.
package env

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Context is where a command works.
type Context struct {
	WorkspaceID, WorkspaceName string
	ProjectID, ProjectName     string
	Environment                string
	File                       string // that says so; "" where a flag or variable chose another project
}

// Query says where a command was started, and what its flags and variables ask
// for: names or IDs, "" for what the project file says.
type Query struct {
	Dir, Home                       string
	Workspace, Project, Environment string
}

// Load finds the project file in q.Dir or above it, and what q asks for beside
// it. With ErrNoProject the Context still tells the workspace, where there is one.
func Load(q Query) (Context, error) {
	c, err := q.fromFile()
	if err != nil {
		return Context{}, err
	}
	if err := q.chooseWorkspace(&c); err != nil {
		return Context{}, err
	}
	if err := q.chooseProject(&c); err != nil {
		return Context{}, err
	}
	if q.Environment != "" {
		if err := ValidEnvironment(q.Environment); err != nil {
			return Context{}, err
		}
	}
	c.Environment = cmp.Or(q.Environment, c.Environment, development)
	if c.ProjectID == "" {
		return c, ErrNoProject
	}
	return c, nil
}

func (q Query) fromFile() (Context, error) {
	path, err := find(q.Dir)
	if err != nil || path == "" {
		return Context{}, err
	}
	f, err := ReadFile(path)
	if err != nil {
		return Context{}, err
	}
	return Context{
		WorkspaceID: f.WorkspaceID, WorkspaceName: f.WorkspaceName, ProjectID: f.ProjectID, ProjectName: f.ProjectName,
		Environment: f.Environment, File: path,
	}, nil
}

// find walks up to the next project file; "" where there is none.
func find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find project file: %w", err)
	}
	for {
		path := filepath.Join(dir, ".agentsecrets", "project.json")
		_, err := os.Lstat(path)
		switch {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return "", fmt.Errorf("find project file: %w", err) // one that is hidden from us must not give way to one above it
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// chooseWorkspace prefers what was asked for; without a project file the
// current workspace counts.
func (q Query) chooseWorkspace(c *Context) error {
	r := OpenRegistry(q.Home)
	switch q.Workspace {
	case "":
		if c.File != "" {
			return nil
		}
		w, err := r.Current()
		c.WorkspaceID, c.WorkspaceName = w.ID, w.Name
		return err
	case c.WorkspaceID, c.WorkspaceName:
		return nil
	}
	w, err := r.Workspace(q.Workspace)
	if err == nil && w.ID == c.WorkspaceID { // the file says an old name of it
		c.WorkspaceName = w.Name
		return nil
	}
	*c = Context{WorkspaceID: w.ID, WorkspaceName: w.Name} // the file's project is none of this workspace
	return err
}

// chooseProject prefers what was asked for. A name counts in the workspace at
// hand only, an ID everywhere unless a workspace was asked for too.
func (q Query) chooseProject(c *Context) error {
	if q.Project == "" || q.Project == c.ProjectID || q.Project == c.ProjectName {
		return nil
	}
	s, err := OpenRegistry(q.Home).read()
	if err != nil {
		return err
	}
	unknown := s.unknownProject(q.Project, c.WorkspaceID)
	p, ok := s.project(func(p Project) bool {
		return p.ID == q.Project && (q.Workspace == "" || p.WorkspaceID == c.WorkspaceID)
	})
	if !ok {
		p, ok = s.project(func(p Project) bool { return p.Name == q.Project && p.WorkspaceID == c.WorkspaceID })
	}
	if !ok {
		return unknown
	}
	if p.WorkspaceID != c.WorkspaceID {
		w, ok := s.workspace(p.WorkspaceID)
		if !ok {
			return unknown
		}
		c.WorkspaceID, c.WorkspaceName = w.ID, w.Name
	}
	*c = Context{WorkspaceID: c.WorkspaceID, WorkspaceName: c.WorkspaceName, ProjectID: p.ID, ProjectName: p.Name}
	return nil
}

// Switch makes environment the one that the project file names.
func Switch(file, environment string) error {
	if err := ValidEnvironment(environment); err != nil {
		return err
	}
	f, err := ReadFile(file)
	if err != nil {
		return err
	}
	f.Environment = environment
	return WriteFile(file, f)
}

// Home is where our state lives: $AGENTSECRETS_HOME, else ~/.agentsecrets.
func Home() (string, error) {
	home := os.Getenv("AGENTSECRETS_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", errNoHome
		}
		home = filepath.Join(user, ".agentsecrets")
	}
	home, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("find home directory: %w", err)
	}
	return home, nil
}
