package client

import (
	"bytes"
	"context"
	"io"
	"os"
)

// Program is what Start runs. It gets the secrets of the project as variables; this
// process does not see them, and what the program writes to pipes and files has them
// taken out.
type Program struct {
	Path           string
	Args           []string
	Intercept      bool // it gets placeholders instead, and a proxy that expands them
	Capture        bool // its output is in the result
	Stdin          io.Reader
	Stdout, Stderr io.Writer // nil: ours, or the result's
}

// SpawnResult is how a program ended: with its own code, 128 and a signal's number, 126 if
// it could not be executed and 127 if it was not found; 125 is a failure of agentsecrets.
type SpawnResult struct {
	ExitCode       int
	Stdout, Stderr string // if they were captured
}

// Spawn runs a program with the secrets of the project, on our standard input and output,
// and waits for it.
func (c *Client) Spawn(ctx context.Context, path string, args ...string) (*SpawnResult, error) {
	return c.SpawnProgram(ctx, Program{Path: path, Args: args})
}

// SpawnCapture is Spawn with the program's output in the result, and nothing to read.
func (c *Client) SpawnCapture(ctx context.Context, path string, args ...string) (*SpawnResult, error) {
	return c.SpawnProgram(ctx, Program{Path: path, Args: args, Capture: true})
}

// SpawnAsync is Spawn without waiting: see [Process.Wait]. Where ctx ends, so does the program.
func (c *Client) SpawnAsync(ctx context.Context, path string, args ...string) (*Process, error) {
	return c.Start(ctx, Program{Path: path, Args: args})
}

// SpawnProgram runs p and waits for it.
func (c *Client) SpawnProgram(ctx context.Context, p Program) (*SpawnResult, error) {
	running, err := c.Start(ctx, p)
	if err != nil {
		return nil, err
	}
	return running.Wait()
}

// Process is a program that was started.
type Process struct {
	PID int // of what runs it; 0 of a stand-in

	wait           func() (int, error)
	stdout, stderr *bytes.Buffer
	client         *Client
}

// Start starts p. Wait must be called.
func (c *Client) Start(ctx context.Context, p Program) (*Process, error) {
	args := append([]string{"run", "--quiet", "--no-input"}, c.scopeFlags()...)
	if p.Intercept {
		args = append(args, "--intercept")
	}
	args = append(append(args, "--", p.Path), p.Args...)
	running := &Process{client: c, stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	command := Command{Args: args, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr}
	if p.Capture {
		command.Stdout, command.Stderr = also(p.Stdout, running.stdout), also(p.Stderr, running.stderr)
	} else if p.Stdin == nil {
		command.Stdin = os.Stdin
	}
	if command.Stdout == nil {
		command.Stdout = os.Stdout
	}
	if command.Stderr == nil {
		command.Stderr = os.Stderr
	}
	if stand := c.settings.standIn.Command; stand != nil {
		exit, err := stand(command)
		running.wait = func() (int, error) { return exit, err }
		return running, nil
	}
	cmd, err := c.command(ctx, args)
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = command.Stdin, command.Stdout, command.Stderr
	if err := cmd.Start(); err != nil {
		_, err := exitOf(ctx, c.settings.port, err)
		return nil, err
	}
	running.PID = cmd.Process.Pid
	running.wait = func() (int, error) { return exitOf(ctx, c.settings.port, cmd.Wait()) }
	return running, nil
}

func also(w io.Writer, buffer *bytes.Buffer) io.Writer {
	if w == nil {
		return buffer
	}
	return io.MultiWriter(w, buffer)
}

// exitOurs is the exit code of run where it could not run the program.
const exitOurs = 125

// Wait waits until the program has ended. That it ended with another code than 0 is no
// error; that agentsecrets could not run it is one, where its output was captured.
func (p *Process) Wait() (*SpawnResult, error) {
	exit, err := p.wait()
	if err != nil {
		return nil, err
	}
	result := &SpawnResult{ExitCode: exit, Stdout: p.stdout.String(), Stderr: p.stderr.String()}
	if exit < exitOurs || exit > exitOurs+2 {
		return result, nil
	}
	if e, ok := said(result.Stderr, exit); ok {
		return result, e.by("run", p.client, p.client.settings.port).Typed()
	}
	return result, nil
}
