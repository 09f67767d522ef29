//go:build !linux

// Package secretservice starts a Secret Service for tests, on Linux.
package secretservice

import "errors"

// Session is a D-Bus session with a Secret Service.
type Session struct{ Dir, Address string }

// Kind is what the Secret Service does.
type Kind string

// Main does nothing here.
func Main() {}

// Copy does nothing here.
func Copy() (remove func(), err error) { return func() {}, nil }

// Start starts nothing here.
func Start(Kind) (*Session, error) { return nil, errors.ErrUnsupported }

// Freeze freezes nothing.
func (*Session) Freeze() error { return errors.ErrUnsupported }

// Stop has nothing to end.
func (*Session) Stop() error { return nil }
