package keychain

import (
	"crypto/rand"
	"errors"

	"github.com/zalando/go-keyring"
)

// entry is the account of one entry. Only its methods use go-keyring, whose functions work on a global keychain, and
// they run in a helper process only.
type entry string

func (e entry) get() (string, error) {
	secret, err := keyring.Get(service, string(e))
	if isGone(err) { // deleted by somebody else after it had been found
		secret, err = keyring.Get(service, string(e))
	}
	return secret, err
}

// set reads back what it wrote. go-keyring reports success where a person dismissed the prompt for storing it, and
// where security(1) failed without saying so.
func (e entry) set(secret string) error {
	if err := keyring.Set(service, string(e), secret); err != nil {
		return err
	}
	kept, err := e.get()
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return plainError("it did not keep the value")
	case err != nil:
		return err
	case kept != secret:
		return plainError("it gave back another value than it was given; is the entry there twice, or was it set by others meanwhile?")
	}
	return nil
}

// delete looks whether it is gone, for the same reasons.
func (e entry) delete() error {
	err := keyring.Delete(service, string(e))
	if isGone(err) {
		err = keyring.Delete(service, string(e))
	}
	if err != nil {
		return err
	}
	switch _, err = e.get(); {
	case err == nil:
		return plainError("the value is still there; was the entry there twice, or was it set by others meanwhile?")
	case errors.Is(err, keyring.ErrNotFound):
		return nil
	}
	return err
}

// probe shows that the keychain keeps what it is given. Its account has one colon and those of secrets have two.
func probe() error {
	e := entry("probe:" + rand.Text())
	err := e.set(prefix + rand.Text())
	if err != nil {
		_ = keyring.Delete(service, string(e))
		return err
	}
	return e.delete()
}

// ready has the keychain open itself: go-keyring unlocks before it looks.
func ready() error {
	if _, err := entry("ready:").get(); !errors.Is(err, keyring.ErrNotFound) {
		return err
	}
	return nil
}

// plainError is an error that shows nothing but our own words.
type plainError string

func (e plainError) Error() string { return string(e) }

// classify says what err means. It repeats of the library's errors only what cannot hold a value.
func classify(err error) (outcome, detail string) {
	var plain plainError
	switch {
	case err == nil:
		return done, ""
	case errors.Is(err, keyring.ErrNotFound):
		return notFound, ""
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return unavailable, ""
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return failed, "the value is too long for it"
	case errors.As(err, &plain):
		return failed, string(plain)
	}
	return classifyHere(err)
}
