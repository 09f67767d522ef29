package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

// chooseStore is the store of a home from its first init on: the one asked for,
// else the keychain where one answers, else an encrypted file, which is said.
// A home that has one keeps it.
func (a *app) chooseStore(ctx context.Context, home, asked string) (string, error) {
	if err := atomicfile.MkdirPrivate(home); err != nil {
		return "", err
	}
	unlock, err := atomicfile.Lock(storeRecordPath(home) + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	r, err := loadStoreRecord(storeRecordPath(home))
	if err != nil {
		return "", err
	}
	used, err := r.used(home)
	if err != nil {
		return "", err
	}
	if !used {
		if r.Store, err = a.firstStore(ctx, home, asked); err != nil {
			return "", err
		}
	}
	if asked != "" && asked != r.Store {
		return "", &failure{
			code: exitFailure, hint: "agentsecrets secrets move --to " + asked,
			err: fmt.Errorf("this home keeps its values in the %s", inWords(r.Store)),
		}
	}
	if r.Version == 0 {
		return r.Store, r.save(home)
	}
	h, err := a.homeStore(home)
	if err == nil && r.Store == storeKeychain {
		err = h.ready(ctx)
	}
	return r.Store, err
}

// used reports whether the home has a store: a record, or a file from the time
// before there were records.
func (r storeRecord) used(home string) (bool, error) {
	if r.Version > 0 {
		return true, nil
	}
	_, err := agefile.Open(home)
	return !errors.Is(err, agefile.ErrNoVault), nil
}

func (a *app) firstStore(ctx context.Context, home, asked string) (string, error) {
	if asked == storeFile {
		return storeFile, nil
	}
	h, err := a.homeStore(home)
	if err != nil {
		return "", err
	}
	err = h.keychain.Available(ctx)
	switch {
	case err == nil:
		return storeKeychain, nil
	case asked == storeKeychain, ctx.Err() != nil:
		return "", &failure{code: exitFailure, err: err, hint: "agentsecrets init --store file"}
	}
	a.say("Values go to an encrypted file in %s (docs/stores.md): %v.\n"+
		"agentsecrets secrets move --to keychain changes that later.", home, err)
	return storeFile, nil
}

func validStore(store, hint string) error {
	if store == "" || store == storeFile || store == storeKeychain {
		return nil
	}
	f := usage("there is no store %q: it is keychain or file", store)
	f.hint = hint
	return f
}

func inWords(store string) string {
	if store == storeKeychain {
		return "OS keychain"
	}
	return "encrypted file"
}

// inWhich says for people what protects the store.
func inWhich(store, home string, lock agefile.Lock) string {
	switch store {
	case "":
		return "none yet (agentsecrets init)"
	case storeKeychain:
		return "OS keychain, under the name AgentSecrets; protected by your login"
	}
	return describeStore(home, lock)
}
