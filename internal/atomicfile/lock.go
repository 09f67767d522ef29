package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// patience is how long Lock waits. Whoever holds a lock writes a file or two, which takes milliseconds.
const patience = 5 * time.Second

// LockedError says that a lock was not to be had.
type LockedError struct {
	Path string
	PID  int // of the process that holds it, 0 where it is not known
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is held by %s", e.Path, e.holder())
}

// Hint says whom to wait for.
func (e *LockedError) Hint() string {
	return "wait for " + e.holder() + " to finish, or end it, and try again"
}

func (e *LockedError) holder() string {
	if e.PID == 0 {
		return "another process"
	}
	return "process " + strconv.Itoa(e.PID)
}

// Lock takes the lock that the file path stands for, and waits up to 5 s for it. The file, and one named path.queue,
// are made if need be and never removed; path holds the PID of the process that has the lock. The kernel frees the lock
// of a process that dies. It excludes other processes as well as other callers in this one, and is fair among them.
func Lock(path string) (unlock func(), err error) { return lock(path, patience) }

func lock(path string, wait time.Duration) (func(), error) {
	deadline := time.Now().Add(wait)
	for {
		l, err := inTurn(path, deadline)
		if err != nil {
			return nil, err
		}
		// A file removed while we waited for it is a lock that newcomers no longer see.
		if !isStill(l, path) {
			_ = l.Unlock()
			continue
		}
		note(path, strconv.Itoa(os.Getpid())+"\n")
		return func() {
			note(path, "")
			_ = l.Unlock()
		}, nil
	}
}

// inTurn is a turnstile. flock(2) lets a process that frees a lock take it again before the first waiter has woken up,
// so that a writer in a loop would starve the others. Here it has to queue, and only the head of the queue waits for
// the lock itself.
func inTurn(path string, deadline time.Time) (*flock.Flock, error) {
	turn, err := acquire(path+".queue", path, deadline)
	if err != nil {
		return nil, err
	}
	defer func() { _ = turn.Unlock() }()
	return acquire(path, path, deadline)
}

// acquire locks file, for the sake of the lock path.
func acquire(file, path string, deadline time.Time) (*flock.Flock, error) {
	if info, err := os.Lstat(file); err == nil {
		if err := regular(file, info); err != nil { // a directory has another name always
			return nil, err
		}
		if err := oneName(file, info); err != nil {
			return nil, err // the holder's PID is noted in it
		}
	}
	l := flock.New(file, flock.SetFlag(os.O_CREATE|os.O_RDWR|lockFlags), flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", file, err)
	case ok:
		return l, nil
	}
	if ok, err = block(l, deadline); err != nil {
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	if !ok {
		return nil, &LockedError{Path: path, PID: holderOf(path)}
	}
	return l, nil
}

// block waits in the kernel's queue, where polling would find the lock taken nearly every time. A waiter that gave up
// stays in the queue and lets go when it is its turn.
func block(l *flock.Flock, deadline time.Time) (bool, error) {
	got := make(chan error)
	gaveUp := make(chan struct{})
	go func() {
		err := lockThroughSignals(l)
		select {
		case got <- err:
		case <-gaveUp:
			_ = l.Unlock()
		}
	}()
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	select {
	case err := <-got:
		return err == nil, err
	case <-timeout.C:
		close(gaveUp)
		return false, nil
	}
}

func lockThroughSignals(l *flock.Flock) error {
	for {
		if err := l.Lock(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func isStill(l *flock.Flock, path string) bool {
	held, err := l.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(held, named)
}

// note writes into the lock file who has it. That is for people: failing to is no reason not to go on.
func note(path, text string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|lockFlags, 0)
	if err != nil {
		return
	}
	_, _ = f.WriteString(text)
	_ = f.Close()
}

func holderOf(path string) int {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return 0
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
