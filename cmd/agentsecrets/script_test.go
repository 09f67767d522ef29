package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/internal/freeport"
	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/internal/visible"
)

// code N CMD… runs a command that must end with exit code N. Its output can be
// looked at with stdout and stderr.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N cmd…")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
	// Wherever a script uses us wrongly, or something is not there, a command that would help is named.
	if args[1] == "agentsecrets" && slices.Contains([]string{"2", "4", "5"}, args[0]) && !strings.Contains(ts.ReadFile("stderr"), "hint: ") {
		ts.Fatalf("%q fails without a hint: %s", args[1:], ts.ReadFile("stderr"))
	}
}

// waitFor FILE waits until a program in the background has made FILE.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor file")
	}
	path := ts.MkAbs(args[0])
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
	}
	ts.Fatalf("%s did not come", args[0])
}

// readvar NAME FILE sets a variable to what FILE holds.
func readVar(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: readvar NAME file")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// freeport NAME sets a variable to a port that nobody listens on.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	port, err := freeport.Find()
	ts.Check(err)
	ts.Setenv(args[0], fmt.Sprint(port))
}

// absent PATH… holds if no form of $VALUE stands in files PATH, or below; stdout
// and stderr are those of the last command.
func absent(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: [!] absent path…")
	}
	value := []byte(ts.Getenv("VALUE"))
	for _, arg := range args {
		var found []string
		if arg == "stdout" || arg == "stderr" {
			found = demo.Seen([]byte(ts.ReadFile(arg)), value)
		} else {
			var err error
			found, err = demo.SearchTree(ts.MkAbs(arg), value)
			ts.Check(err)
		}
		if neg != (len(found) > 0) {
			ts.Fatalf("the value in %s: %v", arg, found)
		}
	}
}

// visible PATH… holds if nothing in files PATH, or below, would be obeyed by a terminal, and there is something; stdout
// and stderr are those of the last command.
func isVisible(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: visible path…")
	}
	for _, arg := range args {
		paths := []string{arg}
		if info, err := os.Stat(ts.MkAbs(arg)); err == nil && info.IsDir() {
			paths, err = filepath.Glob(filepath.Join(ts.MkAbs(arg), "*.jsonl"))
			ts.Check(err)
		}
		length := 0
		for _, path := range paths {
			text := strings.ReplaceAll(ts.ReadFile(path), "\r\n", "\n") // as a terminal has it
			length += len(text)
			for _, r := range text {
				if !visible.Is(r) && r != '\n' && r != '\t' {
					ts.Fatalf("%U stands in %s: %q", r, path, text)
				}
			}
		}
		if length == 0 {
			ts.Fatalf("there is nothing in %s", arg)
		}
	}
}

// dialog FILE CMD… runs a command on a terminal. A line "< text" of FILE waits
// until the terminal shows text, "> text" types a line, "| a|b" pastes
// lines, "^ C" is Ctrl-C, "= N" the exit code that is expected at the end (0 without it).
func dialog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: dialog file cmd…")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = scriptEnviron(ts)
	tty, err := pty.Start(cmd)
	ts.Check(err)
	defer tty.Close()
	s := &screen{tty: tty}
	code := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		what, text, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		switch what {
		case "<":
			if err := s.await(text); err != nil {
				cmd.Process.Kill()
				ts.Fatalf("%v", err)
			}
		case ">":
			time.Sleep(20 * time.Millisecond)
			_, err := tty.WriteString(text + "\n")
			ts.Check(err)
		case "|":
			time.Sleep(20 * time.Millisecond)
			_, err := tty.WriteString(strings.ReplaceAll(text, "|", "\n"))
			ts.Check(err)
		case "^":
			time.Sleep(20 * time.Millisecond) // a question is shown just before its signals are heard
			_, err := tty.Write([]byte{text[0] & 0x1f})
			ts.Check(err)
		case "=":
			fmt.Sscan(text, &code)
		}
	}
	defer time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() }).Stop() // it asks for more than file has
	s.drain()
	_ = cmd.Wait()
	ts.Logf("%s", s.seen.String())
	if got := cmd.ProcessState.ExitCode(); got != code {
		ts.Fatalf("exit code %d, want %d", got, code)
	}
	ts.Check(os.WriteFile(ts.MkAbs("screen"), s.seen.Bytes(), 0o600))
}

