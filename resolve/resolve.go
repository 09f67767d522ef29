// Package resolve turns the names of secrets into their values.
//
//	r, err := resolve.NewResolver(resolve.Config{Store: store})
//	v, err := r.Resolve(ctx, resolve.Ref{Project: id, Environment: "production", Name: "STRIPE_KEY"})
//	if errors.Is(err, resolve.ErrNotFound) { … }
//	head = append(head, v.Reveal()...)
//	err = resolve.OpenIndex(path).Set(ctx, store, ref, resolve.New(value))
//
// Guarantees: a [Value] shows nothing of its bytes unless Reveal is called; a
// change in the store is seen by the next Resolve, however fresh the cache; a
// store that hangs delays its callers by [Config].Timeout at most, and only
// those that asked it; the index names every value that a store holds, also
// after a crash between the two.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ref says which secret is meant. It holds names and IDs only, and is always safe to show.
type Ref struct {
	Project     string // its ID: names of projects change
	Environment string
	Name        string
}

// String returns PROJECT:ENVIRONMENT:NAME, under which stores keep the value.
func (r Ref) String() string { return r.Project + ":" + r.Environment + ":" + r.Name }

// Check reports what keeps r from naming a secret. Stores ask it, for two Refs that pass never share a String.
// It does not ask whether the name is reserved: that is for whoever sets one, see [ValidName].
func (r Ref) Check() error {
	if err := scopePart("project", r.Project); err != nil {
		return err
	}
	if err := scopePart("environment", r.Environment); err != nil {
		return err
	}
	return wellFormed(r.Name)
}

func scopePart(what, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("the %s of the secret is not known", what)
	case len(text) > 256:
		return fmt.Errorf("the %s of the secret has %d bytes, more than 256", what, len(text))
	case strings.Contains(text, ":"), !utf8.ValidString(text), strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("the %s %q holds a colon, a control character or broken UTF-8", what, text)
	}
	return nil
}

// Store keeps values. All methods are called concurrently.
type Store interface {
	// Resolve returns an error that is ErrNotFound where there is no such secret, see [NotFound], and one that is
	// ErrLocked where the store cannot be opened now.
	Resolve(ctx context.Context, ref Ref) (Value, error)
	// Set keeps v, in place of what was there, and has it on the disk on return.
	Set(ctx context.Context, ref Ref, v Value) error
	// Delete removes a secret; none there is ErrNotFound.
	Delete(ctx context.Context, ref Ref) error
	// Generation changes when anything stored may have changed. It is asked before every use of the cache, so it is
	// cheap and never waits.
	Generation() string
}

// What callers branch on.
var (
	ErrNotFound error = &sentinel{"secret not found", "agentsecrets secrets list"}
	ErrLocked   error = &sentinel{"the store of secrets is locked or does not answer", "agentsecrets unlock"}
)

type sentinel struct{ text, hint string }

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Hint() string  { return e.hint }

// NotFound returns the error of a Store that has no ref. It is ErrNotFound, and hints at setting the secret.
func NotFound(ref Ref) error { return &notFound{ref} }

type notFound struct{ ref Ref }

func (e *notFound) Error() string { return fmt.Sprintf("%v: %v", ErrNotFound, e.ref) }
func (e *notFound) Unwrap() error { return ErrNotFound }

func (e *notFound) Hint() string {
	return "agentsecrets secrets set " + e.ref.Name + " --environment " + e.ref.Environment
}

// errNoStore is a mistake of our own, so it has no hint.
var errNoStore = errors.New("resolve: Config.Store is nil")
