package keychain

import (
	"errors"
	"fmt"
	"os/exec"
)

func reachable() error { return nil }

func isGone(error) bool { return false }

// classifyHere knows the exit codes of security(1): the last byte of an OSStatus (SecBase.h).
func classifyHere(err error) (outcome, detail string) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return unavailable, "security(1) cannot be started"
	}
	detail = fmt.Sprintf("security(1) ended with %d", exit.ExitCode())
	switch exit.ExitCode() {
	case 36, 51, 128: // errSecInteractionNotAllowed, errSecAuthFailed, errSecUserCanceled
		return locked, detail
	case 37, 50, 53: // errSecNoDefaultKeychain, errSecNoSuchKeychain, errSecNotAvailable
		return unavailable, detail
	}
	return failed, detail
}

// look cannot ask without having it opened.
func look() (program string, err error) { return "", ready() }
