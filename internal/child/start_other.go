//go:build !unix

package child

import "os"

// Process is a program that runs.
type Process struct{ proc *os.Process }

// Start runs p.
func Start(p Program) (*Process, error) {
	proc, err := os.StartProcess(p.Path, p.Args, &os.ProcAttr{Env: p.Env, Files: []*os.File{p.Stdin, p.Stdout, p.Stderr}})
	if err != nil {
		return nil, startError(p, err)
	}
	return &Process{proc}, nil
}

// Wait waits for the program to end and returns its exit code.
func (c *Process) Wait() int {
	state, err := c.proc.Wait()
	if err != nil {
		return 1
	}
	return state.ExitCode()
}

// Signal sends s to the program.
func (c *Process) Signal(s os.Signal) error { return c.proc.Signal(s) }

// AdoptOrphans does nothing: only Linux has child subreapers.
func AdoptOrphans() error { return nil }
