package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
)

func (a *app) initCommand() *cobra.Command {
	var store string
	var pp passphraseFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Set up a workspace, a project here, and the store; again does no harm",
		Example: `  agentsecrets init
  agentsecrets init --workspace acme --project pay
  agentsecrets init --no-input --store file --password-file password.txt`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.init(cmd.Context(), store, pp) },
	}
	cmd.Flags().StringVar(&store, "store", "", "where values are kept: keychain or file (default the keychain, where one answers)")
	a.passwordFlag(cmd)
	cmd.Flags().BoolVar(&pp.wanted, "passphrase", false, "keep the key of the file store under a passphrase, which is asked for")
	passphraseFileFlag(cmd, &pp.file)
	a.completeFlag(cmd, "store", func() ([]string, error) { return []string{storeKeychain, storeFile}, nil })
	return cmd
}

// setup is what init found or made.
type setup struct {
	q         env.Query
	path      string // of the project file
	file      env.File
	workspace env.Workspace
	project   env.Project
	password  bool // the workspace has one
}

func (a *app) init(ctx context.Context, store string, pp passphraseFlags) error {
	if err := validStore(store, "agentsecrets init --store keychain"); err != nil {
		return err
	}
	if pp.any() && store == storeKeychain {
		return usage("a passphrase is for a store in a file: leave --store keychain away, or --passphrase")
	} else if pp.any() {
		store = storeFile
	}
	if pp.wanted && pp.file == "" && !a.interactive() {
		f := usage("--passphrase asks on a terminal, and there is none: give --passphrase-file")
		f.hint = "agentsecrets init --passphrase-file F"
		return f
	}
	if err := outsideRun("setting up a project"); err != nil {
		return err
	}
	pw, err := a.readPasswordFile()
	if err != nil {
		return err
	}
	home, err := a.home()
	if err == nil {
		err = readyForInit(home)
	}
	if err != nil {
		return err
	}
	s, err := a.place(ctx)
	if err != nil {
		return err
	}
	if store, err = a.chooseStore(ctx, s.q.Home, store); err != nil {
		return err
	}
	if store == storeFile {
		if err := a.createFile(ctx, s.q.Home, pp); err != nil {
			return err
		}
	}
	if err := env.OpenRegistry(s.q.Home).Adopt(s.workspace, s.project); err != nil {
		return err
	}
	before := s.file
	if err := s.record(store); err != nil {
		return err
	}
	if before.ProjectID != "" && before.ProjectID != s.project.ID {
		a.say("note: this folder used project %s of workspace %s before, which is kept: agentsecrets project use %s --workspace %s",
			before.ProjectName, before.WorkspaceName, before.ProjectID, before.WorkspaceID)
	}
	if err := a.setPassword(ctx, s, pw); err != nil {
		return err
	}
	return a.sum(s)
}

// place finds or makes workspace and project, asking for names that neither a
// flag nor the project file says.
func (a *app) place(ctx context.Context) (*setup, error) {
	q, err := a.query()
	if err != nil {
		return nil, err
	}
	s := &setup{q: q}
	if s.path, s.file, err = projectFile(q); err != nil {
		return nil, err
	}
	above := filepath.Dir(filepath.Dir(s.path)) != q.Dir
	if above && !means(q.Project, s.file.ProjectID, s.file.ProjectName) { // another project, which gets a file of its own
		s.path, s.file, _ = newProjectFile(q.Dir)
	}
	if err := a.placeWorkspace(ctx, s); err != nil {
		return nil, err
	}
	if err := s.readable(); err != nil {
		return nil, err
	}
	return s, a.placeProject(ctx, s)
}

// means reports whether asked, if anything was asked for, is what is there. A
// file that came with a checkout names what this machine has not heard of: that
// is there too.
func means(asked, id, name string) bool {
	return id != "" && (asked == "" || asked == id || asked == name)
}

func (a *app) placeWorkspace(ctx context.Context, s *setup) error {
	f := s.file
	if means(s.q.Workspace, f.WorkspaceID, f.WorkspaceName) {
		s.workspace = env.Workspace{ID: f.WorkspaceID, Name: f.WorkspaceName}
		return nil
	}
	reg := env.OpenRegistry(s.q.Home)
	current, err := reg.Current()
	if err != nil {
		return err
	}
	name, err := a.nameOf(ctx, "Workspace", s.q.Workspace, cmp.Or(current.Name, "personal"))
	if err != nil {
		return err
	}
	s.workspace, err = reg.EnsureWorkspace(name)
	return err
}

func (a *app) placeProject(ctx context.Context, s *setup) error {
	f := s.file
	if s.workspace.ID == f.WorkspaceID && means(s.q.Project, f.ProjectID, f.ProjectName) {
		s.project = env.Project{ID: f.ProjectID, Name: f.ProjectName, Description: f.Description}
		return nil
	}
	name, err := a.nameOf(ctx, "Project", s.q.Project, filepath.Base(s.q.Dir))
	if err != nil {
		return err
	}
	s.project, err = env.OpenRegistry(s.q.Home).EnsureProject(s.workspace.ID, name, "")
	return err
}

// nameOf is what was asked for, else an answer, else the preset.
func (a *app) nameOf(ctx context.Context, what, asked, preset string) (string, error) {
	if asked == "" && a.interactive() {
		return a.terminal().Line(ctx, what, preset)
	}
	return cmp.Or(asked, preset), nil
}

// record writes the project file, unless it says all this already.
func (s *setup) record(store string) error {
	f := s.file
	f.WorkspaceID, f.WorkspaceName = s.workspace.ID, s.workspace.Name
	f.ProjectID, f.ProjectName, f.Description = s.project.ID, s.project.Name, s.project.Description
	f.StorageMode = store
	if s.q.Environment != "" {
		if err := env.ValidEnvironment(s.q.Environment); err != nil {
			return usage("%w", err)
		}
		f.Environment = s.q.Environment
	}
	s.file = f
	return env.WriteFile(s.path, f)
}

// sum is the one screen that init ends with.
func (a *app) sum(s *setup) error {
	lock, err := fileLock(s.q.Home)
	if err != nil {
		return err
	}
	v := map[string]any{
		"workspace":   map[string]string{"id": s.workspace.ID, "name": s.workspace.Name},
		"project":     map[string]string{"id": s.project.ID, "name": s.project.Name},
		"environment": s.file.Environment, "file": s.path, "store": s.file.StorageMode, "password": s.password,
		"passphrase": lock.Passphrase,
	}
	return a.print(v, func(out io.Writer) {
		fmt.Fprintf(out, "Workspace:   %s\nProject:     %s (%s)\nEnvironment: %s\n", s.workspace.Name, s.project.Name, s.path, s.file.Environment)
		fmt.Fprintf(out, "Store:       %s\n", inWhich(s.file.StorageMode, s.q.Home, lock))
		if s.password {
			fmt.Fprintln(out, "Password:    set; changes to what is allowed ask for it")
		} else {
			fmt.Fprintf(out, "Password:    none; changes to what is allowed ask yes or no on a terminal (%s sets one)\n", setPassword)
		}
		fmt.Fprintln(out, "\nNext: agentsecrets secrets set NAME")
	})
}
