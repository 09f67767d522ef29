package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/internal/runtree"
)

// TestMain plays the other processes: a daemon, one that fails, and a process
// inside a run that tries to stop a daemon.
func TestMain(m *testing.M) {
	home := os.Getenv("DAEMON_TEST_HOME")
	switch os.Getenv("DAEMON_TEST") {
	case "daemon":
		os.Exit(beDaemon(home, nil))
	case "hasty":
		os.Exit(beDaemon(home, func() { os.Exit(0) }))
	case "fail":
		fmt.Fprintln(os.Stderr, "agentsecrets: port 8765 is in use")
		os.Exit(7)
	case "run":
		runtree.Mark()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "DAEMON_TEST=stop")
		cmd.Stdout = os.Stdout
		cmd.Run()
	case "stranger":
		fmt.Println(bare(os.Args[1]))
	case "squatter":
		squat(os.Args[1])
	case "stop":
		ctx := context.Background()
		_, err := Open(ctx, home, Wanted{})
		fmt.Println(Stop(ctx, home, -1), "|", Reload(ctx, home), "|", err)
	default:
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every process that we start waits a second at its end
		if os.Getenv("DAEMON_TEST_LAUNCH") != "" {
			os.Exit(m.Run()) // what it starts outlives it
		}
		goleak.VerifyTestMain(m)
	}
}

// beDaemon is a daemon that on /stop calls then, or nil, and ends.
func beDaemon(home string, then func()) int {
	seat, err := Claim(home)
	if err != nil {
		return 1
	}
	defer seat.Release()
	stop := make(chan struct{})
	err = seat.Serve(Control{
		Status: func() Status { return Status{Running: true, Port: 1, PID: os.Getpid()} },
		Stop: func(time.Duration) {
			if then != nil {
				then()
			}
			close(stop)
		},
		Open: func(w Wanted) (Access, error) {
			if w.Project == "" {
				return Access{}, &RefusedError{Reason: "no project", Way: "agentsecrets init"}
			}
			return Access{Project: Project{ProjectName: w.Project, Environment: w.Environment}, URL: "http://run:x@127.0.0.1:1"}, nil
		},
		Reload: func() error { return os.WriteFile(filepath.Join(home, "reloaded"), nil, 0o600) },
	})
	if err != nil || seat.Publish(State{Port: 1}) != nil {
		return 2
	}
	<-stop
	return 0
}

func launch(t *testing.T, home, as string) (Status, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return Launch{
		Home: home, Path: os.Args[0], Args: []string{"agentsecrets"},
		Environ: append(os.Environ(), "DAEMON_TEST="+as, "DAEMON_TEST_HOME="+home),
		Ready:   func(context.Context, Status) error { return nil },
	}.Start(ctx)
}

func TestLife(t *testing.T) {
	for name, home := range map[string]string{"short": t.TempDir(), "long": filepath.Join(t.TempDir(), strings.Repeat("x", 120))} {
		t.Run(name, func(t *testing.T) { life(t, home) })
	}
}

func life(t *testing.T, home string) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before: %v", err)
	}
	started, err := launch(t, home, "daemon")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(home); !errors.Is(err, ErrRunning) {
		t.Errorf("a second claim: %v", err)
	}
	st, err := Load(home)
	if err != nil || st.PID != started.PID || st.Version != version {
		t.Errorf("state %+v, %v", st, err)
	}
	private(t, home, stateFile, socketFile, logFile)
	if err := Stop(t.Context(), home, -1); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := Stop(t.Context(), home, -1); !errors.Is(err, ErrNotRunning) {
		t.Errorf("second stop: %v", err)
	}
	if _, err := Load(home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("state after the end: %v", err)
	}
}

// Who stops a daemon hears that it will, however fast it is gone.
func TestStopIsAnsweredFirst(t *testing.T) {
	home := t.TempDir()
	if _, err := launch(t, home, "hasty"); err != nil {
		t.Fatal(err)
	}
	if err := Stop(t.Context(), home, -1); err != nil {
		t.Error(err)
	}
}

func private(t *testing.T, home string, names ...string) {
	t.Helper()
	for _, name := range names {
		info, err := os.Stat(filepath.Join(home, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestKilledDaemonIsNotRunning(t *testing.T) {
	home := t.TempDir()
	st, err := launch(t, home, "daemon")
	if err != nil {
		t.Fatal(err)
	}
	proc, _ := os.FindProcess(st.PID)
	proc.Kill()
	for taken(home) {
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := Ask(t.Context(), home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("ask: %v", err)
	}
	if left := Left(home); len(left) == 0 {
		t.Errorf("it left %q", left)
	}
	seat, err := Claim(home)
	if err != nil {
		t.Fatalf("claim what a dead daemon left: %v", err)
	}
	defer seat.Release()
	if _, err := Load(home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("its state is still there: %v", err)
	}
	if err := seat.Publish(State{}); err != nil || Left(home) != nil || !errors.Is(ClearLeft(home), ErrRunning) {
		t.Errorf("what a daemon needs is taken for left: %q, %v", Left(home), err)
	}
	if _, err := Load(home); err != nil {
		t.Errorf("it was cleared away: %v", err)
	}
}

func TestDaemonThatFails(t *testing.T) {
	_, err := launch(t, t.TempDir(), "fail")
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 7 || exit.Error() != "port 8765 is in use" {
		t.Errorf("%v", err)
	}
}

func TestDaemonHoldsNothingOfOurs(t *testing.T) {
	home := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `exec "$0" -test.run='^TestLaunchOnly$'`, os.Args[0])
	cmd.Env = append(os.Environ(), "DAEMON_TEST_LAUNCH="+home)
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stdout = w
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	defer Stop(t.Context(), home, -1)
	done := make(chan struct{})
	go func() { io.Copy(io.Discard, r); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("the daemon keeps a pipe of the process that called its launcher open")
	}
}

// TestLaunchOnly is the launcher of TestDaemonHoldsNothingOfOurs.
func TestLaunchOnly(t *testing.T) {
	if home := os.Getenv("DAEMON_TEST_LAUNCH"); home != "" {
		if _, err := launch(t, home, "daemon"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestL3InsideARun(t *testing.T) {
	home := t.TempDir()
	if _, err := launch(t, home, "daemon"); err != nil {
		t.Fatal(err)
	}
	defer Stop(t.Context(), home, -1)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DAEMON_TEST=run", "DAEMON_TEST_HOME="+home)
	out, err := cmd.Output()
	if err != nil || strings.Count(string(out), "inside a run") != 3 {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := Ask(t.Context(), home); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

func TestSomethingElseOnTheSocket(t *testing.T) {
	home := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(home, socketFile))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close() // a socket that nobody listens on
	if _, err := Ask(t.Context(), home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a dead socket: %v", err)
	}
	if err := os.WriteFile(filepath.Join(home, stateFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(home); err == nil || errors.Is(err, ErrNotRunning) {
		t.Errorf("a state of no version: %v", err)
	}
}
