package agefile

import (
	"context"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// DeleteAll removes refs, those that are there, and from the backup too.
func (s *Store) DeleteAll(ctx context.Context, refs []resolve.Ref) error {
	err := s.edit(ctx, func(all values) error {
		for _, ref := range refs {
			delete(all, ref.String())
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.edit(ctx, func(values) error { return nil }) // the backup is the vault before the last change
}
