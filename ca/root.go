package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"
)

const (
	day = 24 * time.Hour
	// skew is how far behind ours a client's clock may be.
	skew          = day
	ephemeralLife = 365 * day
	// persistentLife: trusting a new root takes a person, so not every year.
	persistentLife = 2 * 365 * day
)

// newRoot makes a self-signed root. BasicConstraints are critical and the key identifier is set by CreateCertificate;
// strict verifiers want both (RFC 5280, 4.2.1.9 and 4.2.1.2).
func newRoot(name string, now time.Time, life time.Duration, only []string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the key of the root CA: %w", err)
	}
	id, err := keyID(key.Public())
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(life),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // leaves only
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId:          id,
	}
	if only != nil {
		if err := constrain(template, only); err != nil {
			return nil, nil, err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the root CA: %w", err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("make the root CA: %w", err)
	}
	return root, key, nil
}

// keyID is method 1 of RFC 7093, 2.
func keyID(public crypto.PublicKey) ([]byte, error) {
	k, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("no key identifier for a %T", public)
	}
	point, err := k.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode a public key: %w", err)
	}
	sum := sha256.Sum256(point)
	return sum[:20], nil
}

// runName tells runs apart, so that no verifier takes the roots of two of them for one.
func runName() string { return "AgentSecrets run CA " + shortRandom() }

// rootName tells a person whose root this is in a list of trusted ones. The host's domain and a long name's end are
// left out: the root is shown to every client, and that is enough to know it by.
func rootName() string {
	who, where := "", ""
	if u, err := user.Current(); err == nil {
		who = u.Username[strings.LastIndexByte(u.Username, '\\')+1:] // Windows puts the domain in front
	}
	if h, err := os.Hostname(); err == nil {
		where, _, _ = strings.Cut(h, ".")
	}
	return fmt.Sprintf("AgentSecrets root CA %s@%s %s", namePart(who, 14), namePart(where, 20), shortRandom())
}

// namePart keeps a common name within the 64 characters of RFC 5280 (A.1) and to characters that are safe anywhere.
func namePart(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "unknown"
	}
	return s[:min(len(s), limit)]
}

func shortRandom() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
