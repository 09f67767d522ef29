// Package keychain keeps secrets in the keychain of the operating system.
//
//	s, err := keychain.Open(keychain.Config{Helper: []string{self, "keychain-helper"}, Dir: home})
//	err = s.Available(ctx) // ErrUnavailable: there is no keychain here
//	err = s.Set(ctx, ref, resolve.New(value))
//	v, err := s.Resolve(ctx, ref)
//	err = keychain.ServeHelper(os.Stdin, os.Stdout, nil) // all that the subcommand keychain-helper does
//
// The entries have the service AgentSecrets and the account PROJECT:ENVIRONMENT:NAME.
//
// Keychains are asked through go-keyring, which takes no context and may wait for a prompt for ever. So each question
// runs in a process of its own, our own program once more, which is ended when its time is over or when we end.
//
// Guarantees: no call takes much longer than 5 s (60 s if [Config].Patient), and none leaves a process behind; values
// pass between the processes through a socket and a pipe, and stand in no error; a helper answers its parent only; what Set acknowledged has been read back;
// without a keychain there is an error and never a file in its place. Not guaranteed: anything against other programs
// of the same user, whom most keychains answer as well; that a change made with the keychain's own tools is seen
// before a cache expires.
package keychain

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// service is what all our entries are filed under.
const service = "AgentSecrets"

const (
	limit        = 5 * time.Second
	patientLimit = 60 * time.Second
	notice       = time.Second
	// processes bounds how many helpers run at a time: clients choose the names that are asked for.
	processes = 4
)

// Config says how the keychain is asked.
type Config struct {
	// Helper is the program, an absolute path, and the arguments of a process that calls ServeHelper. Required.
	Helper []string
	// Dir is the state directory, where a stamp tells other processes that something has changed, and a lock that
	// something is being changed. Required.
	Dir string
	// Patient waits 60 s rather than 5 s, for a person who may have to answer the keychain's prompt.
	Patient bool
	// Waiting is called when a call has taken 1 s, once in the life of the Store and in a goroutine of its own; nil
	// tells nobody.
	Waiting func()
}

func (c *Config) limit() time.Duration {
	if c.Patient {
		return patientLimit
	}
	return limit
}

func (c *Config) waiting() func() {
	if c.Waiting == nil {
		return func() {}
	}
	return c.Waiting
}

// Store is a resolve.Store in the keychain. It is safe for concurrent use, by several processes too.
type Store struct {
	helper  []string
	stamp   string
	busy    string // the file that whoever changes something has locked
	limit   time.Duration
	waiting func()        // Config.Waiting, the first time only
	turns   chan struct{} // holds one for each helper that runs
}

var _ resolve.Store = (*Store)(nil)

// Open returns the store. It makes the directory if need be, and asks the keychain nothing: see Available.
func Open(c Config) (*Store, error) {
	if len(c.Helper) == 0 || !filepath.IsAbs(c.Helper[0]) || c.Dir == "" {
		return nil, errors.New("keychain: Config needs a Helper with an absolute path, and a Dir")
	}
	if err := atomicfile.MkdirPrivate(c.Dir); err != nil {
		return nil, err
	}
	return &Store{
		helper:  c.Helper,
		stamp:   filepath.Join(c.Dir, stampName),
		busy:    filepath.Join(c.Dir, busyName),
		limit:   c.limit(),
		waiting: sync.OnceFunc(c.waiting()),
		turns:   make(chan struct{}, processes),
	}, nil
}

// Hurried is the same store without Patient and Waiting.
func (s *Store) Hurried() *Store {
	h := *s
	h.limit, h.waiting = limit, func() {}
	return &h
}

// Resolve returns the value of ref.
func (s *Store) Resolve(ctx context.Context, ref resolve.Ref) (resolve.Value, error) {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return resolve.Value{}, err
	}
	a, err := s.ask(ctx, request{Do: doGet, Account: ref.String()})
	if err == nil {
		err = a.err(ref)
	}
	if err != nil {
		return resolve.Value{}, err
	}
	return decode(ref, a.Secret)
}

// Set keeps v under ref. Values may be as long as the keychain allows, see [SizeError].
func (s *Store) Set(ctx context.Context, ref resolve.Ref, v resolve.Value) error {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return err
	}
	if v.IsZero() {
		return fmt.Errorf("set %s: there is no value", ref)
	}
	secret, err := encode(runtime.GOOS, ref, v)
	if err != nil {
		return err
	}
	return s.change(ctx, ref, request{Do: doSet, Account: ref.String(), Secret: secret})
}

// Delete removes ref.
func (s *Store) Delete(ctx context.Context, ref resolve.Ref) error {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return err
	}
	return s.change(ctx, ref, request{Do: doDelete, Account: ref.String()})
}

// change renews the stamp whatever came out: a helper that was ended may have done its work.
func (s *Store) change(ctx context.Context, ref resolve.Ref, r request) error {
	a, err := s.ask(ctx, r)
	if err == nil {
		err = a.err(ref)
	}
	if stampErr := s.renew(); err == nil {
		err = stampErr
	}
	return err
}

// Ready opens the keychain, or says why it does not open. It sets and reads nothing.
func (s *Store) Ready(ctx context.Context) error {
	a, err := s.ask(ctx, request{Do: doReady})
	if err != nil {
		return err
	}
	return a.err(resolve.Ref{})
}

// Look says which program keeps the keychain ("" where that is not told), or why it cannot be read now. On D-Bus it has
// nothing opened, so that nobody is asked for a password; elsewhere it is Ready.
func (s *Store) Look(ctx context.Context) (program string, err error) {
	a, err := s.ask(ctx, request{Do: doLook})
	if err == nil {
		err = a.err(resolve.Ref{})
	}
	return a.Secret, err
}

// Settled returns when nobody changes anything any more: of a process that was killed the helper may still be at work
// for a moment, and what it does must not come after a look at what the keychain holds.
func (s *Store) Settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, ErrTimeout)
	defer cancel()
	lock, err := claim(ctx, s.busy)
	if err != nil {
		return err
	}
	return lock.Close()
}

// Available sets, reads and deletes an entry with a random name. It is ErrUnavailable where there is no keychain, and
// resolve.ErrLocked where there is one that does not open.
func (s *Store) Available(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := s.ask(ctx, request{Do: doProbe})
	if err != nil {
		return err
	}
	return a.err(resolve.Ref{})
}
