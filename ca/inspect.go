package ca

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Inspect is Open for who wants to know whether it would succeed: keys are read and compared with their certificates,
// and nothing is made or moved. It is fs.ErrNotExist where there is no root yet. The root that is to follow comes last.
func Inspect(dir string, c Config) ([]Root, error) {
	now := c.now()
	current, err := inspectPair(dir, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	pairs := []*pair{current}
	next, err := inspectPair(dir, nextCertFile, nextKeyFile)
	switch {
	case err == nil && !bytes.Equal(next.cert.Raw, current.cert.Raw):
		pairs = append(pairs, next)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		next = nil
	}
	plan(current, next)
	if err := validity(pairs[len(pairs)-1].cert, now, pairs[len(pairs)-1].certPath); err != nil {
		return nil, err
	}
	if next == nil || now.Before(next.from) {
		if err := validity(current.cert, now, current.certPath); err != nil {
			return nil, err
		}
	}
	var roots []Root
	for _, p := range pairs {
		roots = append(roots, Root{p.pem(), p.cert.Subject.CommonName, p.from, p.until, p.cert.NotAfter})
	}
	return roots, nil
}

func inspectPair(dir, cert, key string) (*pair, error) {
	p := &pair{certPath: filepath.Join(dir, cert), keyPath: filepath.Join(dir, key)}
	var err error
	if p.cert, p.key, err = load(p.certPath, p.keyPath); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(p.certPath); errors.Is(err, fs.ErrNotExist) {
		return p, nil // Open makes it again from that of the key
	}
	return p, copyCert(p.certPath, p.keyPath, p.cert)
}

// Near reports whether the root that signs last comes to its end soon, which only happens where nothing of ours has
// run for long: Open makes the next one.
func Near(roots []Root, now time.Time) bool {
	return len(roots) > 0 && now.After(roots[len(roots)-1].NotAfter.Add(-overlap-announced))
}

// Command puts the files aside, without losing them; a new root is then made.
func (e *CorruptError) Command() string { return moveAway(e.Path) }

// Command puts a root that is expired aside; of one that is not yet valid, and of a run's, there is none.
func (e *ValidityError) Command() string {
	if e.Path == "" || e.Now.Before(e.NotBefore) {
		return ""
	}
	return moveAway(e.Path)
}

// Public reports whether the file at path is for everybody to read: a certificate of Open's directories.
func Public(path string) bool {
	base := filepath.Base(path)
	return base == certFile || base == nextCertFile
}
