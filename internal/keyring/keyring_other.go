//go:build !linux

package keyring

import (
	"errors"
	"runtime"
	"time"
)

func usable() error {
	return &UnavailableError{errors.New(runtime.GOOS + " has none")}
}

func read(string) ([]byte, error)              { return nil, usable() }
func keep(string, []byte, time.Duration) error { return usable() }
func forget(string) error                      { return errNone }
func generation(string) string                 { return "none" }
