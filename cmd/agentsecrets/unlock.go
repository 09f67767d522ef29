package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/internal/keyring"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

// How long unlock may open a store.
const (
	unlockFor    = 8 * time.Hour
	maxUnlockFor = 30 * 24 * time.Hour
)

func passphraseFileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "passphrase-file", "", "file whose first line is the store's passphrase")
}

func (a *app) unlockCommand() *cobra.Command {
	var file string
	var d time.Duration
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Open a store that has a passphrase, for a time",
		Long: `Open a store that has a passphrase, for all programs of yours on this machine,
and for a time. The key is kept in the Linux kernel's memory, in your user
keyring, and in no file; it is gone when the time is over, with lock, and when the
machine stops. Other users cannot read it; programs that run as you can.

Where the kernel keeps no keys for us (other systems, most containers), commands
on a terminal ask for the passphrase each time.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.unlock(cmd.Context(), file, d) },
	}
	cmd.Flags().DurationVar(&d, "for", unlockFor, "how long it stays open, such as 30m or 8h, 720h at most")
	passphraseFileFlag(cmd, &file)
	return cmd
}

func (a *app) lockCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lock",
		Short: "End what unlock began",
		Long: `End what unlock began, at once: a running proxy answers requests with placeholders
with 503 store_locked from then on. A program that was started with run on a
terminal, where the passphrase was typed, keeps its own key until it ends.`,
		Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.lock() },
	}
}

// lockableStore is the file store of our home, open or not. What opens it comes
// into this process: no crash writes it to a file.
func (a *app) lockableStore(what string) (*agefile.Store, agefile.Lock, error) {
	if err := outsideRun(what); err != nil {
		return nil, agefile.Lock{}, err
	}
	if err := harden.NoCore(); err != nil {
		return nil, agefile.Lock{}, err
	}
	home, err := a.home()
	if err == nil {
		err = inFile(home)
	}
	if err != nil {
		return nil, agefile.Lock{}, err
	}
	s, err := fileStore(home).Open()
	if err != nil && !isLocked(err) {
		return nil, agefile.Lock{}, err
	}
	lock, err := s.Lock()
	return s, lock, err
}

// inFile refuses what only a store in a file has, where values are in the keychain.
func inFile(home string) error {
	r, err := loadStoreRecord(storeRecordPath(home))
	if err != nil || r.Store == storeFile {
		return err
	}
	return &failure{
		code: exitFailure, hint: "agentsecrets secrets move --to file",
		err: errors.New("the values of this home are in the OS keychain, which has its own lock; only a store in a file has a passphrase"),
	}
}

type unlockJSON struct {
	Unlocked   bool       `json:"unlocked"`
	Passphrase bool       `json:"passphrase"`
	Until      *time.Time `json:"until,omitempty"`
}

func (a *app) unlock(ctx context.Context, file string, d time.Duration) error {
	if d < time.Second || d > maxUnlockFor {
		return usage("--for takes one second to 720h, not %v", d)
	}
	if done, err := a.unlockKeychain(ctx); done || err != nil {
		return err
	}
	s, lock, err := a.lockableStore("unlocking the store")
	if err != nil {
		return err
	}
	if !lock.Passphrase {
		a.say("There is nothing to unlock: %v (agentsecrets passphrase set gives it one).", agefile.ErrNoPassphrase)
		return a.print(unlockJSON{Unlocked: true}, func(io.Writer) {})
	}
	if err := (keyring.Keyring{}).Usable(); err != nil {
		return &failure{
			code: exitFailure, hint: "run the command that needs a secret on a terminal: it asks for the passphrase each time",
			err: fmt.Errorf("nothing can keep the store unlocked: %w", err),
		}
	}
	if err := a.givePassphrase(ctx, file, func(pp []byte) error { return s.Release(pp, d) }); err != nil {
		return err
	}
	if lock, err = s.Lock(); err != nil {
		return err
	}
	if !lock.Open { // for a second, perhaps, and it took longer
		return errors.New("the time is over already; give a longer --for")
	}
	until := lock.Until.UTC()
	a.say("Unlocked until %s, for every program that runs as you. agentsecrets lock ends it.", untilText(until))
	return a.print(unlockJSON{Unlocked: true, Passphrase: true, Until: &until}, func(io.Writer) {})
}

// unlockKeychain has the keychain open itself, if the home uses one.
func (a *app) unlockKeychain(ctx context.Context) (bool, error) {
	home, err := a.home()
	if err != nil {
		return false, err
	}
	r, err := loadStoreRecord(storeRecordPath(home))
	if err != nil || r.Store != storeKeychain {
		return false, err
	}
	if err := outsideRun("unlocking the store"); err != nil {
		return false, err
	}
	h, err := a.homeStore(home)
	if err == nil {
		err = h.ready(ctx)
	}
	if err != nil {
		return false, err
	}
	a.say("The keychain is open.")
	return true, a.print(unlockJSON{Unlocked: true}, func(io.Writer) {})
}

func (a *app) lock() error {
	if err := outsideRun("locking the store"); err != nil {
		return err
	}
	home, err := a.home()
	if err == nil {
		err = inFile(home)
	}
	if err != nil {
		return err
	}
	lock, err := fileStore(home).Lock()
	if err == nil {
		err = fileStore(home).Relock() // whatever state the vault is in
	}
	if errors.Is(err, agefile.ErrNoPassphrase) {
		return &failure{code: exitFailure, err: fmt.Errorf("nothing was locked: %w", err), hint: "agentsecrets passphrase set"}
	}
	if err != nil {
		return err
	}
	if lock.Open {
		a.say("Locked.")
	} else {
		a.say("It was locked already.")
	}
	return a.print(map[string]bool{"locked": true, "was_unlocked": lock.Open}, func(io.Writer) {})
}
