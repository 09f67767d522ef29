package prompt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ttyLine reads a line as it is typed, one byte at a time. Its end of input is
// io.EOF: the tty's is a read of nothing.
type ttyLine int

func (fd ttyLine) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(fd), b)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("read from the terminal: %w", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// readHidden reads a line with echo off, which it is before ask shows the question.
// alone refuses one that more input follows.
func readHidden(fd int, alone bool, ask func()) ([]byte, error) {
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's settings: %w", err)
	}
	silent := *before
	silent.Lflag = silent.Lflag&^unix.ECHO | unix.ICANON | unix.ISIG
	silent.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &silent); err != nil { // F: drops what nobody has read
		return nil, fmt.Errorf("switch the terminal's echo off: %w", err)
	}
	ask()
	awake := keepSilent(fd, before, &silent, ask)
	defer func() {
		awake()
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
	}()
	line, err := readLine(ttyLine(fd))
	if errors.Is(err, io.EOF) && len(line) > 0 { // Ctrl-D twice ends a line
		err = nil
	}
	if err == nil && alone && drained(fd, silent) {
		return nil, ErrSeveralLines
	}
	return line, err
}

// keepSilent gives the terminal back when we are stopped (Ctrl-Z), and switches
// echo off again when we go on: shells leave it on. The result ends that.
func keepSilent(fd int, before, silent *unix.Termios, again func()) (end func()) {
	stops, goes, over, done := make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	stoppable := !signal.Ignored(syscall.SIGTSTP)
	if stoppable {
		signal.Notify(stops, syscall.SIGTSTP)
	}
	signal.Notify(goes, syscall.SIGCONT)
	go func() {
		defer close(done)
		for {
			select {
			case <-over:
				return
			case <-stops:
				_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
				stop(goes)
			case <-goes:
			}
			_ = unix.IoctlSetTermios(fd, unix.TCSETS, silent)
			again()
		}
	}()
	return func() {
		close(over)
		<-done
		signal.Stop(goes)
		if stoppable {
			signal.Stop(stops)
		}
	}
}

// stop does what nobody else does for a signal that was caught: Go does not give
// its default action back. As the kernel, it leaves processes alone that no shell
// could make go on: those of a session's first group.
func stop(goes <-chan os.Signal) {
	session, err := unix.Getsid(0)
	if err != nil || session == unix.Getpgrp() {
		return
	}
	if unix.Kill(os.Getpid(), unix.SIGSTOP) == nil {
		<-goes // the signal may stop us a moment after Kill has returned
	}
}

// pause is how long a terminal may take between two lines of one paste.
const pause = 50 * time.Millisecond

// drained throws away what follows, and reports whether there was any. The last
// line of a paste, which no newline ends, is only readable with ICANON off.
func drained(fd int, mode unix.Termios) bool {
	mode.Lflag &^= unix.ICANON
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 0, 0
	if unix.IoctlSetTermios(fd, unix.TCSETS, &mode) != nil {
		return false
	}
	some := false
	var b [4096]byte
	for readable(fd) {
		if n, err := unix.Read(fd, b[:]); err != nil || n == 0 {
			break
		}
		some = true
	}
	clear(b[:])
	return some
}

func readable(fd int) bool {
	for end := time.Now().Add(pause); ; {
		left := max(0, time.Until(end).Milliseconds())
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left))
		if !errors.Is(err, unix.EINTR) {
			return n > 0
		}
	}
}
