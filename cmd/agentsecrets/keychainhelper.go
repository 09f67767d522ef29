package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/resolve/keychain"
)

const keychainHelper = "keychain-helper"

// keychainHelperCommand is the process in which the keychain is asked, see
// resolve/keychain. It answers agentsecrets that started it, and nobody else.
func (a *app) keychainHelperCommand() *cobra.Command {
	return &cobra.Command{
		Use: keychainHelper, Hidden: true,
		Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.helpWithKeychain() },
	}
}

func (a *app) helpWithKeychain() error {
	if err := harden.NoCore(); err != nil {
		return err
	}
	return keychain.ServeHelper(a.stdin, a.stdout, mayRead)
}

// mayRead gives values to a run itself, whose proxy needs them, and to nobody
// below one. Where there can be no run there is nothing to tell.
func mayRead(asker int) error {
	below, err := runtree.Below(asker)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return err
	case below:
		return errors.New("inside a run")
	}
	return nil
}
