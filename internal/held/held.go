// Package held starts programs that stay for a while and end when we do.
//
//	p, err := held.Start(ctx, held.Program{Dir: dir, Env: environ, Args: []string{self, "origin"}, Greets: true})
//	defer p.Stop()
//	var hello struct{ URL string }
//	err = p.Greet(&hello)
//
// For benchmarks and other people's suites; it is not part of the program.
package held

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a program may take to end before it is killed.
const patience = 3 * time.Second

// Program is what to start.
type Program struct {
	Dir    string
	Env    []string
	Args   []string // the first is the program
	Greets bool     // it says in a line of JSON on its standard output that it is ready, and ends with its standard input
}

// Process is a program that was started. Its fields are not changed while it runs.
type Process struct {
	Cmd    *exec.Cmd
	Stdin  io.Closer    // its end asks the program to end
	Deaf   bool         // the program takes no hint, and gets SIGTERM
	Stderr bytes.Buffer // of one that does not greet, its standard output as well; to be read when it has ended

	stdout io.Reader
}

// Start starts p. On Linux it ends when the thread does that started it, whatever
// ends that one: callers lock theirs.
func Start(ctx context.Context, p Program) (*Process, error) {
	h := &Process{Cmd: exec.CommandContext(ctx, p.Args[0], p.Args[1:]...), Deaf: !p.Greets}
	h.Cmd.Dir, h.Cmd.Env, h.Cmd.Stderr = p.Dir, p.Env, &h.Stderr
	h.Cmd.SysProcAttr = DieWithUs()
	h.Cmd.Cancel = func() error { return h.Cmd.Process.Signal(syscall.SIGTERM) }
	h.Cmd.WaitDelay = patience
	in, err := h.Cmd.StdinPipe()
	if err == nil && p.Greets {
		h.stdout, err = h.Cmd.StdoutPipe()
	} else if err == nil {
		h.Cmd.Stdout = &h.Stderr
	}
	if err == nil {
		err = h.Cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Args[0], err)
	}
	h.Stdin = in
	return h, nil
}

// Greet waits for the program's line and decodes it into what hello points to.
func (h *Process) Greet(hello any) error {
	if err := json.NewDecoder(h.stdout).Decode(hello); err != nil {
		h.Stop()
		return fmt.Errorf("%s did not come up: %w: %s", filepath.Base(h.Cmd.Path), err, h.Stderr.String())
	}
	return nil
}

// Listens waits until something answers on addr, HOST:PORT.
func (h *Process) Listens(addr string, within time.Duration) error {
	for end := time.Now().Add(within); time.Now().Before(end); {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		time.Sleep(25 * time.Millisecond)
	}
	h.Stop()
	return fmt.Errorf("%s does not listen on %s: %s", filepath.Base(h.Cmd.Path), addr, h.Stderr.String())
}

// Stop ends the program and waits for its end. Nothing is done for a nil Process.
func (h *Process) Stop() {
	if h == nil {
		return
	}
	h.Stdin.Close()
	if h.Deaf {
		_ = h.Cmd.Process.Signal(syscall.SIGTERM)
	}
	kill := time.AfterFunc(patience, func() { h.Cmd.Process.Kill() })
	defer kill.Stop()
	_ = h.Cmd.Wait()
}
