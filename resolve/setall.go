package resolve

import (
	"context"
	"errors"
	"fmt"
)

// Item is a value and the name under which it is to be kept.
type Item struct {
	Name  string
	Value Value
}

// batchStore is a Store that keeps several values in one step: after a crash there are all or none. SetAll is
// errors.ErrUnsupported where it is one that does not, after all.
type batchStore interface {
	SetAll(ctx context.Context, all map[Ref]Value) error
}

// SetAll keeps items in one environment of a project, and their names in the index: all of them, or none where it
// returns an error. Stores that take one value at a time may be left with a part by a crash, never by an error that
// they return and recover from.
func (x *Index) SetAll(ctx context.Context, s Store, project, environment string, items []Item) error {
	all := make(map[Ref]Value, len(items))
	refs := make([]Ref, len(items))
	for i, item := range items {
		ref := Ref{Project: project, Environment: environment, Name: item.Name}
		if err := errors.Join(ref.Check(), ValidName(ref.Name)); err != nil {
			return err
		}
		if err := item.Value.fits(); err != nil {
			return fmt.Errorf("set %s: %w", ref.Name, err)
		}
		if _, twice := all[ref]; twice {
			return fmt.Errorf("set %s: it is there twice", ref.Name)
		}
		refs[i], all[ref] = ref, item.Value
	}
	return x.alone(ctx, s, func() error { return x.setAll(ctx, s, refs, all) })
}

// setAll runs with the lock held. Where the store stays as it was, so does the index.
func (x *Index) setAll(ctx context.Context, s Store, refs []Ref, all map[Ref]Value) error {
	before, err := x.load()
	if err != nil {
		return err
	}
	putAll := func(pending bool) func(*indexFile) {
		return func(f *indexFile) {
			for _, ref := range refs {
				f.put(ref, x.now(), pending)
			}
		}
	}
	if err := x.change(putAll(true)); err != nil {
		return err
	}
	if undone, err := storeAll(ctx, s, refs, all); err != nil {
		if undone {
			return errors.Join(err, x.save(before))
		}
		_ = x.settleAll(context.WithoutCancel(ctx), s) // what stays pending now, a later Reconcile settles
		return err
	}
	return x.change(putAll(false))
}

// storeAll reports, with its error, whether the store is as it was.
func storeAll(ctx context.Context, s Store, refs []Ref, all map[Ref]Value) (undone bool, err error) {
	if b, ok := s.(batchStore); ok {
		// Its error does not say which of all or none it was, if the write failed at its very end.
		if err := b.SetAll(ctx, all); !errors.Is(err, errors.ErrUnsupported) {
			return false, err
		}
	}
	old := make([]Value, 0, len(refs)) // the zero Value: there was none
	for i, ref := range refs {
		v, err := s.Resolve(ctx, ref)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return undo(ctx, s, refs[:i], old, fmt.Errorf("set %s: %w", ref.Name, err))
		}
		old = append(old, v)
		if err := s.Set(ctx, ref, all[ref]); err != nil {
			return undo(ctx, s, refs[:i+1], old, fmt.Errorf("set %s: %w", ref.Name, err))
		}
	}
	return true, nil
}

// undo puts back what refs were, although ctx may be what ended.
func undo(ctx context.Context, s Store, refs []Ref, old []Value, cause error) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	var failed error
	for i, ref := range refs {
		err := error(nil)
		if old[i].IsZero() {
			if err = s.Delete(ctx, ref); errors.Is(err, ErrNotFound) {
				err = nil
			}
		} else {
			err = s.Set(ctx, ref, old[i])
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("put %s back: %w", ref.Name, err))
		}
	}
	return failed == nil, errors.Join(cause, failed)
}
