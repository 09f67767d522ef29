package resolve

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Index is the list of the secrets that exist: keychains cannot be asked for one. It holds names, never values, in one
// file for all projects. It is safe for concurrent use, by several processes too.
//
// Index and store are two things, and a crash may fall between them. So a name is written down as pending before the
// store is touched and settled after; whatever is found pending later is settled by asking the store.
type Index struct {
	path string
	now  func() time.Time
}

// Entry is one name in the index.
type Entry struct {
	Name    string
	Updated time.Time
	Pending bool // being set or deleted now, or since a crash, see Index.Reconcile
}

// OpenIndex returns the index in the file path, which need not exist yet.
func OpenIndex(path string) *Index { return &Index{path: path, now: time.Now} }

// Set keeps v in the store under ref, and its name in the index.
func (x *Index) Set(ctx context.Context, s Store, ref Ref, v Value) error {
	if err := ref.Check(); err != nil {
		return err
	}
	if err := ValidName(ref.Name); err != nil {
		return err
	}
	if err := v.fits(); err != nil {
		return fmt.Errorf("set %s: %w", ref.Name, err)
	}
	return x.alone(ctx, s, func() error {
		if err := x.change(func(f *indexFile) { f.put(ref, x.now(), true) }); err != nil {
			return err
		}
		if err := s.Set(ctx, ref, v); err != nil {
			return fmt.Errorf("set %s: %w", ref.Name, err)
		}
		return x.change(func(f *indexFile) { f.put(ref, x.now(), false) })
	})
}

// Delete removes ref from the store and its name from the index. A name that the index does not hold is ErrNotFound;
// one that only the index holds is removed all the same.
func (x *Index) Delete(ctx context.Context, s Store, ref Ref) error {
	if err := ref.Check(); err != nil {
		return err
	}
	return x.alone(ctx, s, func() error {
		f, err := x.load()
		if err != nil {
			return err
		}
		if !f.has(ref) {
			return fmt.Errorf("delete %s: %w", ref.Name, NotFound(ref))
		}
		if err := x.change(func(f *indexFile) { f.put(ref, x.now(), true) }); err != nil {
			return err
		}
		if err := s.Delete(ctx, ref); err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("delete %s: %w", ref.Name, err)
		}
		return x.change(func(f *indexFile) { f.remove(ref) })
	})
}

// Names lists what exists in one environment of a project, sorted by name. It takes no lock: somebody may be waiting
// for a keychain's prompt with the lock in hand.
func (x *Index) Names(project, environment string) ([]Entry, error) {
	f, err := x.load()
	if err != nil {
		return nil, err
	}
	return f.entries(project, environment), nil
}

// Environments lists, sorted, in which environments of a project name is kept, or may be.
func (x *Index) Environments(project, name string) ([]string, error) {
	f, err := x.load()
	if err != nil {
		return nil, err
	}
	var held []string
	for environment, entries := range f.Projects[project] {
		if slices.ContainsFunc(entries, func(e indexEntry) bool { return e.Name == name }) {
			held = append(held, environment)
		}
	}
	slices.Sort(held)
	return held, nil
}

// Reconcile finishes what an Apply has left unfinished, and settles what is pending: a name stays if the store holds a value for it. What the store cannot tell now
// stays pending, and is in the error.
func (x *Index) Reconcile(ctx context.Context, s Store) error {
	if unsettled, err := x.Unsettled(); err != nil || !unsettled {
		return err
	}
	return x.alone(ctx, s, func() error { return x.settleAll(ctx, s) })
}

// settleAll runs with the lock held.
func (x *Index) settleAll(ctx context.Context, s Store) error {
	if w, ok := s.(settler); ok {
		if err := w.Settled(ctx); err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
	}
	f, err := x.load() // again: whoever had the lock may have settled some
	if err != nil {
		return err
	}
	var failed error
	for _, ref := range f.pending() {
		_, err := s.Resolve(ctx, ref)
		if err != nil && !errors.Is(err, ErrNotFound) {
			failed = errors.Join(failed, fmt.Errorf("reconcile %s: %w", ref.Name, err))
			continue
		}
		f.settle(ref, err == nil)
	}
	return errors.Join(failed, x.save(f))
}

// settler is a Store that may go on with a change for a moment after the process that asked for it was killed. Settled
// returns when it does not any more.
type settler interface {
	Settled(ctx context.Context) error
}

// exclusively holds the lock from pending to settled. Two who change the same name could otherwise cross, and leave a
// value whose name nobody knows.
func (x *Index) exclusively(do func() error) error {
	if err := atomicfile.MkdirPrivate(filepath.Dir(x.path)); err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(x.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

// change reads, changes and writes the file. The caller holds the lock.
func (x *Index) change(edit func(*indexFile)) error {
	f, err := x.load()
	if err != nil {
		return err
	}
	edit(f)
	return x.save(f)
}
