//go:build !darwin && !windows

package keychain

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
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

// look asks for the collection that go-keyring uses: the one of the login, else the default one.
func look() (program string, err error) {
	conn, err := dbus.SessionBus()
	if err != nil {
		return "", errNoSession
	}
	const name, root, login = "org.freedesktop.secrets", "/org/freedesktop/secrets", dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	secrets := conn.Object(name, root)
	all, err := secrets.GetProperty("org.freedesktop.Secret.Service.Collections")
	if err != nil {
		return "", err
	}
	collection := login
	if paths, ok := all.Value().([]dbus.ObjectPath); !ok || !slices.Contains(paths, login) {
		if err := secrets.Call("org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&collection); err != nil {
			return "", err
		}
	}
	if collection == "/" {
		return "", plainError("it has no default collection yet")
	}
	shut, err := conn.Object(name, collection).GetProperty("org.freedesktop.Secret.Collection.Locked")
	if err != nil {
		return "", err
	}
	if is, ok := shut.Value().(bool); !ok || is {
		return "", dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}
	}
	return keeper(conn, name), nil
}

// keeper is the program that has a name on the bus, as the system calls it.
func keeper(conn *dbus.Conn, name string) string {
	var pid uint32
	if conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&pid) != nil {
		return ""
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
