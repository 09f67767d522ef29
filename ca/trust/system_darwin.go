package trust

import (
	"context"
	"errors"
	"fmt"
	"os"
)

const libraryPlace = "/Library/Keychains/System.keychain"

func systemPlaces() ([]place, error) { return []place{library{}}, nil }

// systemHas asks whether the keychain has the root, and then whether the system trusts it.
func systemHas(ctx context.Context, r *root) (bool, error) {
	security := tool{path: "/usr/bin/security"}
	all, err := security.run(ctx, nil, "find-certificate", "-a", "-p", libraryPlace)
	if err != nil {
		return false, err
	}
	if found, _ := r.in(all); !found {
		return false, nil
	}
	f, err := os.CreateTemp("", r.name+"-*.pem")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(r.pem)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	if _, err := security.run(ctx, nil, "verify-cert", "-c", f.Name(), "-l", "-L", "-p", "basic"); err != nil {
		return false, fmt.Errorf("the keychain has the root, and it is not trusted: %w", err)
	}
	return true, nil
}
