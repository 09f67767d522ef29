// Command mutate seeds one fault after another into a copy of the tree and
// runs the tests that should notice. A fault that no test notices is a hole in
// the tests, and makes mutate fail.
//
//	go run ./internal/mutate               # all faults: an hour or two
//	go run ./internal/mutate -only basic   # those whose name contains "basic"
//	go run ./internal/mutate -shard 2/8    # the second of eight parts
//	go run ./internal/mutate -done FILE    # those that the output in FILE does not say were caught
//
// Files that were changed last come first. Faults inside of a function are built
// all at once and turned on one by one, which takes a second where a build would
// take ten; what can't be built so, or goes unnoticed so, is seeded in the tree.
// A fault counts as caught by a test
// that fails with it and passes without it. One that does not compile, that
// nothing was run for, or whose test failed for another reason is broken, and
// makes mutate fail, too: it proves nothing. A fault for a row of
// docs/threats.md must be noticed by that row's own tests.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

type options struct {
	only, shard, done string
	jobs              int
	list              bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.only, "only", "", "run only the faults whose name contains this; those of row D1 are named 'D1: ...'")
	flag.StringVar(&o.shard, "shard", "1/1", "run the part K of N, as K/N")
	flag.StringVar(&o.done, "done", "", "leave out the faults that were caught according to this file, the output of an earlier run")
	flag.IntVar(&o.jobs, "jobs", max(1, runtime.NumCPU()/2), "how many faults are tried at once, each in a copy of its own")
	flag.BoolVar(&o.list, "list", false, "print the faults and run none")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	faults := all()
	if err := newestFirst(ctx, faults); err != nil {
		return err
	}
	faults, err := o.chosen(faults)
	if err != nil {
		return err
	}
	if o.list {
		for _, f := range faults {
			fmt.Fprintf(out, "%-45s  %s\n", f.name, f.file)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return fmt.Errorf("make work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	results, err := tryAll(ctx, dir, max(1, o.jobs), faults)
	if err != nil {
		return err
	}
	count := map[verdict]int{}
	for r := range results {
		count[r.verdict]++
		fmt.Fprintln(out, r)
	}
	fmt.Fprintf(out, "%d caught, %d missed, %d broken\n", count[caught], count[missed], count[broken])
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case count[missed]+count[broken] > 0:
		return fmt.Errorf("%d seeded faults were noticed by no test, and %d prove nothing", count[missed], count[broken])
	}
	return nil
}

// worthwhile is for how many faults a build that has them all takes less than one build for each.
const worthwhile = 8

// tryAll tries the faults with so many workers. The results come as they are had.
func tryAll(ctx context.Context, dir string, jobs int, faults []fault) (<-chan result, error) {
	var together *switches
	if len(faults) >= worthwhile {
		var err error
		if together, err = newSwitches(ctx, filepath.Join(dir, "all"), faults); err != nil {
			return nil, err
		}
	}
	var workers []*worker
	for range min(jobs, len(faults)) {
		w, err := newWorker(ctx, dir, together)
		if err != nil {
			return nil, err
		}
		workers = append(workers, w)
	}
	todo := make(chan fault, len(faults))
	for _, f := range faults {
		todo <- f
	}
	close(todo)
	results := make(chan result)
	var working sync.WaitGroup
	for _, w := range workers {
		working.Go(func() { w.work(ctx, todo, results) })
	}
	go func() {
		working.Wait()
		close(results)
	}()
	return results, nil
}
