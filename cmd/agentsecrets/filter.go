package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/agentsecrets/agentsecrets/internal/child"
	"github.com/agentsecrets/agentsecrets/redact"
)

// silence is how long a program may be silent before what is held back of its
// output is let go. The program has the values itself, so this tells it nothing.
const silence = 50 * time.Millisecond

// filters stand between what a program writes and our own output.
type filters struct {
	list    []*filter
	ends    []*os.File // the program's ends of the pipes
	running sync.WaitGroup
	pipe    chan os.Signal
}

// filter covers values on the way from one pipe to one file.
type filter struct {
	from, to *os.File
	rw       *redact.Rewriter
	over     atomic.Bool // the program has ended; others may still hold the pipe
}

// filterOutput puts pipes in place of p's outputs that are no terminals, one
// where both are the same file: else lines would change places.
func filterOutput(p *child.Program, set *redact.Set) (*filters, error) {
	f := &filters{pipe: make(chan os.Signal, 1)}
	stdout, stderr := p.Stdout, p.Stderr
	var err error
	if p.Stdout, err = f.put(stdout, set); err != nil {
		return nil, err
	}
	if sameFile(stdout, stderr) {
		p.Stderr = p.Stdout
	} else if p.Stderr, err = f.put(stderr, set); err != nil {
		return nil, err
	}
	// Without this a reader of our output that goes away would end us at once.
	// The program is to be the one that notices.
	signal.Notify(f.pipe, syscall.SIGPIPE)
	return f, nil
}

func (f *filters) put(to *os.File, set *redact.Set) (*os.File, error) {
	if term.IsTerminal(int(to.Fd())) {
		return to, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("filter the program's output: %w", err)
	}
	one := &filter{from: r, to: to, rw: set.Rewriter()}
	f.list, f.ends = append(f.list, one), append(f.ends, w)
	f.running.Go(one.pump)
	return w, nil
}

func sameFile(a, b *os.File) bool {
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// started gives the pipes to the program alone.
func (f *filters) started() {
	for _, end := range f.ends {
		end.Close()
	}
}

// finish passes on what is left and reports what was covered.
func (f *filters) finish() redact.Counts {
	f.started()
	counts := redact.Counts{}
	for _, one := range f.list {
		one.over.Store(true)
		_ = one.from.SetReadDeadline(time.Now().Add(silence))
	}
	f.running.Wait()
	for _, one := range f.list {
		counts.Add(one.rw.Counts())
	}
	signal.Stop(f.pipe)
	return counts
}

// pump copies until the pipe ends, or is silent after the program's end: what
// the program left running must not keep us.
func (f *filter) pump() {
	defer f.from.Close() // if our reader has gone, the program learns it by its next write
	buf := make([]byte, 32<<10)
	var out []byte
	for held := false; ; {
		f.waitFor(held)
		n, err := f.from.Read(buf)
		out, _ = f.rw.Feed(out[:0], buf[:n])
		held = n > 0
		if n == 0 {
			out, _ = f.rw.Flush(out)
		}
		if _, werr := f.to.Write(out); werr != nil {
			return
		}
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || f.over.Load()) {
			return
		}
	}
}

// waitFor bounds the next read while something may be held back.
func (f *filter) waitFor(held bool) {
	if !held {
		_ = f.from.SetReadDeadline(time.Time{})
	}
	if held || f.over.Load() { // looked at last: finish may have set both meanwhile
		_ = f.from.SetReadDeadline(time.Now().Add(silence))
	}
}
