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

// What a program leaves running may go on writing to the pipe. Once the program
// has ended we wait for that as long as patience in all, and after patience take
// no more than a pipe can have held (pipe(7)): the program's own output.
const (
	patience = 500 * time.Millisecond
	pipeful  = 64 << 10
)

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
	over     atomic.Pointer[time.Time] // when the program ended, if it has; others may still hold the pipe
	waited   time.Duration             // for more, since
	read     int                       // bytes, since
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
		now := time.Now()
		one.over.Store(&now)
		_ = one.from.SetReadDeadline(now.Add(silence))
	}
	f.running.Wait()
	for _, one := range f.list {
		counts.Add(one.rw.Counts())
	}
	signal.Stop(f.pipe)
	return counts
}

// pump copies until the pipe ends, or after the program's end is silent or has
// given enough: what the program left running must not keep us.
func (f *filter) pump() {
	defer f.from.Close() // if our reader has gone, the program learns it by its next write
	buf := make([]byte, 32<<10)
	var out []byte
	for held := false; ; {
		f.waitFor(held)
		start := time.Now()
		n, err := f.from.Read(buf)
		enough := f.enough(start, n)
		out, _ = f.rw.Feed(out[:0], buf[:n])
		held = n > 0
		if n == 0 || enough {
			out, _ = f.rw.Flush(out)
		}
		if _, werr := f.to.Write(out); werr != nil {
			return
		}
		if enough || err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || f.over.Load() != nil) {
			return
		}
	}
}

// enough counts a read of n bytes that began at start. Time in which our own
// reader keeps us is not counted: what is in the pipe meanwhile must not be lost.
func (f *filter) enough(start time.Time, n int) bool {
	end := f.over.Load()
	if end == nil {
		return false
	}
	if start.Before(*end) {
		start = *end
	}
	f.waited += time.Since(start)
	f.read += n
	return f.waited > patience || f.read > pipeful && time.Since(*end) > patience
}

// waitFor bounds the next read while something may be held back.
func (f *filter) waitFor(held bool) {
	if !held {
		_ = f.from.SetReadDeadline(time.Time{})
	}
	if held || f.over.Load() != nil { // looked at last: finish may have set both meanwhile
		_ = f.from.SetReadDeadline(time.Now().Add(silence))
	}
}
