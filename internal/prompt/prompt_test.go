package prompt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// terminal returns a Terminal and the end at which its person sits.
func terminal(t *testing.T) (Terminal, *os.File) {
	t.Helper()
	person, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close(); tty.Close() })
	return Terminal{In: tty, Out: tty}, person
}

func see(t *testing.T, person *os.File, until string) string {
	t.Helper()
	var seen bytes.Buffer
	buf := make([]byte, 256)
	person.SetReadDeadline(time.Now().Add(5 * time.Second))
	for !strings.Contains(seen.String(), until) {
		n, err := person.Read(buf)
		if err != nil {
			t.Fatalf("waiting for %q, saw %q: %v", until, seen.String(), err)
		}
		seen.Write(buf[:n])
	}
	return seen.String()
}

func TestHiddenIsNotShown(t *testing.T) {
	tt, person := terminal(t)
	answer := make(chan string, 2)
	go func() {
		b, err := tt.Hidden(t.Context(), "Password: ")
		if err != nil {
			b = []byte(err.Error())
		}
		answer <- string(b)
		line, _ := tt.Line(t.Context(), "Name", "acme")
		answer <- line
	}()
	see(t, person, "Password: ")
	io.WriteString(person, "hunter2 x\n")
	if got := heard(t, answer); got != "hunter2 x" {
		t.Errorf("answer %q", got)
	}
	seen := see(t, person, "Name [acme]: ")
	if strings.Contains(seen, "hunter2") {
		t.Errorf("the terminal showed %q", seen)
	}
	io.WriteString(person, "\n")
	if got := heard(t, answer); got != "acme" {
		t.Errorf("preset: %q", got)
	}
}

// heard is an answer that was typed: what is typed too early may be lost.
func heard(t *testing.T, answer <-chan string) string {
	t.Helper()
	select {
	case got := <-answer:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("what was typed did not come")
		return ""
	}
}

func TestHiddenEndsWithContext(t *testing.T) {
	tt, person := terminal(t)
	before, err := term.GetState(int(tt.In.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := tt.Hidden(ctx, "Password: ")
		done <- err
	}()
	see(t, person, "Password: ")
	time.Sleep(20 * time.Millisecond)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	after, err := term.GetState(int(tt.In.Fd()))
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as it was (%v)", err)
	}
	io.WriteString(person, "\n") // lets the reader go
}

func TestYes(t *testing.T) {
	for typed, want := range map[string]bool{"y\n": true, " YES \n": true, "\n": false, "no\n": false, "yess\n": false} {
		tt, person := terminal(t)
		io.WriteString(person, typed)
		if got, err := tt.Yes(t.Context(), "Allow?"); got != want || err != nil {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	tt, person := terminal(t)
	io.WriteString(person, "\x04") // Ctrl-D
	if _, err := tt.Line(t.Context(), "Name", ""); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("end of input: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := tt.Hidden(t.Context(), "Password: ")
		done <- err
	}()
	see(t, person, "Password: ")
	io.WriteString(person, "\x04")
	select {
	case err := <-done:
		if !errors.Is(err, ErrNoAnswer) {
			t.Errorf("end of hidden input: %v", err)
		}
	case <-time.After(5 * time.Second):
		io.WriteString(person, "\n") // lets the reader go
		t.Error("the end of input did not end a hidden prompt")
	}
}

func TestThere(t *testing.T) {
	tt, _ := terminal(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if !tt.There() || (Terminal{In: r, Out: tt.Out}).There() || (Terminal{In: tt.In, Out: w}).There() || (Terminal{}).There() {
		t.Error("a terminal is not told from a pipe")
	}
}

// What was typed before the question was shown by the terminal: it is no answer.
func TestTypedAhead(t *testing.T) {
	tt, person := terminal(t)
	io.WriteString(person, "hunter2\n")
	see(t, person, "hunter2")
	answer := hiddenAlone(t, tt, person, "hunter3\n")
	if got := <-answer; string(got.line) != "hunter3" || got.err != nil {
		t.Errorf("answer %q, %v", got.line, got.err)
	}
}

type answer struct {
	line []byte
	err  error
}

// hiddenAlone asks, and types text once the question is there.
func hiddenAlone(t *testing.T, tt Terminal, person *os.File, text string) <-chan answer {
	t.Helper()
	done := make(chan answer, 1)
	go func() {
		line, err := tt.HiddenAlone(t.Context(), "Value: ")
		done <- answer{line, err}
	}()
	see(t, person, "Value: ")
	io.WriteString(person, text)
	return done
}

// What is pasted after the first line, ended or not, reaches nobody.
func TestSeveralLines(t *testing.T) {
	for _, pasted := range []string{"one\ntwo\nthree\n", "one\ntwo", "one\n\n"} {
		tt, person := terminal(t)
		if got := <-hiddenAlone(t, tt, person, pasted); !errors.Is(got.err, ErrSeveralLines) || got.line != nil {
			t.Errorf("%q: answer %q, %v", pasted, got.line, got.err)
		}
		io.WriteString(person, "next\n")
		if line, err := tt.Line(t.Context(), "Name", ""); line != "next" || err != nil {
			t.Errorf("%q: left is %q, %v", pasted, line, err)
		}
	}
	tt, person := terminal(t)
	if got := <-hiddenAlone(t, tt, person, "one\n"); string(got.line) != "one" || got.err != nil {
		t.Errorf("one line: %q, %v", got.line, got.err)
	}
}

// Who does not answer in time leaves the terminal as it was.
func TestPatience(t *testing.T) {
	tt, person := terminal(t)
	tt.Patience = 50 * time.Millisecond
	ctx, done := context.WithTimeoutCause(t.Context(), 10*time.Second, errors.New("it waits for ever"))
	defer done()
	before, err := term.GetState(int(tt.In.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = tt.Hidden(ctx, "Password: ")
	var i *InterruptedError
	if !errors.As(err, &i) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	see(t, person, "Password: ")
	if after, err := term.GetState(int(tt.In.Fd())); err != nil || *after != *before {
		t.Errorf("the terminal is another one: %v", err)
	}
	if _, err := tt.Yes(ctx, "Go on?"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
}
