//go:build !linux && !darwin && !windows

package trust

import (
	"context"

	"github.com/agentsecrets/agentsecrets/ca"
)

const libraryPlace = "the system's roots"

func systemPlaces() ([]place, error) { return []place{library{}}, nil }

func systemHas(_ context.Context, r *root) (bool, error) {
	roots, err := ca.SystemRootsPEM()
	if err != nil {
		return false, err
	}
	found, _ := r.in(roots)
	return found, nil
}
