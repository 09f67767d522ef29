// Package secretservice starts a Secret Service for tests: the real GNOME keyring, in a D-Bus session of its own.
//
//	secretservice.Main() // first in TestMain: the test binary is also what runs in the session
//	s, err := secretservice.Start(secretservice.Unlocked)
//	defer s.Stop()
//	cmd := exec.Command(line[0], line[1:]...) // line := s.Command("secret-tool", "lookup", …)
//
// It belongs to an ordinary user: to ours, or to nobody if we are root, and to no desktop that we may sit at. What no
// keyring can be brought to do, such as never to answer, stand-ins of a few lines do.
package secretservice

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Session is a D-Bus session with a Secret Service.
type Session struct {
	Dir     string   // the user's home
	Address string   // of the bus
	command []string // what runs a program in the session, as its user
	stop    func() error
}

// Kind is what the Secret Service does.
type Kind string

// The kinds of sessions.
const (
	Unlocked  Kind = "unlocked"
	Waits     Kind = "its prompt waits"
	Answered  Kind = "its prompt is answered"
	Dismissed Kind = "nobody can be asked"
	Fresh     Kind = "no collection"
	Bare      Kind = "no service"
	Stubborn  Kind = "a service that keeps the first value for ever"
	Hangs     Kind = "a service that never answers"
)

const (
	kindEnv  = "SECRETSERVICE_TEST_KIND"
	patience = time.Minute // how long a session may take to come up on a busy machine
)

// Main does not return in a process that Start started.
func Main() {
	kind := os.Getenv(kindEnv)
	if kind == "" {
		return
	}
	err := serve(Kind(kind))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Start starts a session. Its processes end with us, also when we are killed.
func Start(kind Kind) (s *Session, err error) {
	s = &Session{}
	if s.Dir, err = os.MkdirTemp("", "keychain"); err != nil {
		return nil, err
	}
	if err := s.begin(kind); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.Dir))
	}
	return s, nil
}

func (s *Session) begin(kind Kind) error {
	as, err := ordinaryUser(s.Dir)
	if err != nil {
		return err
	}
	env, err := exec.LookPath("env")
	if err != nil {
		return err
	}
	// Of our own environment nothing gets in: neither a display nor our own session.
	s.command = append(as, env, "-i", "PATH="+os.Getenv("PATH"), "HOME="+s.Dir, "XDG_RUNTIME_DIR="+s.Dir,
		"GORACE=atexit_sleep_ms=0") // or every process sleeps a second before it exits
	return s.launch(kind)
}

// ordinaryUser gives dir to an ordinary user, and returns what runs a command as that.
func ordinaryUser(dir string) ([]string, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		return nil, err
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return nil, err
	}
	return []string{setpriv, "--reuid", nobody.Uid, "--regid", nobody.Gid, "--clear-groups"}, os.Chown(dir, uid, -1)
}

// launch starts the session's processes, and waits until it is what is wanted.
func (s *Session) launch(kind Kind) error {
	cmd, err := s.dbus(kind)
	if err != nil {
		return err
	}
	// The daemons complain of what tests do on purpose; a file, unlike a pipe, is nothing to wait for.
	diagnostics, err := os.Create(filepath.Join(s.Dir, "stderr"))
	if err != nil {
		return err
	}
	defer diagnostics.Close()
	cmd.Stderr = diagnostics
	in, err := cmd.StdinPipe() // they end with it
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stop = func() error { return errors.Join(in.Close(), cmd.Wait(), os.RemoveAll(s.Dir)) }
	late := time.AfterFunc(patience, func() { _ = in.Close() })
	address, err := bufio.NewReader(out).ReadString('\n')
	late.Stop()
	if err != nil {
		_ = in.Close()
		_ = cmd.Wait()
		text, _ := os.ReadFile(diagnostics.Name())
		return fmt.Errorf("the session did not start: %w\n%s", err, text)
	}
	s.Address = strings.TrimSpace(address)
	go func() { _, _ = io.Copy(io.Discard, out) }() // until the session ends
	return nil
}

func (s *Session) dbus(kind Kind) (*exec.Cmd, error) {
	config := filepath.Join(s.Dir, "bus.conf")
	if err := os.WriteFile(config, []byte(busConfig), 0o644); err != nil {
		return nil, err
	}
	self, err := Program()
	if err != nil {
		return nil, err
	}
	line := append(s.with(kindEnv+"="+string(kind)), "dbus-run-session", "--config-file="+config, "--", self)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = s.Dir
	return cmd, nil
}

// with returns a command with some more environment.
func (s *Session) with(env ...string) []string {
	return append(s.command[:len(s.command):len(s.command)], env...)
}

// Command is the command line that runs a program in the session, as its user; before the program, variables may be
// set as for env(1).
func (s *Session) Command(words ...string) []string {
	return append(s.with("DBUS_SESSION_BUS_ADDRESS="+s.Address), words...)
}

// pidName is a file in Dir with the PID of the keyring.
const pidName = "keyring.pid"

// Freeze has the keyring take calls and never answer.
func (s *Session) Freeze() error {
	text, err := os.ReadFile(filepath.Join(s.Dir, pidName))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGSTOP)
}

// Stop ends the session and all that is in it.
func (s *Session) Stop() error { return s.stop() }

// busConfig is a bus that starts nothing by itself, and whose user root may be as well.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`
