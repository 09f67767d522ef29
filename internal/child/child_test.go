//go:build unix

package child

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestMain is us when it is told so: it runs its arguments as a program.
func TestMain(m *testing.M) {
	if os.Getenv("CHILD_TEST") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every process that we start waits a second at its end
		os.Exit(m.Run())
	}
	os.Exit(beUs(os.Args[1:]))
}

func beUs(args []string) int {
	if err := AdoptOrphans(); err != nil {
		panic(err)
	}
	var start *StartError
	path, err := Find(args[0], os.Environ())
	if errors.As(err, &start) {
		return start.Code
	}
	p, err := Start(Program{Path: path, Args: args, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	if errors.As(err, &start) {
		return start.Code
	}
	return p.Wait()
}

func us(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CHILD_TEST=1")
	return cmd
}

func script(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"true"}, 0},
		{[]string{"sh", "-c", "exit 7"}, 7},
		{[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15},
		{[]string{"sh", "-c", "kill -KILL $$"}, 128 + 9},
		{[]string{"no-such-program-anywhere"}, 127},
		{[]string{"/no/such/program"}, 127},
		{[]string{""}, 127},
		{[]string{t.TempDir()}, 126},
		{[]string{script(t, "#!/bin/sh\nexit 3\n", 0o600)}, 126},
		{[]string{script(t, "#!/bin/sh\nexit 3\n", 0o700)}, 3},
		{[]string{script(t, "exit $#\n", 0o700), "a", "b"}, 2},
		{[]string{script(t, "#!/no/such/interpreter\n", 0o700)}, 127},
	} {
		cmd := us(c.args...)
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != c.want {
			t.Errorf("%q: code %d, want %d", c.args, got, c.want)
		}
	}
}

func TestFindInProgramsPath(t *testing.T) {
	path := script(t, "#!/bin/sh\n", 0o700)
	dir, name := filepath.Split(path)
	if got, err := Find(name, []string{"PATH=/nowhere", "PATH=/elsewhere:" + dir}); err != nil || got != path {
		t.Errorf("%q, %v; want %q", got, err, path)
	}
	var e *StartError
	denied := script(t, "", 0o600)
	if _, err := Find("script", []string{"PATH=" + filepath.Dir(denied)}); !errors.As(err, &e) || e.Code != notExecutable {
		t.Errorf("a file that may not be executed: %v", err)
	}
	if _, err := Find("sh", []string{"PATH=/nowhere"}); !errors.As(err, &e) || e.Code != notFound || e.Error() != "sh: command not found" {
		t.Errorf("nothing there: %v", err)
	}
}

func TestSignalsAreForwarded(t *testing.T) {
	heard := make(chan os.Signal, 1) // else the program would ignore what nohup has us ignore
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGINT} {
		cmd := us("sh", "-c", `trap "echo told; exit 9" TERM HUP USR1 INT; echo ready; while :; do sleep 0.02; done`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // not the foreground group
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		readUntil(t, out, "ready\n")
		cmd.Process.Signal(s)
		readUntil(t, out, "told\n")
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != 9 {
			t.Errorf("%v: code %d", s, got)
		}
	}
}

func TestKeyboardInterruptComesOnce(t *testing.T) {
	cmd := us("sh", "-c", `trap "echo caught" INT; trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done`)
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	readUntil(t, tty, "ready")
	io.WriteString(tty, "\x03")
	readUntil(t, tty, "caught")
	time.Sleep(100 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGTERM)
	rest, _ := io.ReadAll(tty)
	if strings.Contains(string(rest), "caught") {
		t.Error("one Ctrl-C arrived twice")
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 9 {
		t.Errorf("code %d", got)
	}
}

func TestIgnoredStaysIgnored(t *testing.T) {
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec "$0" sh -c 'kill -HUP $$; kill -HUP $PPID; sleep 0.1; exit 4'`, os.Args[0])
	cmd.Env = append(os.Environ(), "CHILD_TEST=1")
	cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != 4 {
		t.Errorf("code %d: SIGHUP was not ignored any more", got)
	}
}

func readUntil(t *testing.T, r io.Reader, want string) {
	t.Helper()
	var seen bytes.Buffer
	b := make([]byte, 1)
	for !strings.HasSuffix(seen.String(), want) {
		if _, err := r.Read(b); err != nil {
			t.Fatalf("waiting for %q, read %q: %v", want, seen.String(), err)
		}
		seen.Write(b)
	}
}
