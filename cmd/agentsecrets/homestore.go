package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/keychain"
)

// homeStore is the store that a home uses, as its record says at each call: what
// secrets move does counts at once, for a proxy that runs too.
type homeStore struct {
	home     string
	record   *watched[storeRecord]
	keychain *keychain.Store
	file     *lazyStore
}

// lazyStore opens the encrypted file when it is needed for the first time.
type lazyStore struct {
	open func(ctx context.Context) (resolve.Store, error)

	mu    sync.Mutex
	store resolve.Store
}

func (l *lazyStore) get(ctx context.Context) (resolve.Store, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store != nil {
		return l.store, nil
	}
	s, err := l.open(ctx)
	if err == nil {
		l.store = s
	}
	return s, err
}

// homeStore has a keychain wait for its prompt if there is somebody to answer it.
func (a *app) homeStore(home string) (*homeStore, error) {
	c := keychain.Config{Dir: home, Patient: a.interactive()}
	if c.Patient {
		c.Waiting = func() { a.say("Waiting up to a minute for the keychain; it may be asking you for its password.") }
	}
	return openHomeStore(c, &lazyStore{open: func(ctx context.Context) (resolve.Store, error) { return a.openFile(ctx, home) }})
}

func openHomeStore(c keychain.Config, file *lazyStore) (*homeStore, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program: %w", err)
	}
	c.Helper = []string{self, keychainHelper}
	k, err := keychain.Open(c)
	if err != nil {
		return nil, err
	}
	return &homeStore{
		home: c.Dir, keychain: k, file: file,
		record: &watched[storeRecord]{path: storeRecordPath(c.Dir), load: loadStoreRecord},
	}, nil
}

// serving is the same store for a proxy: nobody sits at a prompt of every request,
// and what is said would stand among what a program says.
func (h *homeStore) serving() *homeStore {
	s := *h
	s.keychain = h.keychain.Hurried()
	return &s
}

var _ resolve.Store = (*homeStore)(nil)

// name is what the store is called, for metrics.
func (h *homeStore) name() string {
	r, err := h.record.get()
	if err != nil {
		return storeFile
	}
	return r.Store
}

func (h *homeStore) at(ctx context.Context, name string) (resolve.Store, error) {
	if name == storeKeychain {
		return h.keychain, nil
	}
	return h.file.get(ctx)
}

func (h *homeStore) now(ctx context.Context) (resolve.Store, error) {
	r, err := h.record.get()
	if err != nil {
		return nil, err
	}
	return h.at(ctx, r.Store)
}

// ready opens the store, or says why it does not open.
func (h *homeStore) ready(ctx context.Context) error {
	s, err := h.now(ctx)
	if err == nil && s == resolve.Store(h.keychain) {
		err = h.keychain.Ready(ctx)
	}
	return keychainTrouble(err)
}

func (h *homeStore) Resolve(ctx context.Context, ref resolve.Ref) (resolve.Value, error) {
	s, err := h.now(ctx)
	if err != nil {
		return resolve.Value{}, err
	}
	v, err := s.Resolve(ctx, ref)
	return v, keychainTrouble(err)
}

func (h *homeStore) Set(ctx context.Context, ref resolve.Ref, v resolve.Value) error {
	s, err := h.now(ctx)
	if err != nil {
		return err
	}
	return keychainTrouble(s.Set(ctx, ref, v))
}

// SetAll is errors.ErrUnsupported for a store that takes one value at a time.
func (h *homeStore) SetAll(ctx context.Context, all map[resolve.Ref]resolve.Value) error {
	s, err := h.now(ctx)
	if err != nil {
		return err
	}
	if b, ok := s.(interface {
		SetAll(context.Context, map[resolve.Ref]resolve.Value) error
	}); ok {
		return b.SetAll(ctx, all)
	}
	return errors.ErrUnsupported
}

// Delete takes ref out of the other store first, if a move was interrupted: a
// copy there would have no name any more that leads to it.
func (h *homeStore) Delete(ctx context.Context, ref resolve.Ref) error {
	r, err := h.record.get()
	if err != nil {
		return err
	}
	if r.other() != "" && !r.shares(ref) {
		if err := h.deleteAt(ctx, r.other(), ref); err != nil && !errors.Is(err, resolve.ErrNotFound) {
			return err
		}
	}
	return h.deleteAt(ctx, r.Store, ref)
}

func (h *homeStore) deleteAt(ctx context.Context, name string, ref resolve.Ref) error {
	s, err := h.at(ctx, name)
	if err != nil {
		return err
	}
	return keychainTrouble(s.Delete(ctx, ref))
}

// Settled waits for what a process that was killed may still have under way.
func (h *homeStore) Settled(ctx context.Context) error {
	return keychainTrouble(h.keychain.Settled(ctx))
}

// Generation is new each time where it cannot be told.
func (h *homeStore) Generation() string {
	r, err := h.record.get()
	if err != nil {
		return rand.Text()
	}
	s, err := h.at(context.Background(), r.Store)
	if err != nil {
		return rand.Text()
	}
	return r.Store + " " + s.Generation()
}

// keychainTrouble has another hint than the keychain's own for a home whose values
// are there already: another store would not have them.
func keychainTrouble(err error) error {
	if !errors.Is(err, keychain.ErrUnavailable) && !errors.Is(err, keychain.ErrTimeout) && !errors.Is(err, keychain.ErrLocked) {
		return err
	}
	return &failure{
		code: exitFailure, err: fmt.Errorf("the secrets of this home are in the keychain: %w", err),
		hint: "unlock the keychain, or log in to the desktop session that has it, then try again (docs/stores.md)",
	}
}
