//go:build !unix

package harden

import (
	"errors"
	"os"
)

// OwnRuntime refuses variables that govern the runtime: a process cannot replace
// itself here.
func OwnRuntime() error {
	if _, needed := withoutRuntime(os.Environ()); needed {
		return errors.New("GODEBUG and GOTRACEBACK change how agentsecrets itself works: unset them")
	}
	return nil
}