// plain [-all] CMD… runs a command on a terminal that can do everything, with variables that
// ask for colours, with -all also with those that ask for none: it may write no
// escape sequence.
func isPlain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: plain cmd…")
	}
	asks := [][]string{{"TERM=xterm-256color", "COLORTERM=truecolor", "CLICOLOR_FORCE=1", "FORCE_COLOR=1"}}
	if args[0] == "-all" {
		args, asks = args[1:], append(asks, []string{"TERM=xterm-256color", "NO_COLOR=1"}, []string{"TERM=dumb"})
	}
	for _, asked := range asks {
		cmd := exec.Command("env", append(asked, args...)...)
		cmd.Dir, cmd.Env = ts.MkAbs("."), scriptEnviron(ts)
		tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 120})
		ts.Check(err)
		s := &screen{tty: tty}
		s.drain()
		_ = cmd.Wait() // a failure is as plain
		tty.Close()
		if text := s.seen.String(); text == "" || strings.ContainsAny(text, "\x1b\u009b\a\b") {
			ts.Fatalf("%q: an escape sequence, or nothing: %q", append(asked, args...), text)
		}
	}
}

// scriptEnviron is what programs on a terminal get of a script's variables.
func scriptEnviron(ts *testscript.TestScript) []string {
	var environ []string
	for _, name := range []string{"AGENTSECRETS_HOME", "AGENTSECRETS_PORT", "DBUS_SESSION_BUS_ADDRESS", "GORACE", "HOME", "PATH", "TMPDIR"} {
		environ = append(environ, name+"="+ts.Getenv(name))
	}
	return environ
}

// shown is how long a terminal may take to show what is awaited, on a machine that does
// much else: a passphrase alone takes seconds there.
const shown = time.Minute

// screen is what a terminal has shown.
type screen struct {
	tty  *os.File
	seen bytes.Buffer
	from int // what comes before has been waited for
}

func (s *screen) await(text string) error {
	s.tty.SetReadDeadline(time.Now().Add(shown))
	buf := make([]byte, 4096)
	for {
		if i := strings.Index(s.seen.String()[s.from:], text); i >= 0 {
			s.from += i + len(text)
			return nil
		}
		n, err := s.tty.Read(buf)
		s.seen.Write(buf[:n])
		if err != nil {
			return fmt.Errorf("waiting for %q, the terminal showed %q: %w", text, s.seen.String(), err)
		}
	}
}

func (s *screen) drain() {
	s.tty.SetReadDeadline(time.Now().Add(shown))
	buf := make([]byte, 4096)
	for {
		n, err := s.tty.Read(buf)
		s.seen.Write(buf[:n])
		if err != nil {
			return // EIO when the last program has closed it
		}
	}
}

// nowhere is the address of no D-Bus session.
const nowhere = "unix:path=/nonexistent/bus"

// keychain KIND starts a D-Bus session with a Secret Service, which commands use from then on; keychain freeze has the
// last one take calls and never answer.
func startKeychain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: keychain kind, keychain freeze")
	}
	if args[0] == "freeze" {
		ts.Check((&secretservice.Session{Dir: ts.Getenv("KEYCHAIN_DIR")}).Freeze())
		return
	}
	s, err := secretservice.Start(secretservice.Kind(strings.Join(args, " ")))
	ts.Check(err)
	ts.Setenv("KEYCHAIN_DIR", s.Dir)
	ts.Defer(func() { _ = s.Stop() })
	ts.Setenv("DBUS_SESSION_BUS_ADDRESS", s.Address)
}
