// Package daemon finds, starts and stops the one proxy that stays in the
// background.
//
//	seat, err := daemon.Claim(home)        // in the daemon; ErrRunning if taken
//	seat.Serve(daemon.Control{Status: status, Stop: cancel, …})
//	seat.Publish(daemon.State{Port: port})
//	defer seat.Release()
//
//	status, err := daemon.Ask(ctx, home)   // elsewhere; ErrNotRunning
//	access, err := daemon.Open(ctx, home, daemon.Wanted{Dir: dir})
//	err = daemon.Stop(ctx, home, -1)
//
// Guarantees: one daemon a home, by a lock that the kernel frees when its
// holder dies; what a dead one left behind is taken for nothing; only processes
// of the same user are answered, and only those outside every run may stop it,
// have it read its files again, or get a credential.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

var (
	// ErrRunning is another daemon in this home.
	ErrRunning = errors.New("a proxy is already running")
	// ErrNotRunning is none.
	ErrNotRunning = errors.New("the proxy is not running")
)

// Files in a home.
const (
	stateFile  = "proxy.json"
	socketFile = "proxy.sock"
	lockFile   = "proxy.lock"
	startFile  = "proxy-start.lock"
	logFile    = "proxy.log"
)

// State is what a daemon tells those who may read its home.
type State struct {
	Version int       `json:"version"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Port    int       `json:"port"`
}

const version = 2

// Seat is the right to be the daemon of a home.
type Seat struct {
	home string
	lock *flock.Flock
	l    net.Listener
}

// lockAt follows no link, and opened to be written to as well, a FIFO does not
// hold it up.
func lockAt(home, name string) *flock.Flock {
	return flock.New(filepath.Join(home, name), flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
}

// Claim takes the seat and clears away what the last holder left.
func Claim(home string) (*Seat, error) {
	lock := lockAt(home, lockFile)
	if err := hold(lock); err != nil {
		return nil, err
	}
	s := &Seat{home: home, lock: lock}
	if err := s.clear(); err != nil {
		_ = lock.Unlock()
		return nil, err
	}
	return s, nil
}

// hold tries for a moment: somebody who looks whether the seat is taken holds
// it just as long.
func hold(lock *flock.Flock) error {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	ok, err := lock.TryLockContext(ctx, 10*time.Millisecond)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrRunning
	case err != nil:
		return fmt.Errorf("claim the proxy's place: %w", err)
	case !ok:
		return ErrRunning
	}
	return nil
}

// Starting waits until nobody else starts a daemon in home, so that of several
// that try at once one starts it and the others find it. done lets the next one.
func Starting(ctx context.Context, home string) (done func(), err error) {
	lock := lockAt(home, startFile)
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for others that start the proxy: %w", err)
	}
	return func() { _ = lock.Unlock() }, nil
}

func (s *Seat) clear() error {
	for _, name := range []string{stateFile, socketFile} {
		if err := os.Remove(filepath.Join(s.home, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear away what the last proxy left: %w", err)
		}
	}
	return nil
}

// Publish writes the state for others; what it does not say is filled in.
func (s *Seat) Publish(st State) error {
	st.Version, st.PID, st.Started = version, os.Getpid(), time.Now().UTC().Truncate(time.Second)
	b, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return fmt.Errorf("publish the proxy's state: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(s.home, stateFile), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("publish the proxy's state: %w", err)
	}
	return nil
}

// Release leaves nothing behind but the lock file.
func (s *Seat) Release() {
	if s.l != nil {
		s.l.Close()
	}
	_ = s.clear()
	_ = s.lock.Unlock()
}

// taken reports whether some process holds the seat.
func taken(home string) bool {
	lock := lockAt(home, lockFile)
	ok, err := lock.TryLock()
	if ok {
		_ = lock.Unlock()
	}
	return err == nil && !ok
}

// Load reads the state that the running daemon published.
func Load(home string) (State, error) {
	var st State
	b, err := atomicfile.ReadPrivate(filepath.Join(home, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return st, ErrNotRunning
	}
	if err != nil {
		return st, fmt.Errorf("read the proxy's state: %w", err)
	}
	if err := json.Unmarshal(b, &st); err != nil || st.Version != version {
		return State{}, fmt.Errorf("read the proxy's state: %s is not in the form that this version knows", stateFile)
	}
	return st, nil
}

// Left names the files in home that a daemon left behind which was killed. They say nothing
// true any more, and the next daemon clears them away.
func Left(home string) []string {
	var left []string
	for _, name := range []string{stateFile, socketFile} {
		if _, err := os.Lstat(filepath.Join(home, name)); err == nil {
			left = append(left, filepath.Join(home, name))
		}
	}
	if len(left) == 0 || taken(home) {
		return nil
	}
	return left
}

// ClearLeft removes what Left names, and nothing while a daemon has the seat.
func ClearLeft(home string) error {
	s, err := Claim(home)
	if err != nil {
		return err
	}
	s.Release()
	return nil
}
