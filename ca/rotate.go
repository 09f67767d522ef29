package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Rotation. People and trust stores have to be given a new root before anything is signed with it, and what was signed
// with the old one must be believed until nobody holds it any more. So there are two roots in a directory for a while:
//
//	end - 60 days  the next root is made, beside the one that signs, and is in bundles from then on
//	end - 30 days  the next one signs
//	end            the old one is no longer valid, is taken out of bundles, and the next one takes its place
//
// Nothing is thrown away before its end: a clock that was wrong for a while leaves everything as it was.
const (
	announced = 30 * day // how long a root is in bundles before it signs
	overlap   = 30 * day // how long it is trusted after the next one signs
)

const (
	nextCertFile = "ca-next.pem"
	nextKeyFile  = "ca-next-key.pem"
)

// pair is a root with its key, and the files where it is kept.
type pair struct {
	cert        *x509.Certificate
	key         *ecdsa.PrivateKey
	certPath    string
	keyPath     string
	from, until time.Time // when it signs
}

func (p *pair) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: p.cert.Raw})
}

func (p *pair) made() time.Time { return p.cert.NotBefore.Add(skew) }

// plan says when each of the two signs; next may be nil.
func plan(current, next *pair) {
	current.from, current.until = current.made(), current.cert.NotAfter.Add(-overlap)
	if next == nil {
		return
	}
	// One that was made late, because nobody looked, has less time to become known.
	begin := earliest(next.made().Add(announced), current.cert.NotAfter.Add(-leafLife))
	current.until, next.from, next.until = begin, begin, next.cert.NotAfter.Add(-overlap)
}

// openRoots returns the root that signs at this time, and the other that is to be trusted, if there is one.
func openRoots(dir string, c Config) (signs, other *pair, err error) {
	now := c.now()
	current, err := openPair(dir, certFile, keyFile, rootMaker(c, true))
	if err != nil {
		return nil, nil, err
	}
	next, err := openNext(dir, current, c)
	if err != nil {
		return nil, nil, err
	}
	if next != nil && now.After(current.cert.NotAfter) && validity(next.cert, now, next.certPath) == nil {
		if current, err = promote(dir, next); err != nil {
			return nil, nil, err
		}
		next = nil
	}
	plan(current, next)
	if next != nil && !now.Before(next.from) && validity(next.cert, now, next.certPath) == nil {
		return next, current, nil
	}
	if err := validity(current.cert, now, current.certPath); err != nil {
		return nil, nil, err
	}
	return current, next, nil
}

// openNext returns the root that follows current, which is made when it is time to, or nil.
func openNext(dir string, current *pair, c Config) (*pair, error) {
	now := c.now()
	due := now.After(current.cert.NotAfter.Add(-overlap-announced)) && !now.After(current.cert.NotAfter)
	next, err := openPair(dir, nextCertFile, nextKeyFile, rootMaker(c, due))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case bytes.Equal(next.cert.Raw, current.cert.Raw): // promote was cut short
		return nil, forgetNext(dir)
	}
	return next, nil
}

// rootMaker returns nil where none is to be made.
func rootMaker(c Config, wanted bool) func(keyPath string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	if !wanted {
		return nil
	}
	return func(keyPath string) (*x509.Certificate, *ecdsa.PrivateKey, error) { return create(keyPath, c) }
}

// openPair reads a root, or has it made if there is nothing of it at all.
func openPair(dir, cert, key string, make func(string) (*x509.Certificate, *ecdsa.PrivateKey, error)) (*pair, error) {
	p := &pair{certPath: filepath.Join(dir, cert), keyPath: filepath.Join(dir, key)}
	var err error
	p.cert, p.key, err = load(p.certPath, p.keyPath)
	if errors.Is(err, fs.ErrNotExist) && make != nil {
		p.cert, p.key, err = make(p.keyPath)
	}
	if err != nil {
		return nil, err
	}
	return p, copyCert(p.certPath, p.keyPath, p.cert)
}

// promote puts next in the place of the root before it, whose time is over. Wherever it is cut short, what is left is
// a whole root: the certificate's own file is made again from that of the key.
func promote(dir string, next *pair) (*pair, error) {
	data, err := atomicfile.ReadPrivate(next.keyPath)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(dir, certFile)); err != nil {
		return nil, fmt.Errorf("put the next root in its place: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, keyFile), data, 0o600); err != nil {
		return nil, err
	}
	current, err := openPair(dir, certFile, keyFile, nil)
	if err != nil {
		return nil, err
	}
	return current, forgetNext(dir)
}

func forgetNext(dir string) error {
	for _, name := range []string{nextCertFile, nextKeyFile} { // a certificate without its key would be taken for damage
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put the next root in its place: %w", err)
		}
	}
	return nil
}

// Root is a root certificate that is kept, and when it signs.
type Root struct {
	PEM         []byte
	Name        string
	From, Until time.Time
	NotAfter    time.Time
}

// Roots reads the certificates in dir and makes nothing. The one that is to follow, if there is one, comes last.
func Roots(dir string) ([]Root, error) {
	current, err := readCert(filepath.Join(dir, certFile))
	if err != nil {
		return nil, fmt.Errorf("read the root certificate: %w", err)
	}
	next, err := readCert(filepath.Join(dir, nextCertFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the next root certificate: %w", err)
	}
	plan(current, next)
	var roots []Root
	for _, p := range []*pair{current, next} {
		if p != nil {
			roots = append(roots, Root{p.pem(), p.cert.Subject.CommonName, p.from, p.until, p.cert.NotAfter})
		}
	}
	return roots, nil
}

func readCert(path string) (*pair, error) {
	data, err := atomicfile.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != typeCertificate || len(bytes.TrimSpace(rest)) > 0 {
		return nil, &CorruptError{path, "it is not one certificate in PEM form"}
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, &CorruptError{path, "its certificate is damaged"}
	}
	return &pair{cert: cert, certPath: path}, nil
}
