package secretservice

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// serve runs inside a D-Bus session until its input ends: it has a keyring started, brings it into the state
// that is wanted, and says where the bus is.
func serve(kind Kind) error {
	started := make(chan *exec.Cmd, 1)
	go endWithInput(started)
	conn, err := dbus.SessionBus()
	if err != nil {
		return err
	}
	switch kind {
	case Bare:
	case Stubborn:
		if err := startStubborn(conn); err != nil {
			return err
		}
	case Hangs:
		if err := startHanging(conn); err != nil {
			return err
		}
	default:
		if err := startKeyring(conn, kind, started); err != nil {
			return err
		}
	}
	switch kind {
	case Waits, Answered, Dismissed:
		if err := lock(conn); err != nil {
			return err
		}
	}
	switch kind {
	case Waits, Answered:
		if err := startPrompter(conn, kind == Answered); err != nil {
			return err
		}
	}
	fmt.Println(os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	select {}
}

// endWithInput ends the keyring and us, and so the bus.
func endWithInput(started <-chan *exec.Cmd) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	select {
	case keyring := <-started:
		_ = keyring.Process.Kill()
		_ = keyring.Wait()
	default:
	}
	os.Exit(0)
}

const (
	masterPassword  = "correct horse"
	loginCollection = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
)

func startKeyring(conn *dbus.Conn, kind Kind, started chan<- *exec.Cmd) error {
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets")
	if kind != Fresh {
		cmd.Args = append(cmd.Args, "--unlock")
		cmd.Stdin = strings.NewReader(masterPassword)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	started <- cmd
	if err := os.WriteFile(pidName, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var owned bool
		if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&owned); err != nil {
			return err
		}
		if owned {
			return nil
		}
	}
	return errors.New("the keyring does not come up")
}

func lock(conn *dbus.Conn) error {
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	secrets := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	err := secrets.Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginCollection}).Store(&locked, &prompt)
	if err == nil && len(locked) != 1 {
		err = errors.New("the collection was not locked")
	}
	return err
}
