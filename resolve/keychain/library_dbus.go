//go:build !darwin && !windows

package keychain

import (
	"errors"
	"net"
	"strings"

	"github.com/godbus/dbus/v5"
)

// errNoSession is our own, so that it is known to be safe to show.
var errNoSession = errors.New("there is no D-Bus session")

// reachable reports whether there is a session bus. Without the question go-keyring would have dbus-launch(1) start
// one, which then stays behind, with a keychain of its own.
func reachable() error {
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return errNoSession
	}
	return conn.Close()
}

// isGone tells of an entry that was found a moment ago and is not there any more. The Secret Service API has the first
// of the names for it; the GNOME keyring says the second, which may also mean something worse, so try again.
func isGone(err error) bool {
	name := dbusName(err)
	return name == "org.freedesktop.Secret.Error.NoSuchObject" || name == "org.freedesktop.DBus.Error.UnknownMethod"
}

func dbusName(err error) string {
	var e dbus.Error
	if errors.As(err, &e) {
		return e.Name
	}
	return ""
}

func classifyHere(err error) (outcome, detail string) {
	name := dbusName(err)
	var network *net.OpError
	switch {
	case errors.Is(err, errNoSession):
		return unavailable, errNoSession.Error()
	case name == "org.freedesktop.Secret.Error.IsLocked":
		return locked, ""
	case strings.HasPrefix(name, "org.freedesktop.DBus.Error."):
		return unavailable, name // nobody keeps secrets on this bus, or whoever does cannot be started
	case name != "":
		return failed, name
	case errors.As(err, &network), errors.Is(err, dbus.ErrClosed):
		return unavailable, "the D-Bus session does not answer"
	case strings.HasPrefix(err.Error(), "failed to unlock correct collection"): // go-keyring
		return notUnlocked()
	}
	return failed, ""
}

// notUnlocked says why a collection did not open: a desktop that was never logged in to has none.
func notUnlocked() (outcome, detail string) {
	conn, err := dbus.SessionBus()
	if err != nil {
		return unavailable, errNoSession.Error()
	}
	var collection dbus.ObjectPath
	secrets := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	err = secrets.Call("org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&collection)
	if err == nil && collection == "/" {
		return unavailable, "it has no default collection yet"
	}
	return locked, ""
}
