package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

func (a *app) passphraseCommand() *cobra.Command {
	cmd := group("passphrase", "The passphrase of a store in a file", a.setPassphraseCommand(), a.removePassphraseCommand())
	cmd.Long = `The passphrase of a store in a file. It wraps the key to the store (age, scrypt):
trying one takes about a second and 256 MiB of memory, for you as for whoever has a
copy of the file. There is no way back to a store whose passphrase is forgotten.

Setting, changing or removing it gives the store a new key. Copies of the old key
and of the old file open the store no more, and it is locked.`
	return cmd
}

func (a *app) setPassphraseCommand() *cobra.Command {
	var old, file string
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Give the store a passphrase, or another one",
		Args:  takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rewrap(cmd.Context(), old, func() ([]byte, error) {
				return a.newPassphrase(cmd.Context(), file, "--new-passphrase-file")
			})
		},
	}
	passphraseFileFlag(cmd, &old)
	cmd.Flags().StringVar(&file, "new-passphrase-file", "", "file whose first line is the new one")
	return cmd
}

func (a *app) removePassphraseCommand() *cobra.Command {
	var old string
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Keep the store's key in clear from now on, protected by file permissions only",
		Args:  takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rewrap(cmd.Context(), old, func() ([]byte, error) { return nil, nil })
		},
	}
	passphraseFileFlag(cmd, &old)
	return cmd
}

// rewrap asks for the passphrase of now, also where the store is unlocked: who
// finds a terminal must not be able to take the store over.
func (a *app) rewrap(ctx context.Context, oldFile string, choose func() ([]byte, error)) error {
	s, lock, err := a.lockableStore("changing the passphrase of the store")
	if err != nil {
		return err
	}
	if lock.Passphrase {
		if err := a.givePassphrase(ctx, oldFile, s.Unlock); err != nil {
			return err
		}
	}
	pp, err := choose()
	if err != nil {
		return err
	}
	if pp == nil && !lock.Passphrase {
		return &failure{code: exitFailure, err: errors.New("nothing was removed: the store has no passphrase"), hint: "agentsecrets passphrase set"}
	}
	done := a.during("making the store's key")
	err = s.Rewrap(pp)
	done()
	if err != nil {
		return err
	}
	if pp == nil {
		a.say("The passphrase is gone: the store's key lies beside it, protected by file permissions only.")
	} else {
		a.say("The store has a new passphrase and is locked, for a running proxy too: %s", unlockHint)
	}
	return a.print(map[string]bool{"passphrase": pp != nil}, func(io.Writer) {})
}

// describeStore says for people what protects the store in home.
func describeStore(home string, lock agefile.Lock) string {
	text := "encrypted file in " + home
	switch {
	case !lock.Passphrase:
		return text + "; its key lies beside it, protected by file permissions only"
	case !lock.Open:
		return text + ", under a passphrase; locked (" + unlockHint + " opens it for a time)"
	}
	return text + ", under a passphrase; unlocked until " + untilText(lock.Until)
}
