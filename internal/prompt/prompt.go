// Package prompt asks the person at the terminal.
//
//	t := prompt.Terminal{In: os.Stdin, Out: os.Stderr}
//	if !t.There() {
//		return errNeedsFlag // nobody to ask
//	}
//	password, err := t.Hidden(ctx, "Workspace password: ")
//
// Guarantees: what is typed into Hidden is not shown; the terminal is put back
// as it was when ctx ends before an answer; nothing is read past the end of the
// line that was asked for.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is where questions are asked and answered.
type Terminal struct {
	In  *os.File
	Out *os.File // standard error, so that results on standard output stay clean
}

// ErrNoAnswer is the end of input where an answer was due.
var ErrNoAnswer = errors.New("no answer was given")

// There reports whether somebody can be asked: both ends are terminals.
func (t Terminal) There() bool {
	return t.In != nil && t.Out != nil && term.IsTerminal(int(t.In.Fd())) && term.IsTerminal(int(t.Out.Fd()))
}

// Hidden asks for a line without showing it.
func (t Terminal) Hidden(ctx context.Context, question string) ([]byte, error) {
	fd := int(t.In.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's settings: %w", err)
	}
	fmt.Fprint(t.Out, question)
	defer fmt.Fprintln(t.Out)
	answer, err := wait(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the reader is still inside ReadPassword, with echo off
	}
	return answer, err
}

// Line asks for a line; an empty one means preset.
func (t Terminal) Line(ctx context.Context, question, preset string) (string, error) {
	if preset != "" {
		question += " [" + preset + "]"
	}
	fmt.Fprint(t.Out, question+": ")
	answer, err := wait(ctx, func() ([]byte, error) { return readLine(t.In) })
	if err != nil {
		return "", err
	}
	if text := strings.TrimSpace(string(answer)); text != "" {
		return text, nil
	}
	return preset, nil
}

// Yes asks a question whose answer is no unless somebody says yes.
func (t Terminal) Yes(ctx context.Context, question string) (bool, error) {
	answer, err := t.Line(ctx, question+" [y/N]", "")
	switch strings.ToLower(answer) {
	case "y", "yes":
		return err == nil, err
	}
	return false, err
}

// wait runs read, which cannot be interrupted, and stops waiting when ctx ends.
// The goroutine then lives until the process does, which is about to end too.
func wait(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		line, err := read()
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		if errors.Is(r.err, io.EOF) {
			return nil, ErrNoAnswer
		}
		return r.line, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readLine takes one byte at a time: what is typed ahead belongs to the next
// question, which may be a hidden one.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	var b [1]byte
	for {
		n, err := r.Read(b[:])
		if n == 1 && b[0] == '\n' {
			return line, nil
		}
		line = append(line, b[:n]...)
		if err != nil {
			return line, err
		}
	}
}
