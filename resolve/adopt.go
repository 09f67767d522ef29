package resolve

import (
	"context"
	"fmt"
	"strings"
)

// ParseRef is the Ref that has key for its String.
func ParseRef(key string) (Ref, error) {
	parts := strings.Split(key, ":")
	if len(parts) != 3 {
		return Ref{}, fmt.Errorf("%q does not name a secret", key)
	}
	ref := Ref{Project: parts[0], Environment: parts[1], Name: parts[2]}
	return ref, ref.Check()
}

// Unlisted are those of refs that the index does not list.
func (x *Index) Unlisted(refs []Ref) ([]Ref, error) {
	f, err := x.load()
	if err != nil {
		return nil, err
	}
	var unlisted []Ref
	for _, ref := range refs {
		if !f.has(ref) {
			unlisted = append(unlisted, ref)
		}
	}
	return unlisted, nil
}

// Adopt lists those of refs that s holds a value for: the file was lost, or an older one put back. What is listed
// already stays as it is.
func (x *Index) Adopt(ctx context.Context, s Store, refs []Ref) error {
	for _, ref := range refs {
		if err := ref.Check(); err != nil {
			return err
		}
	}
	return x.alone(ctx, s, func() error {
		err := x.change(func(f *indexFile) {
			for _, ref := range refs {
				if !f.has(ref) {
					f.put(ref, x.now(), true)
				}
			}
		})
		if err != nil {
			return err
		}
		return x.settleAll(ctx, s)
	})
}
