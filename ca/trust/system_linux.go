package trust

import (
	"context"
	"os"

	"github.com/agentsecrets/agentsecrets/ca"
)

const libraryPlace = "the system's roots"

func systemPlaces() ([]place, error) {
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		return []place{library{}}, nil
	}
	path, err := find("update-ca-certificates")
	if err != nil {
		return nil, &problem{reason: "the package ca-certificates is not installed", hint: "sudo apt-get install ca-certificates", unavailable: true}
	}
	return []place{debian{
		tool:     path,
		bundle:   "/etc/ssl/certs/ca-certificates.crt",
		shipped:  "/usr/share/ca-certificates",
		local:    "/usr/local/share/ca-certificates",
		selected: "/etc/ca-certificates.conf",
	}}, nil
}

func systemHas(_ context.Context, r *root) (bool, error) {
	roots, err := ca.SystemRootsPEM()
	if err != nil {
		return false, err
	}
	found, _ := r.in(roots)
	return found, nil
}
