package keyring

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	user     = unix.KEY_SPEC_USER_KEYRING
	keyType  = "user"     // "logon" keys are for the kernel alone: nobody could read them back
	maxBytes = 32767      // of a user key (add_key(2))
	mode     = 0x3f0b0000 // possessor: all; this user: view, read, search; group and others: nothing (keyctl_setperm(3))
)

// find returns the serial number of the key, errNone where there is none.
func find(name string) (int, error) {
	id, err := unix.KeyctlSearch(user, keyType, name, 0)
	switch {
	case err == nil:
		return id, nil
	case errors.Is(err, unix.ENOKEY), errors.Is(err, unix.EKEYEXPIRED), errors.Is(err, unix.EKEYREVOKED):
		return 0, errNone
	}
	return 0, &UnavailableError{err}
}

// usable asks for the keyring itself, and makes it where there is none yet.
func usable() error {
	if _, err := unix.KeyctlGetKeyringID(user, true); err != nil {
		return &UnavailableError{blocked(err)}
	}
	return nil
}

// blocked says more of what seccomp filters of containers answer.
func blocked(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w (containers usually forbid it)", err)
	}
	return err
}

func read(name string) ([]byte, error) {
	id, err := find(name)
	if err != nil {
		return nil, err
	}
	payload := make([]byte, maxBytes)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, payload, 0)
	if err != nil || n > len(payload) {
		return nil, errNone // it ended just now
	}
	return payload[:n], nil
}

func keep(name string, payload []byte, d time.Duration) error {
	if err := usable(); err != nil {
		return err
	}
	if len(payload) > maxBytes {
		return errors.New("keep in the kernel's keyring: it is too long")
	}
	return possessing(func() error {
		_ = forget(name) // a new serial number for every Keep, which is what Generation shows
		id, err := unix.AddKey(keyType, name, payload, user)
		if err != nil {
			return &UnavailableError{blocked(err)}
		}
		_, err = unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, int(d/time.Second), 0, 0)
		if err == nil {
			err = unix.KeyctlSetperm(id, mode)
		}
		if err != nil { // one that would stay for ever, or that others can see, must not stay
			return errors.Join(&UnavailableError{blocked(err)}, forget(name))
		}
		return nil
	})
}

// possessing runs do in a thread that possesses the user keyring (keyrings(7)). Sessions without a link to it, those of
// systemd's services and of some ssh daemons, could otherwise add a key and not change its timeout and mode.
func possessing(do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, user, unix.KEY_SPEC_THREAD_KEYRING, 0, 0); err != nil {
		return &UnavailableError{blocked(err)}
	}
	defer func() { _, _ = unix.KeyctlInt(unix.KEYCTL_CLEAR, unix.KEY_SPEC_THREAD_KEYRING, 0, 0, 0) }()
	return do()
}

// forget invalidates, which ends the key for those too who have found it already; unlinking would not.
func forget(name string) error {
	id, err := find(name)
	if err != nil {
		return err
	}
	if _, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, id, 0, 0, 0); err != nil && !errors.Is(err, unix.ENOKEY) {
		return fmt.Errorf("end what the kernel's keyring holds: %w", err)
	}
	return nil
}

func generation(name string) string {
	id, err := find(name)
	if err != nil {
		return "none"
	}
	return strconv.Itoa(id)
}
