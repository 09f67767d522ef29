package ca

import (
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// ValidityError says that a root CA is not valid at present. A persistent root is never replaced for that: people and
// trust stores would go on trusting the old one and wonder.
type ValidityError struct {
	Path                string // of the root's file; "" for that of a run
	Now                 time.Time
	NotBefore, NotAfter time.Time
}

func (e *ValidityError) Error() string {
	what := "the CA of this run"
	if e.Path != "" {
		what = "the root CA " + e.Path
	}
	if e.Now.Before(e.NotBefore) {
		return fmt.Sprintf("%s is valid only from %s, and the clock says %s", what, stamp(e.NotBefore), stamp(e.Now))
	}
	return fmt.Sprintf("%s expired on %s", what, stamp(e.NotAfter))
}

// Hint says what makes the root valid, or gives a new one.
func (e *ValidityError) Hint() string {
	switch {
	case e.Now.Before(e.NotBefore):
		return "set the clock of this machine right"
	case e.Path == "":
		return "end the run and start it again"
	}
	return "move it away, and a new one is made: " + moveAway(e.Path)
}

func stamp(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func validity(root *x509.Certificate, now time.Time, path string) error {
	if now.Before(root.NotBefore) || now.After(root.NotAfter) {
		return &ValidityError{Path: path, Now: now, NotBefore: root.NotBefore, NotAfter: root.NotAfter}
	}
	return nil
}

// moveAway is the command that puts the root of a file aside without losing it. The next root goes without the one that
// clients have.
func moveAway(path string) string {
	dir, files := filepath.Dir(path), "ca*.pem"
	if base := filepath.Base(path); base == nextCertFile || base == nextKeyFile {
		files = "ca-next*.pem"
	}
	old := filepath.Join(dir, "old-ca")
	return fmt.Sprintf("mkdir -p -m 700 %s && mv %s/%s %s", quote(old), quote(dir), files, quote(old))
}

// quote makes s one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
