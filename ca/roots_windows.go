package ca

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/windows"
)

// addStore takes what Windows trusts for this user, where the machine's roots show too. Windows fetches some of its own
// only when a site asks for them first: these are missing until then.
func (b *bundle) addStore() (int, error) {
	name, err := windows.UTF16PtrFromString("ROOT")
	if err != nil {
		return 0, err
	}
	store, err := windows.CertOpenSystemStore(0, name)
	if err != nil {
		return 0, fmt.Errorf("open the store of roots: %w", err)
	}
	defer windows.CertCloseStore(store, 0)
	n := 0
	var cert *windows.CertContext
	for {
		cert, err = windows.CertEnumCertificatesInStore(store, cert) // frees the one before
		if errors.Is(err, windows.Errno(windows.CRYPT_E_NOT_FOUND)) {
			return n, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read the store of roots: %w", err)
		}
		if der := unsafe.Slice(cert.EncodedCert, cert.Length); isCertificate(der) {
			b.add(slices.Clone(der))
			n++
		}
	}
}
