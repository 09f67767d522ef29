package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Command is a run of the agentsecrets command, as a stand-in is asked for it.
type Command struct {
	Args           []string // after the name of the command
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// run runs the command and returns what it wrote to standard output. A value that it is
// given goes to its standard input, never among args.
func (c *Client) run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	exit, err := c.execute(ctx, Command{Args: c.line(args), Stdin: stdin, Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		return nil, err
	}
	if exit != 0 {
		e, _ := said(stderr.String(), exit)
		if slug := failureIn(stdout.Bytes()); e.Slug == "" && slug == "no_project" {
			e.Slug = slug
		}
		return stdout.Bytes(), e.by(words(args), c, c.settings.port).Typed()
	}
	return stdout.Bytes(), nil
}

// given is a command with flags and with operands, such as names. They stand behind the
// word --, so that none of them is a flag, whoever has chosen it.
func given(command string, flags []string, operands ...string) []string {
	args := append(strings.Fields(command), flags...)
	return append(append(args, "--"), operands...)
}

// line is args with what holds for every command of this client.
func (c *Client) line(args []string) []string {
	flags, operands := split(args)
	all := append(slices.Clone(flags), "--output", "json", "--no-input")
	return append(append(all, c.scopeFlags()...), operands...)
}

// split parts args before the word --, if there is one.
func split(args []string) (flags, operands []string) {
	i := slices.Index(args, "--")
	if i < 0 {
		return args, nil
	}
	return args[:i], args[i:]
}

func (c *Client) scopeFlags() []string {
	var flags []string
	for _, f := range []struct{ flag, text string }{
		{"--workspace", c.at.workspace}, {"--project", c.at.project}, {"--environment", c.at.environment},
	} {
		if f.text != "" {
			flags = append(flags, f.flag, f.text)
		}
	}
	return flags
}

// words are those of the command in args, with its operands and without flags.
func words(args []string) string {
	flags, operands := split(args)
	if i := slices.IndexFunc(flags, func(a string) bool { return strings.HasPrefix(a, "-") }); i >= 0 {
		flags = flags[:i]
	}
	return strings.Join(append(slices.Clone(flags), operands[min(1, len(operands)):]...), " ")
}

// execute returns the exit code of the command. Where ctx ends first it is told to end,
// waited for, and ctx's error returned.
func (c *Client) execute(ctx context.Context, command Command) (int, error) {
	if in := c.settings.standIn; in.Command != nil {
		return in.Command(command)
	}
	cmd, err := c.command(ctx, command.Args)
	if err != nil {
		return 0, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = command.Stdin, command.Stdout, command.Stderr
	err = cmd.Run()
	return exitOf(ctx, c.settings.port, err)
}

// exitOf reads how a command ended.
func exitOf(ctx context.Context, port int, err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return 128 + int(s.Signal()), nil
		}
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission), errors.Is(err, syscall.ENOEXEC):
		return 0, noBinary(port, err)
	}
	return 0, &Error{Message: "run the agentsecrets command: " + err.Error()}
}

// command is the binary with args and this client's environment.
func (c *Client) command(ctx context.Context, args []string) (*exec.Cmd, error) {
	path := c.settings.binary
	if path == "" {
		found, err := exec.LookPath("agentsecrets")
		if err != nil {
			return nil, noBinary(c.settings.port, errors.New("it is not on PATH"))
		}
		path = found
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = c.settings.dir, c.environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd, nil
}

// environ is ours, less what this client says by flags.
func (c *Client) environ() []string {
	var all []string
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "AGENTSECRETS_WORKSPACE", "AGENTSECRETS_PROJECT", "AGENTSECRETS_ENV", "AGENTSECRETS_PORT", "AGENTSECRETS_OUTPUT",
			"AS_AGENT_TOKEN", "AGENTSECRETS_TOKEN":
		default:
			all = append(all, kv)
		}
	}
	if c.settings.token != "" {
		all = append(all, "AS_AGENT_TOKEN="+c.settings.token)
	}
	return all
}

// answer runs a command whose result is one object, and reads it.
func answer[T any](ctx context.Context, c *Client, stdin io.Reader, args ...string) (v T, err error) {
	out, err := c.run(ctx, stdin, args...)
	if err == nil && json.Unmarshal(out, &v) != nil {
		err = misread(args)
	}
	return v, err
}

// do runs a command whose result is that it was done.
func (c *Client) do(ctx context.Context, args ...string) error {
	_, err := c.run(ctx, nil, args...)
	return err
}

// verdict is answer for a command that tells its result by exit as well.
func verdict[T any](ctx context.Context, c *Client, exit int, args ...string) (v T, err error) {
	out, err := c.run(ctx, nil, args...)
	var e *Error
	told := err == nil || errors.As(err, &e) && e.ExitCode == exit && len(out) > 0 && failureIn(out) == ""
	if told {
		err = nil
		if json.Unmarshal(out, &v) != nil {
			err = misread(args)
		}
	}
	return v, err
}

// failureIn is the slug of what a command writes in place of its result, "" if out is one.
func failureIn(out []byte) string {
	var failure struct{ Error, Message string }
	if json.Unmarshal(out, &failure) != nil || failure.Message == "" {
		return ""
	}
	return failure.Error
}

// misread does not show what was there: it may be anything.
func misread(args []string) error {
	return &Error{
		Slug: "unexpected_output", Fix: "agentsecrets version",
		Message: "the result of agentsecrets " + words(args) + " is not what it was expected to be: its version may be another, or it is another program",
	}
}

// lines reads a result of one object a line.
func lines[T any](ctx context.Context, c *Client, args ...string) ([]T, error) {
	out, err := c.run(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	all := []T{}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var v T
		if err := dec.Decode(&v); err != nil {
			return nil, misread(args)
		}
		all = append(all, v)
	}
	return all, nil
}
