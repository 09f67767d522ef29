package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/password"
)

func (a *app) readPasswordFile() ([]byte, error) {
	if a.passwordFile == "" {
		return nil, nil
	}
	if err := outsideRun("setting a workspace password"); err != nil {
		return nil, err
	}
	return a.readPassword()
}

// setPassword sets one where there is none. It never replaces one.
func (a *app) setPassword(ctx context.Context, s *setup, pw []byte) error {
	policy, err := where{Context: env.Context{WorkspaceID: s.workspace.ID}, home: s.q.Home}.policy()
	if err != nil {
		return err
	}
	if policy.Password != "" {
		s.password = true
		if pw != nil && verify(policy.Password, pw) != nil {
			a.warn("workspace %s has a password already and keeps it; the one in %s is another", s.workspace.Name, a.passwordFile)
		}
		return nil
	}
	if pw == nil && a.interactive() {
		if pw, err = a.choosePassword(ctx, s.workspace.Name); err != nil {
			return err
		}
	}
	if len(pw) == 0 {
		return nil
	}
	verifier, err := password.Hash(pw)
	if err != nil {
		return err
	}
	s.password = true
	return updatePolicy(s.q.Home, s.workspace.ID, func(p *allowlist.Policy) error {
		if p.Password != "" {
			return &failure{
				code: exitFailure, hint: "agentsecrets status", err: errors.New("somebody else set a workspace password just now"),
			}
		}
		p.Note(change("password", ""))
		p.Password = verifier
		return nil
	})
}

// choosePassword asks for one, if anybody wants one.
func (a *app) choosePassword(ctx context.Context, workspace string) ([]byte, error) {
	if outsideRun("") != nil {
		return nil, nil // init goes on without one: inside a run nobody is asked
	}
	pw, err := a.askTwice(ctx, "Password for changes to workspace "+workspace+" (empty for none): ")
	if errors.Is(err, errDiffer) {
		return nil, &failure{code: exitFailure, hint: setPassword, err: errors.New("no password was set")}
	}
	return pw, err
}

var errDiffer = errors.New("what was typed differs")

// askTwice asks twice, since nobody sees what they type, and gives three chances; nothing typed is nil.
func (a *app) askTwice(ctx context.Context, question string) ([]byte, error) {
	for range 3 {
		first, err := a.terminal().Hidden(ctx, question)
		if err != nil || len(first) == 0 {
			return nil, err
		}
		second, err := a.terminal().Hidden(ctx, "Once more: ")
		if err != nil {
			return nil, err
		}
		if bytes.Equal(first, second) {
			return first, nil
		}
		a.say("These differ.")
	}
	return nil, errDiffer
}
