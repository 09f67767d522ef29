package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/keyring"
	"github.com/agentsecrets/agentsecrets/internal/password"
	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

// The file store may have a passphrase. Then it is locked until somebody gives
// it: to one command, at its terminal, or with unlock to all of them for a time.
// The passphrase comes from a terminal or a file, never from arguments or the
// environment; the key that it opens is in memory only, ours or the kernel's.

const unlockHint = "agentsecrets unlock"

func fileStore(home string) agefile.Config {
	return agefile.Config{Dir: home, Keys: keyring.Keyring{}}
}

// openFile opens the file store. Where it is locked it asks for the passphrase,
// if there is somebody to ask.
func (a *app) openFile(ctx context.Context, home string) (*agefile.Store, error) {
	s, err := fileStore(home).Open()
	switch {
	case err == nil:
		return s, nil
	case !isLocked(err):
		return nil, err
	case !a.interactive():
		return nil, lockedHere()
	}
	return s, a.askPassphrase(ctx, s.Unlock)
}

func isLocked(err error) bool {
	var locked *agefile.LockedError
	return errors.As(err, &locked)
}

// lockedHere is the failure of a command that can ask nobody.
func lockedHere() error {
	f := &failure{
		code: exitFailure, hint: unlockHint,
		err: errors.New("store_locked: the store of secrets is locked, and there is no terminal to ask for its passphrase on"),
	}
	if err := (keyring.Keyring{}).Usable(); err != nil { // unlock would not help
		f.hint = "run this on a terminal, which asks for the passphrase"
		f.err = fmt.Errorf("%w; %w", f.err, err)
	}
	return f
}

// askPassphrase gives three chances, as login does.
func (a *app) askPassphrase(ctx context.Context, use func([]byte) error) error {
	for range 3 {
		pp, err := a.terminal().Hidden(ctx, "Passphrase of the store: ")
		if err != nil {
			return err
		}
		done := a.during("opening the store")
		err = use(pp)
		done()
		if !errors.Is(err, agefile.ErrPassphrase) && !errors.Is(err, agefile.ErrEmptyPassphrase) {
			return err
		}
		a.say("That is not it.")
	}
	return denied("", "%w of the store", agefile.ErrPassphrase)
}

// givePassphrase hands the passphrase in the file, else what is typed, to use.
func (a *app) givePassphrase(ctx context.Context, file string, use func([]byte) error) error {
	if file == "" && a.interactive() {
		return a.askPassphrase(ctx, use)
	}
	pp, err := a.readPassphrase(file, "--passphrase-file")
	if err != nil {
		return err
	}
	done := a.during("opening the store")
	err = use(pp)
	done()
	if errors.Is(err, agefile.ErrPassphrase) {
		return denied("", "%s: %w of the store", file, err)
	} else if err != nil {
		return err
	}
	return nil
}

func (a *app) readPassphrase(file, flag string) ([]byte, error) {
	if file == "" {
		f := usage("%s is missing: there is no terminal to ask for the passphrase on", flag)
		f.hint = a.command + " " + flag + " F"
		return nil, f
	}
	if password.Exposed(file) {
		a.warn("other users may read %s", file)
	}
	return password.ReadFile(file)
}

// minPassphrase is where a warning ends: with a copy of the file, who guesses
// needs no proxy and is not counted.
const minPassphrase = 12

// newPassphrase is one that was chosen: in a file, or at the terminal, twice.
func (a *app) newPassphrase(ctx context.Context, file, flag string) (pp []byte, err error) {
	if file == "" && a.interactive() {
		pp, err = a.askTwice(ctx, "New passphrase of the store: ")
	} else {
		pp, err = a.readPassphrase(file, flag)
	}
	if err != nil {
		return nil, err
	}
	if len(pp) == 0 {
		return nil, agefile.ErrEmptyPassphrase
	}
	if len(pp) < minPassphrase {
		a.warn("the passphrase is short: whoever gets a copy of the store can try some a second; four or five words are better")
	}
	return pp, nil
}

// passphraseFlags are those of init.
type passphraseFlags struct {
	wanted bool
	file   string
}

func (p passphraseFlags) any() bool { return p.wanted || p.file != "" }

// createFile makes the file store, or finds it. It never changes a passphrase.
func (a *app) createFile(ctx context.Context, home string, p passphraseFlags) error {
	c := fileStore(home)
	if !p.any() {
		_, err := c.Create(nil)
		if isLocked(err) {
			return nil
		}
		return err
	}
	s, err := c.Open()
	if errors.Is(err, agefile.ErrNoVault) {
		pp, err := a.newPassphrase(ctx, p.file, "--passphrase-file")
		if err != nil {
			return err
		}
		defer a.during("making the store's key")()
		if _, err = c.Create(pp); isLocked(err) { // as a new one is
			return nil
		}
		return err
	}
	if err != nil && !isLocked(err) {
		return err
	}
	lock, err := s.Lock()
	if err != nil {
		return err
	}
	if lock.Passphrase {
		a.warn("the store has a passphrase already and keeps it; agentsecrets passphrase set changes it")
		return nil
	}
	pp, err := a.newPassphrase(ctx, p.file, "--passphrase-file")
	if err != nil {
		return err
	}
	defer a.during("making the store's key")()
	return s.Rewrap(pp)
}

// fileLock says how the file store of home is protected; nothing where there is none.
func fileLock(home string) (agefile.Lock, error) {
	lock, err := fileStore(home).Lock()
	if errors.Is(err, agefile.ErrNoVault) {
		return agefile.Lock{}, nil
	}
	return lock, err
}

// daemonStore opens the store for a proxy in the background. That one starts
// locked too, and works once somebody unlocks the store. Where unlock cannot
// help, for want of a kernel's keyring, the passphrase is asked for here, and
// passed on to the daemon.
func (a *app) daemonStore(ctx context.Context, w where) (resolve.Store, error) {
	if err := w.known(); err != nil {
		return nil, err
	}
	s, err := w.store(w.home)
	if err != nil {
		return nil, err
	}
	s.file.open = func(ctx context.Context) (resolve.Store, error) { return a.openForDaemon(ctx, w) }
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if err := index(w.home).Reconcile(ctx, s); err != nil && !errors.Is(err, resolve.ErrLocked) {
		return nil, err
	}
	return s.serving(), nil
}

func (a *app) openForDaemon(ctx context.Context, w where) (*agefile.Store, error) {
	s, err := fileStore(w.home).Open()
	if err == nil || !isLocked(err) {
		return s, err
	}
	if a.answers.Passphrase != nil {
		return s, s.Unlock(a.answers.Passphrase)
	}
	if (keyring.Keyring{}).Usable() == nil {
		a.warn("the store is locked: requests with placeholders are answered with 503 store_locked until: %s", unlockHint)
		return s, nil
	}
	if !a.interactive() {
		return nil, lockedHere()
	}
	return s, a.askPassphrase(ctx, func(pp []byte) error {
		err := s.Unlock(pp)
		if err == nil {
			a.answers.Passphrase = pp
		}
		return err
	})
}

// untilText is a time for people: its date only where that is not today.
func untilText(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}
