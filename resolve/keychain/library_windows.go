package keychain

import (
	"errors"
	"fmt"
	"syscall"
)

func reachable() error { return nil }

func isGone(error) bool { return false }

// noSuchLogonSession is ERROR_NO_SUCH_LOGON_SESSION: services and some remote logins have no credentials (CredRead).
const noSuchLogonSession = syscall.Errno(1312)

func classifyHere(err error) (outcome, detail string) {
	var code syscall.Errno
	switch {
	case errors.Is(err, noSuchLogonSession):
		return unavailable, "this login has no credential manager"
	case errors.As(err, &code):
		return failed, fmt.Sprintf("Windows error %d", uint32(code))
	}
	return failed, ""
}

// look cannot ask without having it opened.
func look() (program string, err error) { return "", ready() }
