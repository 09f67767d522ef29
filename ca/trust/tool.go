package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

const (
	toolTime = time.Minute
	toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	maxQuote = 200
)

// tool is a program of the system. It gets no terminal to ask on, and an environment that says nothing but where
// programs are and that they should speak English: what it prints is read.
type tool struct {
	path string
	// as is a path whose owner it runs as, if we are root and the owner is not: root's own must not appear in a user's
	// directories, nor may root be led elsewhere by links in there. "" means as ourselves.
	as string
}

// run returns what the tool prints on standard output.
func (t tool) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.WaitDelay = time.Second
	return t.start(cmd, stdin)
}

func (t tool) start(cmd *exec.Cmd, stdin []byte) ([]byte, error) {
	cmd.Env = environment()
	cmd.Stdin = bytes.NewReader(stdin)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := detach(cmd, t.as); err != nil {
		return nil, err
	}
	if err := cmd.Run(); err != nil {
		return out.Bytes(), &toolError{filepath.Base(t.path), err, lastLine(messages.Bytes(), out.Bytes())}
	}
	return out.Bytes(), nil
}

func environment() []string {
	env := []string{"PATH=" + toolPath, "LC_ALL=C", "LANG=C"}
	for _, name := range []string{"TMPDIR", "SystemRoot"} { // without the latter nothing starts on Windows
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// toolError is a tool's failure in its own words.
type toolError struct {
	tool string
	err  error
	said string
}

func (e *toolError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("%s: %v", e.tool, e.err)
	}
	return fmt.Sprintf("%s: %s", e.tool, e.said)
}

func (e *toolError) Unwrap() error { return e.err }

// refused reports whether a tool ran and said no, rather than could not be run.
func refused(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Exited()
}

// lastLine is of the first output that has one, short and on one line of a terminal.
func lastLine(outputs ...[]byte) string {
	for _, out := range outputs {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		line := strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, strings.TrimSpace(lines[len(lines)-1]))
		if len(line) > maxQuote {
			line = strings.ToValidUTF8(line[:maxQuote], "") + "…"
		}
		if line != "" {
			return line
		}
	}
	return ""
}

// find is exec.LookPath, also where PATH lacks the directories for root's programs.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range filepath.SplitList(toolPath) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// writable says early and clearly that a file cannot be changed.
func writable(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
