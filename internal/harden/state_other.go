//go:build !linux

package harden

import "errors"

// Hidden is errors.ErrUnsupported: this system has no way that needs no rights.
func Hidden() (bool, error) { return false, errors.ErrUnsupported }
