package trust

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

const libraryPlace = "CurrentUser Root"

// systemPlaces has the user's own store. Windows itself asks in a window before it changes that one.
func systemPlaces() ([]place, error) { return []place{library{}}, nil }

func systemHas(_ context.Context, r *root) (bool, error) {
	name, err := windows.UTF16PtrFromString("ROOT")
	if err != nil {
		return false, err
	}
	store, err := windows.CertOpenSystemStore(0, name)
	if err != nil {
		return false, fmt.Errorf("open the store of roots: %w", err)
	}
	defer windows.CertCloseStore(store, 0)
	var cert *windows.CertContext
	for {
		cert, err = windows.CertEnumCertificatesInStore(store, cert) // frees the one before
		if errors.Is(err, windows.Errno(windows.CRYPT_E_NOT_FOUND)) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read the store of roots: %w", err)
		}
		if r.is(unsafe.Slice(cert.EncodedCert, cert.Length)) {
			return true, errors.Join(windows.CertFreeCertificateContext(cert))
		}
	}
}
