package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// The key file holds the certificate as well: one atomic write makes the whole root, and the certificate's own file
// is a copy that can be made again after a crash between the two.
const (
	certFile = "ca.pem"
	keyFile  = "ca-key.pem"
	lockFile = "ca.lock"

	typeCertificate = "CERTIFICATE"
	typeKey         = "PRIVATE KEY"
)

// CorruptError says why a root CA's files are not used. They are never overwritten.
type CorruptError struct {
	Path   string
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the root CA's file %s cannot be used: %s", e.Path, e.Reason)
}

// Hint says how to get a root that can be used.
func (e *CorruptError) Hint() string {
	return "put a backup in its place, or move both files away, and a new root is made: " + moveAway(e.Path)
}

// Open returns the root in dir: ca.pem for everybody to trust, and ca-key.pem, which nobody else may read. They are
// made on first use, under a lock. Near its end the next one is made beside it. Damaged files are a *CorruptError, a
// root that is expired without a next one a *ValidityError.
func Open(dir string, c Config) (*Authority, error) {
	if err := atomicfile.MkdirPrivate(dir); err != nil {
		return nil, fmt.Errorf("open root CA: %w", err)
	}
	unlock, err := atomicfile.Lock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("open root CA: %w", err)
	}
	defer unlock()
	signs, other, err := openRoots(dir, c)
	if err != nil {
		return nil, fmt.Errorf("open root CA: %w", err)
	}
	a, err := newAuthority(c, signs.cert, signs.key, signs.certPath)
	if err != nil {
		return nil, err
	}
	a.from, a.until = signs.from, signs.until
	if other == nil { // then there is to be one
		a.until = earliest(a.until, signs.cert.NotAfter.Add(-overlap-announced))
		return a, nil
	}
	a.other = other.cert
	a.until = earliest(a.until, other.cert.NotAfter)
	return a, nil
}

// load returns fs.ErrNotExist only where there is nothing of a root at all.
func load(certPath, path string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	data, err := atomicfile.ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := os.Lstat(certPath); !errors.Is(statErr, fs.ErrNotExist) {
			return nil, nil, &CorruptError{path, "it is missing, and the certificate without its key is of no use"}
		}
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, err
	}
	root, key, err := decode(data)
	if err != nil {
		return nil, nil, &CorruptError{path, err.Error()}
	}
	return root, key, nil
}

func create(path string, c Config) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	root, key, err := newRoot(rootName(), c.now(), persistentLife, nil)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the root's key: %w", err)
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: typeCertificate, Bytes: root.Raw}, {Type: typeKey, Bytes: der}} {
		if err := pem.Encode(&b, block); err != nil {
			return nil, nil, fmt.Errorf("encode the root: %w", err)
		}
	}
	if err := atomicfile.Write(path, b.Bytes(), 0o600); err != nil {
		return nil, nil, err
	}
	return root, key, nil
}

// decode takes nothing but one certificate and its key. Its errors quote nothing of the file.
func decode(data []byte) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	first, rest := pem.Decode(data)
	if first == nil || first.Type != typeCertificate {
		return nil, nil, errors.New("it does not begin with a certificate")
	}
	second, rest := pem.Decode(rest)
	if second == nil || second.Type != typeKey || len(bytes.TrimSpace(rest)) > 0 {
		return nil, nil, errors.New("it does not hold one certificate and one key")
	}
	root, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, nil, errors.New("its certificate is damaged")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(second.Bytes)
	if err != nil {
		return nil, nil, errors.New("its key is damaged")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, nil, errors.New("its key is not an ECDSA key on P-256")
	}
	return root, key, checkRoot(root, key)
}

func checkRoot(root *x509.Certificate, key *ecdsa.PrivateKey) error {
	switch {
	case !key.PublicKey.Equal(root.PublicKey):
		return errors.New("its key does not belong to its certificate")
	case !root.IsCA || !root.MaxPathLenZero || root.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("its certificate is not that of a root CA for leaves only")
	case root.CheckSignatureFrom(root) != nil:
		return errors.New("its certificate is damaged: the signature does not fit")
	}
	return nil
}

// copyCert makes sure that path holds the root's certificate, which people are told to trust.
func copyCert(path, keyPath string, root *x509.Certificate) error {
	data, err := atomicfile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return atomicfile.Write(path, pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: root.Raw}), 0o644)
	}
	if err != nil {
		return err
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != typeCertificate || !bytes.Equal(block.Bytes, root.Raw) || len(bytes.TrimSpace(rest)) > 0 {
		return &CorruptError{path, "it is not the certificate that " + filepath.Base(keyPath) + " holds"}
	}
	return nil
}
