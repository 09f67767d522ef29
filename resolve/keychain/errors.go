package keychain

import (
	"fmt"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// What callers branch on.
var (
	// ErrUnavailable says that no keychain can be reached: there is no D-Bus session, or nothing on it that keeps secrets.
	ErrUnavailable error = &sentinel{text: "no keychain can be used here", hint: "agentsecrets init --store file"}
	// ErrTimeout says that the keychain gave no answer in time, for instance because its prompt got none. It is a
	// resolve.ErrLocked.
	ErrTimeout error = &sentinel{text: "the keychain did not answer in time", hint: unlockIt, is: resolve.ErrLocked}
	// ErrLocked is a keychain that said no at once: its prompt was dismissed, or there was nobody to show it to.
	ErrLocked error = &sentinel{text: "the keychain is locked, and its prompt was not answered", hint: unlockIt, is: resolve.ErrLocked}
)

const unlockIt = "unlock the keychain, with its prompt or in its own program, then try again"

// errFailed is a keychain that did not do what it said, or said something else.
var errFailed error = &sentinel{text: "the keychain failed",
	hint: "look at the entries of " + service + " in the keychain's own program, then try again"}

// errRefused is a program inside a run, which could have the values printed.
var errRefused error = &sentinel{text: "a program inside a run may not read the keychain"}

type sentinel struct {
	text, hint string
	is         error // nil for none
}

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Hint() string  { return e.hint }
func (e *sentinel) Unwrap() error { return e.is }

// SizeError says that a value is longer than the keychain of this system takes.
type SizeError struct {
	Size, Max int
	os        string
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("the value has %d bytes, %s has room for %d", e.Size, e.keychain(), e.Max)
}

// Hint names the store that has room. Where that is not the reason, there is none.
func (e *SizeError) Hint() string {
	if e.Size > resolve.MaxValue {
		return ""
	}
	return "agentsecrets secrets move --to file"
}

func (e *SizeError) keychain() string {
	switch e.os {
	case "darwin":
		return "an entry of the macOS keychain"
	case "windows":
		return "an entry of the Windows credential manager"
	}
	return "a secret"
}

// FormatError says that an entry of the keychain is not what this package wrote. It is left as it is.
type FormatError struct {
	Ref resolve.Ref
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("the keychain's entry %s of %s was not written by this agentsecrets", e.Ref, service)
}

// Hint replaces the entry.
func (e *FormatError) Hint() string {
	return "install the newer agentsecrets if one wrote it, or set it again: agentsecrets secrets set " + e.Ref.Name +
		" --environment " + e.Ref.Environment
}
