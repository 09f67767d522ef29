package main

import (
	"context"
	"errors"

	"github.com/agentsecrets/agentsecrets/internal/keyring"
	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/keychain"
)

// store says where the values are, and whether they can be read.
func (x *checkup) store(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "store", OK: true}
	r, err := loadStoreRecord(storeRecordPath(x.home))
	if err != nil {
		return failed(c.What, err)
	}
	used, err := r.used(x.home)
	if err != nil {
		return failed(c.What, err)
	}
	if !used {
		c.Detail, c.Hint = "none yet", "agentsecrets init"
		return c
	}
	if _, err := index(x.home).Names("none", "none"); err != nil {
		return failed(c.What, err)
	}
	if r.Store == storeKeychain {
		c.Detail = "the keychain of the system"
	} else if c = x.fileStore(); !c.OK || c.Warning {
		return c
	}
	if other := r.other(); other != "" {
		c.warns("agentsecrets secrets move --to "+r.Store, c.Detail+"; a move was interrupted, the "+inWords(other)+" may hold values too")
		return c
	}
	if x.outside == nil {
		if names, err := x.w.names(); err == nil {
			c.Detail += "; " + count(len(names), "secret") + " in " + x.w.String()
		}
	}
	return c
}

// fileStore reads the encrypted file, if it is open.
func (x *checkup) fileStore() doctorCheck {
	c := doctorCheck{What: "store", OK: true, Detail: "encrypted file in " + x.home}
	_, err := fileStore(x.home).Open()
	switch {
	case isLocked(err):
		c.warns(unlockHint, c.Detail+", locked: what needs values waits until it is unlocked")
		if unusable := (keyring.Keyring{}).Usable(); unusable != nil {
			c.Detail, c.Hint = c.Detail+"; "+unusable.Error(), ""
		}
	case err != nil:
		return failed(c.What, err)
	}
	return c
}

// keychain says what protects the values: the system's, or what the file store has
// in its place.
func (x *checkup) keychain(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "protection", OK: true}
	r, err := loadStoreRecord(storeRecordPath(x.home))
	if err != nil {
		c.Detail = "not checked: see store"
		return c
	}
	if r.Store == storeKeychain {
		return x.lookIntoKeychain(ctx)
	}
	lock, err := fileLock(x.home)
	switch {
	case err != nil:
		return failed(c.What, err)
	case !lock.Passphrase:
		c.Detail = "by file permissions only: whoever runs as you, or copies these files, can read the values (agentsecrets passphrase set)"
	case lock.Open:
		c.Detail = "by a passphrase; unlocked until " + untilText(lock.Until)
	default:
		c.Detail = "by a passphrase; locked"
	}
	return c
}

func (x *checkup) lookIntoKeychain(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "protection", OK: true}
	h, err := x.a.homeStore(x.home)
	if err != nil {
		return failed(c.What, err)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	program, err := h.keychain.Hurried().Look(ctx)
	x.shut = err != nil
	switch {
	case errors.Is(err, keychain.ErrTimeout), ctx.Err() != nil:
		c.OK, c.Hint, c.Detail = false, unlockHint, "the keychain did not answer in time"
	case errors.Is(err, resolve.ErrLocked):
		c.warns(unlockHint, "the keychain is locked")
	case err != nil:
		return failed(c.What, keychainTrouble(err))
	case program != "":
		c.Detail = "by your login, in the keychain of " + program
	default:
		c.Detail = "by your login, in the keychain"
	}
	return c
}

// values names the values of this project that are a weak spot.
func (x *checkup) values(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "the values that are stored here are looked for", OK: true}
	if !x.here(&c) {
		return c
	}
	if x.shut {
		c.Detail = "not checked: see protection"
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if err := c.lookIn(ctx, x.w); err != nil {
		c.Warning, c.Missed, c.Covered, c.Cells = true, nil, 0, 0
		c.Detail, c.Hint = "not checked: "+err.Error(), hintOf(err)
	}
	return c
}

func (c *doctorCheck) lookIn(ctx context.Context, w where) error {
	names, err := w.names()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		c.Detail = "there are none"
		return nil
	}
	if lock, err := fileLock(w.home); err != nil || lock.Passphrase && !lock.Open {
		return errors.Join(err, &failure{err: errors.New("the store is locked"), hint: unlockHint})
	}
	s, err := w.store(w.home)
	if err != nil {
		return err
	}
	if err := s.serving().looks(ctx); err != nil {
		return err
	}
	return c.lookAt(ctx, s.serving(), w, names)
}

// looks is ready without opening a keychain that is locked.
func (h *homeStore) looks(ctx context.Context) error {
	s, err := h.now(ctx)
	if err == nil && s == resolve.Store(h.keychain) {
		_, err = h.keychain.Look(ctx)
	}
	return keychainTrouble(err)
}

// lookAt names the weak ones among the values of names.
func (c *doctorCheck) lookAt(ctx context.Context, s *homeStore, w where, names []string) error {
	for _, name := range names {
		v, err := s.Resolve(ctx, w.ref(name))
		if errors.Is(err, resolve.ErrNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return err
		}
		c.Cells++
		if text := doubts(v); text != "" {
			c.Missed = append(c.Missed, name+" "+text)
			c.Warning, c.Hint = true, "agentsecrets secrets set "+name
			continue
		}
		c.Covered++
	}
	return nil
}
