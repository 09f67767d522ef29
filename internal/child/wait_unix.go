//go:build unix && !linux

package child

import "syscall"

// AdoptOrphans does nothing: only Linux has child subreapers.
func AdoptOrphans() error { return nil }

func (c *Process) wait() int {
	state, err := c.proc.Wait()
	if err != nil {
		return 1
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok {
		return codeOf(ws)
	}
	return state.ExitCode()
}

// notWithoutUs does nothing: only Linux tells a program of our end.
func notWithoutUs() *syscall.SysProcAttr { return nil }
