package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/password"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
)

// What decides where values go is changed by a person who knows the workspace
// password, or at least sits at a terminal, and never from inside a run: the
// program there is the one that the rules are about.

const setPassword = "agentsecrets init --password-file F"

func (a *app) passwordFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.passwordFile, "password-file", "", "file whose first line is the workspace password")
}

// outsideRun refuses what a program inside a run may not do.
func outsideRun(what string) error {
	inside, err := runtree.Inside()
	if err != nil {
		return denied("", "%s is refused where it cannot be told whether this is inside a run: %w", what, err)
	}
	if inside {
		return denied("", "%s is refused inside a run; do it in a terminal of your own", what)
	}
	return nil
}

// authorize returns nil if somebody who may change policy wants what.
func (a *app) authorize(ctx context.Context, home, workspaceID, workspace, what string) error {
	if err := outsideRun(what); err != nil {
		return err
	}
	path, err := policyPath(home, workspaceID)
	if err != nil {
		return err
	}
	policy, err := allowlist.LoadPolicy(path)
	if err != nil {
		return err
	}
	return a.authorizeBy(ctx, policy.Password, workspace, what)
}

// authorizeBy goes by the verifier of a password, "" where there is none.
func (a *app) authorizeBy(ctx context.Context, verifier, workspace, what string) error {
	switch {
	case verifier == "" && a.answers.Confirmed == what:
		return nil
	case verifier == "" && a.interactive():
		return a.confirm(ctx, workspace, what)
	case verifier == "":
		return denied(setPassword, "%s needs the password of workspace %s, which has none, or a terminal to ask on", what, workspace)
	case a.answers.Password != nil || a.passwordFile != "":
		return a.verifyGiven(verifier, workspace)
	case a.interactive():
		return a.askPassword(ctx, verifier, workspace, what)
	}
	return denied(a.withPassword(), "%s needs the password of workspace %s: give --password-file, there is no terminal to ask on", what, workspace)
}

func (a *app) confirm(ctx context.Context, workspace, what string) error {
	a.say("Workspace %s has no password (%s sets one).", workspace, setPassword)
	yes, err := a.terminal().Yes(ctx, "Go on with "+what+"?")
	if err != nil {
		return err
	}
	if !yes {
		return denied(setPassword, "%s was not confirmed", what)
	}
	a.answers.Confirmed = what
	return nil
}

// withPassword is the hint for who has to give one. It leaves the arguments out,
// which may hold values.
func (a *app) withPassword() string { return a.command + " … --password-file F" }

var errWrongPassword = errors.New("that is not the password")

// verifyGiven checks the password that was given without being asked for. A
// file is read once: it may be a pipe.
func (a *app) verifyGiven(verifier, workspace string) error {
	pw, source := a.answers.Password, "what was typed"
	if pw == nil {
		var err error
		if pw, err = a.readPassword(); err != nil {
			return err
		}
		source = a.passwordFile
	}
	if err := verify(verifier, pw); err != nil {
		return denied(a.withPassword(), "%s: %w of workspace %s", source, err, workspace)
	}
	a.answers.Password = pw
	return nil
}

func (a *app) readPassword() ([]byte, error) {
	if password.Exposed(a.passwordFile) {
		a.warn("other users may read %s", a.passwordFile)
	}
	return password.ReadFile(a.passwordFile)
}

func verify(verifier string, pw []byte) error {
	ok, err := password.Verify(verifier, pw)
	if err != nil {
		return fmt.Errorf("check the workspace password: %w", err)
	}
	if !ok {
		return errWrongPassword
	}
	return nil
}

// askPassword gives three chances, as login does.
func (a *app) askPassword(ctx context.Context, verifier, workspace, what string) error {
	for range 3 {
		pw, err := a.terminal().Hidden(ctx, fmt.Sprintf("Password of workspace %s, for %s: ", workspace, what))
		if err != nil {
			return err
		}
		if err = verify(verifier, pw); err == nil {
			a.answers.Password = pw
			return nil
		}
		if !errors.Is(err, errWrongPassword) {
			return err
		}
		a.say("That is not it.")
	}
	return denied(a.withPassword(), "%w of workspace %s", errWrongPassword, workspace)
}
