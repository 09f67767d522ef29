//go:build unix

package child

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// Process is a program that runs.
type Process struct {
	proc    *os.Process
	signals chan os.Signal
	over    chan struct{}
}

// Start runs p. Between Start and the end of Wait, signals to us are signals to
// the program.
func Start(p Program) (*Process, error) {
	c := &Process{signals: make(chan os.Signal, 16), over: make(chan struct{})}
	if heard := forwarded(); len(heard) > 0 { // none would mean all
		signal.Notify(c.signals, heard...)
	}
	attr := &os.ProcAttr{Env: p.Env, Files: []*os.File{p.Stdin, p.Stdout, p.Stderr}, Sys: notWithoutUs()}
	proc, err := os.StartProcess(p.Path, p.Args, attr)
	if errors.Is(err, syscall.ENOEXEC) {
		// A script without a first line that names its interpreter: execvp(3)
		// gives it to the shell, and so does env(1).
		proc, err = os.StartProcess("/bin/sh", append([]string{"sh", p.Path}, p.Args[1:]...), attr)
	}
	if err != nil {
		signal.Stop(c.signals)
		return nil, startError(p, err)
	}
	c.proc = proc
	go c.forward()
	return c, nil
}

// Wait waits for the program to end and returns its exit code.
func (c *Process) Wait() int {
	code := c.wait()
	close(c.over)
	signal.Stop(c.signals)
	return code
}

// Signal sends s to the program.
func (c *Process) Signal(s os.Signal) error { return c.proc.Signal(s) }

// forwarded are the signals that we pass on: those by which others ask a
// program to do something. What was ignored when we were started stays so, for
// us and the program (nohup).
func forwarded() []os.Signal {
	var heard []os.Signal
	for _, s := range []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2,
	} {
		if !signal.Ignored(s) {
			heard = append(heard, s)
		}
	}
	return heard
}

func (c *Process) forward() {
	for {
		select {
		case s := <-c.signals:
			if !(fromKeyboard(s) && inForeground()) {
				_ = c.proc.Signal(s)
			}
		case <-c.over:
			return
		}
	}
}

// fromKeyboard: Ctrl-C and Ctrl-\ go to every process of the foreground group,
// so the program has them already.
func fromKeyboard(s os.Signal) bool { return s == syscall.SIGINT || s == syscall.SIGQUIT }

// codeOf follows the shells and env(1).
func codeOf(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
