package trust

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

const typeCertificate = "CERTIFICATE"

// root is the certificate, and the name that it has where we put it.
type root struct {
	cert *x509.Certificate
	pem  []byte
	name string // of letters, digits and dashes, another for every root
}

// parseRoot takes one certificate and nothing beside it: what is installed for everybody to read must not hold a key.
func parseRoot(data []byte) (*root, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != typeCertificate || len(bytes.TrimSpace(rest)) > 0 || !bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		return nil, errors.New("it is not one certificate in PEM form")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	if !cert.BasicConstraintsValid || !cert.IsCA || cert.CheckSignatureFrom(cert) != nil {
		return nil, errors.New("it is not the certificate of a root CA")
	}
	sum := sha256.Sum256(cert.Raw)
	return &root{
		cert: cert,
		pem:  pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: cert.Raw}),
		name: "agentsecrets-" + hex.EncodeToString(sum[:8]),
	}, nil
}

func (r *root) valid(now time.Time) error {
	if now.Before(r.cert.NotBefore) || now.After(r.cert.NotAfter) {
		return fmt.Errorf("it is valid only from %s to %s", r.cert.NotBefore.UTC().Format(time.DateOnly), r.cert.NotAfter.UTC().Format(time.DateOnly))
	}
	return nil
}

// is reports whether der is the root, and not another with the same name.
func (r *root) is(der []byte) bool { return bytes.Equal(der, r.cert.Raw) }

// in reports whether the root is among the certificates of a PEM file, and whether there are others.
func (r *root) in(data []byte) (found, others bool) {
	for block := range certificates(data) {
		if r.is(block) {
			found = true
		} else {
			others = true
		}
	}
	return found, others
}

// certificates yields those of a PEM file. They are not looked into.
func certificates(data []byte) func(yield func(der []byte) bool) {
	return func(yield func([]byte) bool) {
		for {
			var block *pem.Block
			if block, data = pem.Decode(data); block == nil {
				return
			}
			if block.Type == typeCertificate && !yield(block.Bytes) {
				return
			}
		}
	}
}
