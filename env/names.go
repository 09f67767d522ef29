package env

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const development = "development"

// Environments are those that every project has.
func Environments() []string { return []string{development, "staging", "production"} }

// ValidEnvironment says what is wrong with the name of an environment. Besides
// Environments a project may have its own.
func ValidEnvironment(name string) error {
	rest := strings.Trim(name, lower+digits+"-")
	if name == "" || len(name) > 32 || rest != "" || !strings.Contains(lower, name[:1]) {
		return fmt.Errorf("%q is no name of an environment: up to 32 of a-z, 0-9 and -, beginning with a letter, such as %q", name, "staging")
	}
	return nil
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

var errID = errors.New("up to 128 letters, digits, _ and -")

// validID keeps IDs fit for file names and for the store's accounts, whose
// parts are told apart by colons.
func validID(id string) error {
	if id == "" || len(id) > 128 || strings.Trim(strings.ToLower(id), lower+digits+"_-") != "" || strings.ContainsAny(id[:1], "_-") {
		return errID
	}
	return nil
}

// ErrName is what a workspace or a project cannot be called.
var ErrName = errors.New("up to 128 bytes of visible text that does not begin with -")

// newName is validName for names that are given from now on: one that begins as flags do
// would be taken for a flag wherever it is typed.
func newName(name string) error {
	if strings.HasPrefix(name, "-") {
		return ErrName
	}
	return validName(name)
}

// validName keeps names from doing anything but showing themselves.
func validName(name string) error {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if name == "" || len(name) > 128 || name != strings.TrimSpace(name) || !utf8.ValidString(name) || strings.ContainsFunc(name, hidden) {
		return ErrName
	}
	return nil
}
