package ca

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// SystemRootsPEM returns the roots that this system trusts, read from the files that crypto/x509 reads, and never from
// those that SSL_CERT_FILE and SSL_CERT_DIR name: these may be a client's, or ours. On macOS it is the file that comes
// with the system, without what users have added to their keychains; on Windows it is the user's store of roots.
func SystemRootsPEM() ([]byte, error) {
	b, err := systemRoots()
	if err != nil {
		return nil, err
	}
	return b.text.Bytes(), nil
}

func systemRoots() (bundle, error) {
	var b bundle
	err := b.addRoots(rootFiles(), rootDirs())
	return b, err
}

// atStart is systemRoots for authorities that live no longer than this process.
var atStart = sync.OnceValues(systemRoots)

// ReadAhead begins to read the system's roots, which takes a while, for the Bundle of an ephemeral authority.
func ReadAhead() { go func() { _, _ = atStart() }() }

// addRoots reads the first file that there is, and every directory.
func (b *bundle) addRoots(files, dirs []string) error {
	n, err := b.addStore()
	if err != nil {
		return err
	}
	for _, path := range files {
		if data, err := readLimited(path); err == nil {
			n += b.addPEM(data)
			b.read = map[[sha256.Size]byte]bool{sha256.Sum256(data): true}
			break
		}
	}
	for _, dir := range dirs {
		n += b.addDir(dir)
	}
	if n == 0 {
		return errNoRoots
	}
	return nil
}

// addDir leaves out links within dir: OpenSSL's hashed names for the files beside them. What cannot be read is no root,
// as for crypto/x509.
func (b *bundle) addDir(dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if to, err := os.Readlink(path); err == nil && !strings.Contains(to, "/") {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if data, err := readLimited(path); err == nil {
			n += b.addPEM(data)
		}
	}
	return n
}

func rootFiles() []string {
	switch runtime.GOOS {
	case "linux":
		return []string{
			"/etc/ssl/certs/ca-certificates.crt",                // Debian, Arch, Gentoo
			"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora
			"/etc/ssl/ca-bundle.pem",                            // SUSE
			"/etc/pki/tls/cacert.pem",                           // OpenELEC
			"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL
			"/etc/ssl/cert.pem",                                 // Alpine
		}
	case "freebsd":
		return []string{"/usr/local/etc/ssl/cert.pem", "/etc/ssl/cert.pem", "/usr/local/share/certs/ca-root-nss.crt"}
	case "netbsd":
		return []string{"/etc/openssl/certs/ca-certificates.crt"}
	case "windows":
		return nil
	}
	return []string{"/etc/ssl/cert.pem"}
}

func rootDirs() []string {
	switch runtime.GOOS {
	case "linux":
		return []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
	case "freebsd":
		return []string{"/etc/ssl/certs", "/usr/local/share/certs"}
	case "netbsd":
		return []string{"/etc/openssl/certs"}
	}
	return nil
}
