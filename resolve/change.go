package resolve

import (
	"context"
	"errors"
	"fmt"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Step is what a change does to one secret: it gets the value that From has of the same name, or is deleted.
type Step struct {
	Name        string `json:"name"`
	Environment string `json:"environment"`
	From        string `json:"from,omitempty"` // an environment; "" deletes
}

// Project lists the names that exist in each environment of a project, sorted.
func (x *Index) Project(project string) (map[string][]string, error) {
	f, err := x.load()
	if err != nil {
		return nil, err
	}
	return f.names(project), nil
}

// Projects says of each project that has secrets how many names there are in all its environments.
func (x *Index) Projects() (map[string]int, error) {
	f, err := x.load()
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for project := range f.Projects {
		for _, names := range f.names(project) {
			if n := len(names); n > 0 {
				count[project] += n
			}
		}
	}
	return count, nil
}

// Apply does what plan says of the names that there are (see Project), all of it or nothing: what fails is taken back,
// and what a crash cuts short is brought to its end by the next Apply, Set, Delete or Reconcile, before anything else
// is changed. plan is called once, while nobody else can change anything.
func (x *Index) Apply(ctx context.Context, s Store, project string, plan func(names map[string][]string) ([]Step, error)) error {
	return x.alone(ctx, s, func() error {
		f, err := x.load()
		if err != nil {
			return err
		}
		steps, err := plan(f.names(project))
		if err != nil || len(steps) == 0 {
			return err
		}
		c := change{Version: changeVersion, Project: project, Steps: steps}
		if err := c.check(); err != nil {
			return err
		}
		before, err := c.held(ctx, s)
		if err != nil {
			return err
		}
		if err := x.saveChange(c); err != nil {
			return err
		}
		if err := x.carryOut(ctx, s, c); err != nil {
			return x.takeBack(ctx, s, c, before, f, err)
		}
		return x.saveChange(change{Version: changeVersion})
	})
}

// alone holds the lock, and has nothing unfinished before it.
func (x *Index) alone(ctx context.Context, s Store, do func() error) error {
	return x.exclusively(func() error {
		if err := x.resume(ctx, s); err != nil {
			return err
		}
		return do()
	})
}

// resume brings a change to its end that a crash has cut short. Doing its steps again does no harm: since then nothing
// was changed, or it would have been resumed before.
func (x *Index) resume(ctx context.Context, s Store) error {
	c, err := x.loadChange()
	if err != nil || len(c.Steps) == 0 {
		return err
	}
	if err := x.carryOut(ctx, s, c); err != nil {
		return fmt.Errorf("finish what was interrupted: %w", err)
	}
	return x.saveChange(change{Version: changeVersion})
}

func (x *Index) carryOut(ctx context.Context, s Store, c change) error {
	err := x.change(func(f *indexFile) {
		for _, step := range c.Steps {
			f.put(c.ref(step.Environment, step.Name), x.now(), true)
		}
	})
	if err != nil {
		return err
	}
	exists := make([]bool, len(c.Steps))
	for i, step := range c.Steps {
		if exists[i], err = c.do(ctx, s, step); err != nil {
			return err
		}
	}
	return x.change(func(f *indexFile) {
		for i, step := range c.Steps {
			f.settle(c.ref(step.Environment, step.Name), exists[i])
		}
	})
}

// do takes one step and reports whether there is a value now. What was to be copied and is gone, out of our hands, stays
// as it is.
func (c change) do(ctx context.Context, s Store, step Step) (bool, error) {
	ref := c.ref(step.Environment, step.Name)
	if step.From == "" {
		if err := s.Delete(ctx, ref); err != nil && !errors.Is(err, ErrNotFound) {
			return false, fmt.Errorf("delete %s: %w", ref.Name, err)
		}
		return false, nil
	}
	v, err := resolveAny(ctx, s, c.ref(step.From, step.Name))
	if err == nil && v.IsZero() {
		v, err = resolveAny(ctx, s, ref)
	} else if err == nil {
		err = s.Set(ctx, ref, v)
	}
	if err != nil {
		return false, fmt.Errorf("copy %s: %w", ref.Name, err)
	}
	return !v.IsZero(), nil
}

// held is what the store holds where the steps lead, the zero Value for nothing. What is to be copied must be there.
func (c change) held(ctx context.Context, s Store) ([]Value, error) {
	values := make([]Value, len(c.Steps))
	for i, step := range c.Steps {
		v, err := resolveAny(ctx, s, c.ref(step.Environment, step.Name))
		if err == nil && step.From != "" {
			_, err = s.Resolve(ctx, c.ref(step.From, step.Name))
		}
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", step.Name, err)
		}
		values[i] = v
	}
	return values, nil
}

// resolveAny is the zero Value for what is not there.
func resolveAny(ctx context.Context, s Store, ref Ref) (Value, error) {
	v, err := s.Resolve(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return Value{}, nil
	}
	return v, err
}

// takeBack puts the values and the index of before in their places. If that fails too, the change stays unfinished and
// is brought to its end later.
func (x *Index) takeBack(ctx context.Context, s Store, c change, before []Value, f *indexFile, cause error) error {
	refs := make([]Ref, len(c.Steps))
	for i, step := range c.Steps {
		refs[i] = c.ref(step.Environment, step.Name)
	}
	undone, err := undo(ctx, s, refs, before, cause)
	if !undone {
		return err
	}
	if failed := x.save(f); failed != nil {
		return errors.Join(err, failed)
	}
	return errors.Join(err, x.saveChange(change{Version: changeVersion}))
}

// Unsettled reports whether a crash has left something for Reconcile to settle.
func (x *Index) Unsettled() (bool, error) {
	c, err := x.loadChange()
	if err != nil || len(c.Steps) > 0 {
		return true, err
	}
	f, err := x.load()
	return err == nil && len(f.pending()) > 0, err
}

func (x *Index) changePath() string { return x.path + ".change" }

func (x *Index) saveChange(c change) error {
	data, err := encodeChange(c)
	if err != nil {
		return fmt.Errorf("write %s: %w", x.changePath(), err)
	}
	return atomicfile.Write(x.changePath(), data, 0o600)
}
