package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/resolve"
	"github.com/agentsecrets/agentsecrets/resolve/agefile"
)

func (a *app) moveCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "move --to keychain|file",
		Short: "Move the values of all projects to the other store",
		Long: `Move the values of all projects of this home to the OS keychain, or to the
encrypted file. They are copied, read back and compared, then the other store
counts, then they are deleted from the first. Interrupted at any moment, nothing
is lost: the same command goes on, and --to the store where they were takes it back.

A proxy that runs follows at once. This asks for the workspace password, and is
refused in a run.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.moveSecrets(cmd.Context(), to) },
	}
	cmd.Flags().StringVar(&to, "to", "", "where to: keychain or file")
	a.passwordFlag(cmd)
	a.completeFlag(cmd, "to", func() ([]string, error) { return []string{storeKeychain, storeFile}, nil })
	return cmd
}

func (a *app) moveSecrets(ctx context.Context, to string) error {
	if to == "" {
		f := usage("agentsecrets secrets move: --to is missing")
		f.hint = "agentsecrets secrets move --to keychain"
		return f
	}
	if err := validStore(to, "agentsecrets secrets move --to keychain"); err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	if err := errors.Join(outsideRun("moving secrets"), w.known()); err != nil {
		return err
	}
	if err := a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, "moving secrets to the "+inWords(to)); err != nil {
		return err
	}
	h, err := a.homeStore(w.home)
	if err != nil {
		return err
	}
	if to == storeFile {
		if err := a.createFile(ctx, w.home, passphraseFlags{}); err != nil {
			return err
		}
	}
	m := mover{homeStore: h, to: to}
	done := a.during("moving values to the " + inWords(to))
	err = m.move(ctx, index(w.home))
	done()
	if err != nil {
		return err
	}
	if err := noteStore(w.File, to); err != nil {
		return err
	}
	a.say("The values of this home are in the %s (%s moved).", inWords(to), count(m.moved, "value"))
	return a.print(map[string]any{"store": to, "moved": m.moved}, func(io.Writer) {})
}

// noteStore writes into the project file here what people look for there.
func noteStore(path, store string) error {
	if path == "" {
		return nil
	}
	f, err := env.ReadFile(path)
	if err != nil || f.StorageMode == store {
		return err
	}
	f.StorageMode = store
	return env.WriteFile(path, f)
}

// mover moves what a home keeps. The record says how far it is, so that it can be
// killed at any moment: first MovingTo is written, then values are copied and
// compared, then the other store is the one that counts and the first is LeftIn,
// then that is emptied.
type mover struct {
	*homeStore
	to    string
	moved int
}

func (m *mover) move(ctx context.Context, x *resolve.Index) error {
	if err := x.Reconcile(ctx, m.homeStore); err != nil {
		return err
	}
	// Nobody sets or deletes anything meanwhile.
	return x.Hold(func(all []resolve.Ref, pending bool) error {
		if pending {
			return &failure{code: exitFailure, err: errors.New("a secret was being set meanwhile"), hint: "agentsecrets secrets move --to " + m.to}
		}
		r, err := loadStoreRecord(storeRecordPath(m.home))
		if err != nil {
			return err
		}
		if r.Store == m.to {
			return m.empty(ctx, r, all)
		}
		if r.LeftIn == m.to { // what is left there is older than what counts
			if err := m.empty(ctx, r, all); err != nil {
				return err
			}
			r.LeftIn = ""
		}
		if r, err = m.copyAll(ctx, r, all); err != nil {
			return err
		}
		return m.empty(ctx, r, all)
	})
}

// copyAll makes the other store the one that counts once it has everything.
func (m *mover) copyAll(ctx context.Context, r storeRecord, all []resolve.Ref) (storeRecord, error) {
	from, err := m.at(ctx, r.Store)
	if err != nil {
		return r, err
	}
	to, err := m.at(ctx, m.to)
	if err != nil {
		return r, err
	}
	if r.MovingTo == "" {
		if r.Shared, err = untaken(ctx, from, to, all); err != nil {
			return r, err
		}
	}
	r.MovingTo = m.to
	if err := r.save(m.home); err != nil {
		return r, err
	}
	if err := copyValues(ctx, from, to, all); err != nil {
		return r, m.takeBack(ctx, r, all, err)
	}
	m.moved = len(all)
	r = storeRecord{Store: m.to, LeftIn: r.Store}
	return r, r.save(m.home)
}

// untaken refuses to write over values that somebody else keeps in to: another
// home with the same project, for one. It lists those that are the same there.
func untaken(ctx context.Context, from, to resolve.Store, all []resolve.Ref) (shared []string, err error) {
	for _, ref := range all {
		theirs, err := to.Resolve(ctx, ref)
		if errors.Is(err, resolve.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for %s where it is to go: %w", ref.Name, err)
		}
		ours, err := from.Resolve(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", ref.Name, err)
		}
		if !ours.Equal(theirs) {
			return nil, &failure{
				code: exitFailure, hint: "delete the entry " + ref.String() + " there, if no other AGENTSECRETS_HOME keeps it",
				err: fmt.Errorf("another value of %s is there already; nothing was moved", ref.Name),
			}
		}
		shared = append(shared, ref.String())
	}
	return shared, nil
}

// copyValues has read everything back when it returns nil.
func copyValues(ctx context.Context, from, to resolve.Store, all []resolve.Ref) error {
	for _, ref := range all {
		v, err := from.Resolve(ctx, ref)
		if err != nil {
			return fmt.Errorf("read %s: %w", ref.Name, err)
		}
		if err := to.Set(ctx, ref, v); err != nil {
			return fmt.Errorf("copy %s: %w", ref.Name, err)
		}
	}
	for _, ref := range all {
		v, err := from.Resolve(ctx, ref)
		if err != nil {
			return fmt.Errorf("read %s: %w", ref.Name, err)
		}
		kept, err := to.Resolve(ctx, ref)
		if err != nil {
			return fmt.Errorf("read %s back: %w", ref.Name, err)
		}
		if !kept.Equal(v) {
			return fmt.Errorf("read %s back: it is another value", ref.Name)
		}
	}
	return nil
}

// takeBack undoes what was copied before cause, although ctx may be what ended.
func (m *mover) takeBack(ctx context.Context, r storeRecord, all []resolve.Ref, cause error) error {
	r.MovingTo, r.LeftIn = "", m.to
	err := m.empty(context.WithoutCancel(ctx), r, all)
	if err == nil {
		return fmt.Errorf("nothing was moved: %w", cause)
	}
	return fmt.Errorf("nothing was moved: %w; copies are left in the %s: %w", cause, inWords(m.to), err)
}

// empty takes the values out of the store that does not count, and says so.
func (m *mover) empty(ctx context.Context, r storeRecord, all []resolve.Ref) error {
	if r.other() == "" {
		return nil
	}
	s, err := m.at(ctx, r.other())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(slices.Clone(all), r.shares)
	if f, ok := s.(*agefile.Store); ok {
		err = f.DeleteAll(ctx, all)
	} else {
		err = deleteEach(ctx, s, all)
	}
	if err != nil {
		return &failure{
			code: exitFailure, err: fmt.Errorf("the values could not all be deleted from the %s: %w", inWords(r.other()), err),
			hint: "agentsecrets secrets move --to " + r.Store,
		}
	}
	return storeRecord{Store: r.Store}.save(m.home)
}

func deleteEach(ctx context.Context, s resolve.Store, all []resolve.Ref) error {
	for _, ref := range all {
		if err := s.Delete(ctx, ref); err != nil && !errors.Is(err, resolve.ErrNotFound) {
			return err
		}
	}
	return nil
}
