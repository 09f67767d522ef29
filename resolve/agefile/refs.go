package agefile

import (
	"maps"
	"slices"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// Refs lists what the store holds, in a fixed order.
func (s *Store) Refs() ([]resolve.Ref, error) {
	all, _, err := s.load()
	if err != nil {
		return nil, err
	}
	refs := make([]resolve.Ref, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		ref, err := resolve.ParseRef(key)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}
