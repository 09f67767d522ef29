// Package ca is a local root CA that mints leaf certificates on demand.
//
//	run, err := ca.NewEphemeral(ca.Config{})        // key only in memory
//	root, err := ca.Open(dir, ca.Config{})          // ca.pem and ca-key.pem in dir, made on first use
//	cert, err := run.Leaf("api.stripe.com")         // for tls.Config.GetCertificate
//	os.WriteFile(path, run.PEM(), 0o444)            // what clients must trust
//	bundle, err := run.Bundle(os.Getenv("SSL_CERT_FILE")) // for variables that replace the roots
//
// Guarantees: what is minted passes the strict verifiers (OpenSSL's X509_STRICT, the default of Python since 3.13); a
// root signs servers' leaves only, no further CA; one that is kept is followed by a new one that bundles hold for 30 days
// before it signs; one of Only certain hosts is believed for no other; a root that is expired, damaged or open to other users is an error
// and is never replaced in silence; an Authority is safe for concurrent use.
package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Config holds what an Authority needs from outside. The zero value is fine.
type Config struct {
	// Now is the clock; nil means time.Now. Called concurrently.
	Now func() time.Time
	// Only are the hosts that an ephemeral root may vouch for, and the names below them: its name constraints. Nil: all.
	Only []string
	// Minted and Hit are told of every leaf made and every leaf recalled; nil tells nobody. Called concurrently.
	Minted, Hit func()
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c Config) minted() {
	if c.Minted != nil {
		c.Minted()
	}
}

func (c Config) hit() {
	if c.Hit != nil {
		c.Hit()
	}
}

// Authority is a root CA and the leaf certificates it has minted.
type Authority struct {
	cfg         Config
	root        *x509.Certificate
	key         *ecdsa.PrivateKey // the root's
	other       *x509.Certificate // one that clients are to trust as well; nil: none
	from, until time.Time         // when Open finds the same; zero: for ever
	path        string            // of the root where it is kept, for errors
	leaves      *ecdsa.PrivateKey // one for all leaves: a key each would cost time and protect nothing, they all live here
	keyID       []byte            // of leaves
	flight      singleflight.Group
	system      func() (bundle, error) // systemRoots once: it reads some hundred files

	mu    sync.Mutex
	cache cache
}

// NewEphemeral makes a root whose key never leaves this process. It is valid for a year, so that a server in a run
// keeps working, and gone with the process.
func NewEphemeral(c Config) (*Authority, error) {
	root, key, err := newRoot(runName(), c.now(), ephemeralLife, c.Only)
	if err != nil {
		return nil, err
	}
	a, err := newAuthority(c, root, key, "")
	if err == nil {
		a.system = atStart
	}
	return a, err
}

func newAuthority(c Config, root *x509.Certificate, key *ecdsa.PrivateKey, path string) (*Authority, error) {
	leaves, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of leaves: %w", err)
	}
	id, err := keyID(leaves.Public())
	if err != nil {
		return nil, err
	}
	return &Authority{cfg: c, root: root, key: key, path: path, leaves: leaves, keyID: id, system: sync.OnceValues(systemRoots)}, nil
}

// PEM is the root certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: a.root.Raw})
}

// Trusted is PEM, and behind it the root before it or after it while clients are to trust two.
func (a *Authority) Trusted() []byte {
	if a.other == nil || validity(a.other, a.cfg.now(), "") != nil {
		return a.PEM()
	}
	return append(a.PEM(), pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: a.other.Raw})...)
}

// Current reports whether Open would find the same. If not, it is another root's time to sign, or to become known.
func (a *Authority) Current() bool {
	now := a.cfg.now()
	return a.until.IsZero() || !now.Before(a.from) && now.Before(a.until)
}

// Bundle is a file for clients that replace their roots by it: the system's, those in the file existing ("" for none)
// and ours, each once. Only certificates are taken over from existing. Without system roots it does without them: on
// such a system clients have none either.
func (a *Authority) Bundle(existing string) ([]byte, error) {
	system, err := a.system()
	if err != nil && !errors.Is(err, errNoRoots) {
		return nil, err
	}
	b := system.clone()
	if existing != "" {
		if err := b.addFile(existing); err != nil {
			return nil, fmt.Errorf("read CA bundle: %w", err)
		}
	}
	b.addPEM(a.Trusted())
	return b.text.Bytes(), nil
}

// Leaf returns the certificate for host, a DNS name or an IP address without brackets, with the root behind it. One
// that has more than half of its life left is recalled, else a new one is minted.
func (a *Authority) Leaf(host string) (*tls.Certificate, error) {
	name, err := parseHost(host)
	if err != nil {
		return nil, fmt.Errorf("mint leaf for %.64q: %w", host, err)
	}
	if cert := a.recall(name.text); cert != nil {
		a.cfg.hit()
		return cert, nil
	}
	got, err, _ := a.flight.Do(name.text, func() (any, error) {
		if cert := a.recall(name.text); cert != nil { // minted between the look above and this one
			return cert, nil
		}
		return a.mintAndKeep(name)
	})
	if err != nil {
		return nil, fmt.Errorf("mint leaf for %q: %w", name.text, err)
	}
	return got.(*tls.Certificate), nil
}

func (a *Authority) recall(host string) *tls.Certificate {
	now := a.cfg.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cache.get(host, now)
}

func (a *Authority) mintAndKeep(name hostName) (*tls.Certificate, error) {
	now := a.cfg.now()
	cert, err := a.mint(name, now)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.cache.put(name.text, cert, now)
	a.mu.Unlock()
	a.cfg.minted()
	return cert, nil
}
