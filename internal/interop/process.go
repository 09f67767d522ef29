package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a program that stays while a suite runs.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer // its end asks a run to end
	stdout io.Reader // nil: thrown away
	stderr bytes.Buffer
}

// start runs a program that ends when we do, whatever ends us. What it prints
// is kept, or read by greet.
func start(ctx context.Context, dir string, environ []string, greets bool, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, environ, &p.stderr
	p.cmd.SysProcAttr = dieWithUs()
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 3 * time.Second
	in, err := p.cmd.StdinPipe()
	if err == nil && greets {
		p.stdout, err = p.cmd.StdoutPipe()
	} else if err == nil {
		p.cmd.Stdout = &p.stderr
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	p.stdin = in
	return p, nil
}

// greet waits until a run says how its proxy is reached.
func (p *process) greet() (hello, error) {
	var h hello
	if err := json.NewDecoder(p.stdout).Decode(&h); err != nil {
		p.stop()
		return h, fmt.Errorf("%s did not come up: %w: %s", filepath.Base(p.cmd.Path), err, p.stderr.String())
	}
	return h, nil
}

// listens waits until something answers on addr.
func (p *process) listens(addr string) error {
	for range 2400 {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		time.Sleep(25 * time.Millisecond)
	}
	p.stop()
	return fmt.Errorf("%s does not listen on %s: %s", filepath.Base(p.cmd.Path), addr, p.stderr.String())
}

// stop ends the process and waits for its end.
func (p *process) stop() {
	p.stdin.Close()
	if p.stdout == nil { // other people's programs take no hint
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	kill := time.AfterFunc(3*time.Second, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
}

// ran is what a program that has ended left behind.
type ran struct {
	ok     bool
	output string // of both streams
}

// output runs a program to its end. That it fails is a result, that it cannot
// be started or goes on for ever an error.
func output(ctx context.Context, limit time.Duration, dir string, environ []string, args ...string) (ran, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, environ
	cmd.SysProcAttr = dieWithUs()
	cmd.WaitDelay = 3 * time.Second
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ran{output: string(out)}, fmt.Errorf("%s did not end in %s: %s", filepath.Base(args[0]), limit, last(string(out)))
	case err != nil && !errors.As(err, &ended):
		return ran{}, fmt.Errorf("run %s: %w", filepath.Base(args[0]), err)
	}
	return ran{err == nil, string(out)}, nil
}

// last is the end of a program's output, for error texts.
func last(text string) string {
	const most = 600
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "…" + strings.ToValidUTF8(text[len(text)-most:], "")
	}
	return text
}

// freePort is one on which nothing listens at the moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
