// Package trust puts the daemon's root certificate into the trust stores of this machine, and takes it out again.
//
//	c := trust.Config{PEM: authority.PEM()}
//	report, err := trust.Install(ctx, c) // err says what failed, and by Hint what to do
//	for _, r := range report {
//		fmt.Println(r.Store, r.Place, r.State, r.Reason)
//	}
//	report, err = trust.Uninstall(ctx, c)
//
// Guarantees: a store is reported as installed or absent because it was asked afterwards, by the certificate's bytes;
// nothing but this certificate is taken out; doing it twice is doing it once; nothing asks for a password, and without
// the rights to change a store it says so and leaves it as it is.
//
// The system's store of Debian and its kin is changed with the distribution's own tool, update-ca-certificates; other
// systems' with smallstep/truststore, which on Debian leaves links and the root in Java's store behind when it
// uninstalls. NSS is changed with certutil (package libnss3-tools), Java with the keytool of each Java.
package trust

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// The stores.
const (
	System = "system" // what most programs read
	NSS    = "nss"    // Firefox and Chromium: the databases in a user's home
	Java   = "java"   // cacerts
)

// The states of a place.
const (
	Installed    = "installed"
	Absent       = "absent"
	NotAvailable = "not available"
	Failed       = "failed"
)

// Config says which root, and where.
type Config struct {
	PEM    []byte   // the root certificate, nothing else
	Stores []string // nil means all
	// Home is whose NSS databases; "" means the current user's.
	Home string
	// JavaHome is which Java; "" means $JAVA_HOME or, without that, every one that is found.
	JavaHome string
}

func (c Config) stores() []string {
	if c.Stores == nil {
		return []string{System, NSS, Java}
	}
	return c.Stores
}

func (c Config) home() (string, error) {
	if c.Home == "" {
		return os.UserHomeDir()
	}
	return c.Home, nil
}

func (c Config) javaHome() string {
	if c.JavaHome == "" {
		return os.Getenv("JAVA_HOME")
	}
	return c.JavaHome
}

// Result is how it is with one place of a store. A store that is not available has one Result without a place.
type Result struct {
	Store  string `json:"store"`
	Place  string `json:"place"` // a file or directory
	State  string `json:"state"`
	Reason string `json:"reason"` // why not available or failed
	Hint   string `json:"hint"`   // what to do about it
}

// Report has the stores in the order that was asked for.
type Report []Result

// Install makes the programs that read the stores trust the root.
func Install(ctx context.Context, c Config) (Report, error) {
	return c.each(ctx, "install", func(ctx context.Context, p place, r *root) (bool, error) {
		if err := r.valid(time.Now()); err != nil {
			return false, err
		}
		if trusted, err := p.look(ctx, r); trusted && err == nil {
			return true, nil
		}
		if err := p.add(ctx, r); err != nil {
			return false, err
		}
		trusted, err := p.look(ctx, r)
		if !trusted && err == nil {
			err = errors.New("it took the root, and does not have it")
		}
		return trusted, err
	})
}

// Status asks the stores and changes nothing.
func Status(ctx context.Context, c Config) (Report, error) {
	return c.each(ctx, "status", func(ctx context.Context, p place, r *root) (bool, error) { return p.look(ctx, r) })
}

// Uninstall makes the programs that read the stores trust the root no longer. One that is expired goes as well.
func Uninstall(ctx context.Context, c Config) (Report, error) {
	return c.each(ctx, "uninstall", func(ctx context.Context, p place, r *root) (bool, error) {
		if err := p.remove(ctx, r); err != nil {
			return false, err
		}
		trusted, err := p.look(ctx, r)
		if trusted && err == nil {
			err = errors.New("it gave the root away, and still has it")
		}
		return trusted, err
	})
}

// place is one list of roots that some programs read.
type place interface {
	name() string
	// look reports whether programs that read the place trust r. It is an error if they have it and do not.
	look(ctx context.Context, r *root) (bool, error)
	add(ctx context.Context, r *root) error    // r is not there, or not trusted
	remove(ctx context.Context, r *root) error // r may be absent
}

func (c Config) places(store string) ([]place, error) {
	switch store {
	case System:
		return systemPlaces()
	case NSS:
		return c.nssPlaces()
	}
	return c.javaPlaces()
}

// each does something to every place of the stores. One that fails does not keep the others from it.
func (c Config) each(ctx context.Context, op string, do func(context.Context, place, *root) (bool, error)) (Report, error) {
	r, err := parseRoot(c.PEM)
	if err != nil {
		return nil, fmt.Errorf("read the root certificate: %w", err)
	}
	for _, store := range c.stores() {
		if !slices.Contains([]string{System, NSS, Java}, store) {
			return nil, fmt.Errorf("no trust store is named %q: there are %s, %s and %s", store, System, NSS, Java)
		}
	}
	var report Report
	for _, store := range c.stores() {
		places, err := c.places(store)
		if err != nil {
			report = append(report, result(op, store, "", false, err))
		}
		for _, p := range places {
			trusted, err := false, ctx.Err()
			if err == nil {
				trusted, err = do(ctx, p, r)
			}
			report = append(report, result(op, store, p.name(), trusted, err))
		}
	}
	return report, report.failed(op)
}
