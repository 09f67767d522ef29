package trust

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// mayWrite asks the kernel, which knows more than the user's number: capabilities, and what is mounted read-only.
func mayWrite(dir string) error {
	return unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK, unix.AT_EACCESS)
}

const (
	lockTime = 30 * time.Second
	lockTick = 50 * time.Millisecond
)

// lockDir takes the lock of a directory, which leaves no file behind.
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	for {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { unix.Close(fd) }, nil
		}
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
			select {
			case <-time.After(lockTick):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		unix.Close(fd)
		return nil, fmt.Errorf("wait for another who changes %s: %w", dir, err)
	}
}
