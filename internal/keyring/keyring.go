// Package keyring keeps a few bytes in the memory of the Linux kernel for a time, and nowhere else.
//
//	k := keyring.Keyring{}
//	err := k.Keep(id, secret, 8*time.Hour)
//	secret, until := k.Held(id) // in any process of this user; nil when it is gone
//	err = k.Forget(id)
//
// It uses the user keyring (user-keyring(7)), which all logins and shells of a user share, which outlives each of
// them, and which no file backs; not the session keyring, which the next login would not find.
//
// Guarantees: other users cannot read it; it is gone when its time is over, with the machine, and at once with Forget.
// Not guaranteed: anything against processes of the same user and user namespace, who can all read it, nor against root.
package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// Keyring is the user keyring of whoever runs this process. It is safe for concurrent use.
type Keyring struct{}

// UnavailableError says that the kernel keeps nothing for us here.
type UnavailableError struct{ err error }

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("the kernel's keyring cannot be used here: %v", e.err)
}

func (e *UnavailableError) Unwrap() error { return e.err }

var errNone = errors.New("there is nothing under this name")

// describe is the name that /proc/keys shows to this user.
func describe(id string) string { return "agentsecrets:" + id }

// untilPrefix begins the payload: the kernel ends a key in time, and does not say when that is.
const untilPrefix = "until "

func encode(secret []byte, until time.Time) []byte {
	return append([]byte(untilPrefix+until.UTC().Format(time.RFC3339)+"\n"), secret...)
}

func decode(payload []byte) (secret []byte, until time.Time) {
	head, secret, found := bytes.Cut(payload, []byte("\n"))
	text, ours := bytes.CutPrefix(head, []byte(untilPrefix))
	until, err := time.Parse(time.RFC3339, string(text))
	if !found || !ours || err != nil || len(secret) == 0 {
		return nil, time.Time{}
	}
	return secret, until
}

// Held returns what is kept under id and until when; nil where nothing is, or no more.
func (k Keyring) Held(id string) (secret []byte, until time.Time) {
	payload, err := read(describe(id))
	if err != nil {
		return nil, time.Time{}
	}
	return decode(payload)
}

// Keep keeps secret under id for d, in place of what was there.
func (k Keyring) Keep(id string, secret []byte, d time.Duration) error {
	if d < time.Second || len(secret) == 0 {
		return errors.New("keep in the kernel's keyring: for less than a second, or nothing")
	}
	// Whole seconds, as the kernel counts them.
	d = d.Truncate(time.Second)
	return keep(describe(id), encode(secret, time.Now().Add(d)), d)
}

// Forget ends what is kept under id, at once and for everybody. Nothing there is no error.
func (k Keyring) Forget(id string) error {
	if err := forget(describe(id)); !errors.Is(err, errNone) {
		return err
	}
	return nil
}

// Generation changes when what is kept under id comes, goes or is replaced. It is a system call or two.
func (k Keyring) Generation(id string) string { return generation(describe(id)) }

// Usable reports, as an *UnavailableError, why nothing can be kept here.
func (k Keyring) Usable() error { return usable() }
