package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// profiled has perf(1) look at p's process while f runs: the kernel's part too,
// and with nothing in the program that is measured. What it sees is left in a
// file for perf report.
func (b *bench) profiled(ctx context.Context, name string, p *peer, f func() error) error {
	if b.profile == "" || p.name != ours || p.proc == nil {
		return f()
	}
	cmd := exec.CommandContext(ctx, "perf", "record", "--quiet", "-e", "cpu-clock", "-F", "997", "-g",
		"-p", strconv.Itoa(p.proc.Cmd.Process.Pid), "-o", b.profile+"."+name)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	err := f()
	_ = cmd.Process.Signal(os.Interrupt) // it writes its file then
	_ = cmd.Wait()
	return err
}
