package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/password"
)

func (a *app) workspacePasswordCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "password",
		Short: "Give the workspace a password, or another one",
		Long: `Give the workspace a password, or another one in place of it: that one is asked for,
or read from --password-file. There is no way back to a workspace whose password is
forgotten: make another one. In a run this is refused.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.changePassword(cmd.Context(), file) },
	}
	a.passwordFlag(cmd)
	cmd.Flags().StringVar(&file, "new-password-file", "", "file whose first line is the new one")
	return cmd
}

func (a *app) changePassword(ctx context.Context, newFile string) error {
	if newFile == "" && !a.interactive() {
		f := usage("the new password is asked for on a terminal, and there is none: give --new-password-file")
		f.hint = "agentsecrets workspace password … --new-password-file F"
		return f
	}
	w, err := a.thisWorkspace()
	if err == nil {
		err = w.workspaceKnown()
	}
	if err != nil {
		return err
	}
	before, err := a.mayChange(ctx, w, "changing the password", change("password", ""))
	if err != nil {
		return err
	}
	pw, err := a.newPassword(ctx, w.WorkspaceName, newFile)
	if err != nil {
		return err
	}
	verifier, err := password.Hash(pw)
	if err != nil {
		return err
	}
	if err := w.updatePolicy(func(p *allowlist.Policy) error {
		if p.Password != before.Password {
			return errors.New("somebody else changed the password just now")
		}
		p.Note(change("password", ""))
		p.Password = verifier
		return nil
	}); err != nil {
		return err
	}
	a.say("Workspace %s has a new password.", w.WorkspaceName)
	return a.print(map[string]any{"workspace": map[string]string{"id": w.WorkspaceID, "name": w.WorkspaceName}, "password": true}, func(io.Writer) {})
}

// newPassword is read from file, else asked for twice.
func (a *app) newPassword(ctx context.Context, workspace, file string) ([]byte, error) {
	if file != "" {
		if password.Exposed(file) {
			a.warn("other users may read %s", file)
		}
		return password.ReadFile(file)
	}
	pw, err := a.askTwice(ctx, "New password for changes to workspace "+workspace+": ")
	if err == nil && len(pw) == 0 {
		err = errors.New("nothing was typed")
	}
	if errors.Is(err, errDiffer) || len(pw) == 0 && err != nil && ctx.Err() == nil {
		return nil, &failure{code: exitFailure, hint: a.command, err: fmt.Errorf("the password stays as it was: %w", err)}
	}
	return pw, err
}

// thisWorkspace is the one that was asked for, else that of the project here, else
// the current one.
func (a *app) thisWorkspace() (where, error) {
	q, w, err := a.inWorkspace()
	return where{Context: env.Context{WorkspaceID: w.ID, WorkspaceName: w.Name}, home: q.Home, store: a.homeStore}, err
}

// namedWorkspace finds one of this machine by its name or ID.
func (a *app) namedWorkspace(name string) (where, error) {
	q, err := a.query()
	if err != nil {
		return where{}, err
	}
	w, err := env.OpenRegistry(q.Home).Workspace(name)
	return where{Context: env.Context{WorkspaceID: w.ID, WorkspaceName: w.Name}, home: q.Home, store: a.homeStore}, err
}

// mayChange wants the password for what, and returns the policy by which it was
// asked. A refusal is written down. A workspace without a password may get one, as
// by init, and then nobody is asked.
func (a *app) mayChange(ctx context.Context, w where, what string, c allowlist.Change) (*allowlist.Policy, error) {
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	what += " of workspace " + w.WorkspaceName
	authorize := func() error {
		if err := outsideRun(what); err != nil || policy.Password == "" && c.Action == "password" {
			return err
		}
		return a.authorizeBy(ctx, policy.Password, w.WorkspaceName, what)
	}
	return policy, w.authorizeChanges(authorize, []allowlist.Change{c})
}

func (a *app) renameWorkspaceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rename NAME NEW",
		Short: "Give a workspace another name; its rules, projects and secrets stay",
		Long: `Give a workspace another name. Its rules, password, projects and secrets stay: they are
kept by its ID. The project file here follows; files in other directories go by the ID
and may say the old name. This asks for the workspace password, and is refused in a run.`,
		Args:              takes(cobra.ExactArgs(2)),
		ValidArgsFunction: a.completeFirst(a.workspaceNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.renameWorkspace(cmd.Context(), args[0], args[1])
		},
	}
	a.passwordFlag(cmd)
	return cmd
}

func (a *app) renameWorkspace(ctx context.Context, name, to string) error {
	w, err := a.namedWorkspace(name)
	if err != nil {
		return err
	}
	c := change("rename", w.WorkspaceName+" to "+cell(to))
	if _, err := a.mayChange(ctx, w, "changing the name", c); err != nil {
		return err
	}
	registry := env.OpenRegistry(w.home)
	renamed, err := registry.RenameWorkspace(w.WorkspaceID, to)
	if err != nil {
		return err
	}
	if err := w.updatePolicy(func(p *allowlist.Policy) error { p.Note(c); return nil }); err != nil {
		_, back := registry.RenameWorkspace(w.WorkspaceID, w.WorkspaceName) // what cannot be written down is not made
		return errors.Join(err, back)
	}
	q, err := a.query()
	if err != nil {
		return err
	}
	path, f, err := projectFile(q)
	here := err == nil && f.WorkspaceID == w.WorkspaceID
	if here {
		f.WorkspaceName = renamed.Name
		err = env.WriteFile(path, f)
	}
	if err != nil {
		return err
	}
	a.say("Workspace %s is called %s now.", w.WorkspaceName, renamed.Name)
	return a.print(map[string]any{"workspace": workspaceJSON{renamed.ID, renamed.Name, renamed.Type, here}}, func(io.Writer) {})
}
