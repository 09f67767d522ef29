package ca

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
)

// maxBundle is many times the largest bundle in use (about 0.3 MB).
const maxBundle = 32 << 20

// bundle collects certificates, each once.
type bundle struct {
	text bytes.Buffer
	seen map[[sha256.Size]byte]bool // certificates
	read map[[sha256.Size]byte]bool // files, of which variables often name one that the system has
}

func (b *bundle) clone() bundle {
	c := bundle{seen: maps.Clone(b.seen), read: b.read}
	c.text.Write(b.text.Bytes())
	return c
}

func (b *bundle) add(der []byte) {
	sum := sha256.Sum256(der)
	if b.seen[sum] {
		return
	}
	if b.seen == nil {
		b.seen = map[[sha256.Size]byte]bool{}
	}
	b.seen[sum] = true
	_ = pem.Encode(&b.text, &pem.Block{Type: typeCertificate, Bytes: der}) // to a buffer: cannot fail
}

// addPEM takes certificates only: bundles of others hold comments, private keys and broken blocks, and one broken block
// makes OpenSSL refuse the whole file. It returns how many certificates there were.
func (b *bundle) addPEM(data []byte) int {
	n := 0
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return n
		}
		if block.Type == typeCertificate && isCertificate(block.Bytes) {
			b.add(block.Bytes)
			n++
		}
	}
}

// isCertificate looks at the outer form only: crypto/x509 refuses some old roots that OpenSSL takes.
func isCertificate(der []byte) bool {
	var c struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &c)
	return err == nil && len(rest) == 0 && c.TBS.Tag == asn1.TagSequence
}

func (b *bundle) addFile(path string) error {
	info, err := os.Stat(path) // of what a link leads to: /etc is full of them
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	data, err := readLimited(path)
	if err != nil {
		return err
	}
	if b.read[sha256.Sum256(data)] {
		return nil
	}
	if b.addPEM(data) == 0 {
		return fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBundle+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBundle {
		return nil, fmt.Errorf("%s is too large for a CA bundle", path)
	}
	return data, nil
}

var errNoRoots = errors.New("no system roots found: install the package ca-certificates")
