// Package prompt asks the person at the terminal.
//
//	t := prompt.Terminal{In: os.Stdin, Out: os.Stderr}
//	if !t.There() {
//		return errNeedsFlag // nobody to ask
//	}
//	password, err := t.Hidden(ctx, "Workspace password: ")
//
// Guarantees: what is typed into Hidden is not shown, from the moment of the question; the terminal is put back
// as it was when ctx ends before an answer, and while we are stopped; nothing is
// read past the end of the line that was asked for, but by HiddenAlone.
package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Terminal is where questions are asked and answered.
type Terminal struct {
	In  *os.File
	Out *os.File // standard error, so that results on standard output stay clean

	Patience time.Duration // for an answer; 0: as long as it takes
}

func (t Terminal) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.Patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, t.Patience)
}

// ErrNoAnswer is the end of input where an answer was due.
var ErrNoAnswer = errors.New("no answer was given")

// There reports whether somebody can be asked: both ends are terminals.
func (t Terminal) There() bool {
	return t.In != nil && t.Out != nil && term.IsTerminal(int(t.In.Fd())) && term.IsTerminal(int(t.Out.Fd()))
}

// ErrSeveralLines says that more was typed, or pasted, than the one line asked for.
var ErrSeveralLines = errors.New("several lines were given where one is asked for")

// InterruptedError is the end of ctx, by Ctrl-C or else, before an answer.
type InterruptedError struct{ Cause error }

func (e *InterruptedError) Error() string { return fmt.Sprintf("not answered: %v", e.Cause) }
func (e *InterruptedError) Unwrap() error { return e.Cause }

// Hidden asks for a line without showing it. What was typed before the question, which
// the terminal has shown, is thrown away (on Linux), as passwd(1) does it.
func (t Terminal) Hidden(ctx context.Context, question string) ([]byte, error) {
	return t.hidden(ctx, question, false)
}

// HiddenAlone is Hidden for what may have been pasted: where more than a line
// comes at once, all of it is thrown away, lest the rest reach the shell.
func (t Terminal) HiddenAlone(ctx context.Context, question string) ([]byte, error) {
	return t.hidden(ctx, question, true)
}

func (t Terminal) hidden(ctx context.Context, question string, alone bool) ([]byte, error) {
	ctx, done := t.bounded(ctx)
	defer done()
	fd := int(t.In.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's settings: %w", err)
	}
	defer fmt.Fprintln(t.Out)
	ask := func() { fmt.Fprint(t.Out, question) }
	answer, err := wait(ctx, func() ([]byte, error) { return readHidden(fd, alone, ask) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the reader is still inside, with echo off
	}
	return answer, err
}

// Line asks for a line; an empty one means preset.
func (t Terminal) Line(ctx context.Context, question, preset string) (string, error) {
	ctx, done := t.bounded(ctx)
	defer done()
	if preset != "" {
		question += " [" + preset + "]"
	}
	fmt.Fprint(t.Out, question+": ")
	answer, err := wait(ctx, func() ([]byte, error) { return readLine(t.In) })
	if ctx.Err() != nil {
		fmt.Fprintln(t.Out)
	}
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
		return nil, &InterruptedError{context.Cause(ctx)}
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
