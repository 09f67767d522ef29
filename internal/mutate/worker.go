package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// verdict is what is said of a fault.
type verdict int

const (
	broken verdict = iota
	missed
	caught
)

func (v verdict) String() string { return [...]string{"BROKEN", "MISSED", "caught"}[v] }

// result is what came of one fault.
type result struct {
	fault   fault
	verdict verdict
	why     string // the test that caught it, or what is broken
	took    time.Duration
}

func (r result) String() string {
	s := fmt.Sprintf("%s  %-45s  %5.1fs  ", r.verdict, r.fault.name, r.took.Seconds())
	switch r.verdict {
	case caught:
		return s + "by " + r.why
	case missed:
		return s + r.fault.file
	}
	return s + r.fault.file + ": " + r.why
}

// worker tries faults in a copy of the tree.
type worker struct {
	tree, bin string
	limit     time.Duration   // for the tests of one fault
	hangs     map[string]bool // faults that may take all of that
	clean     map[string]bool // packages whose tests are built without a fault
	passes    map[string]bool // tests that passed without a fault
}

func newWorker(ctx context.Context, dir string) (*worker, error) {
	dir, err := os.MkdirTemp(dir, "w")
	if err != nil {
		return nil, err
	}
	return workIn(dir, time.Minute, hangs), copyTree(ctx, filepath.Join(dir, "tree"))
}

func workIn(dir string, limit time.Duration, hangs map[string]bool) *worker {
	return &worker{filepath.Join(dir, "tree"), filepath.Join(dir, "bin"), limit, hangs, map[string]bool{}, map[string]bool{}}
}

// work tries faults until there are no more, or ctx ends.
func (w *worker) work(ctx context.Context, todo <-chan fault, results chan<- result) {
	for f := range todo {
		r := result{fault: f}
		start := time.Now()
		r.verdict, r.why = w.try(ctx, f)
		if ctx.Err() != nil {
			return // what was killed says nothing
		}
		r.took = time.Since(start)
		results <- r
	}
}

// try seeds a fault, and has what failed for it run without it.
func (w *worker) try(ctx context.Context, f fault) (verdict, string) {
	seeded := filepath.Join(w.bin, "seeded.test")
	o := w.withFault(f, func() outcome {
		if o := w.build(ctx, f.tests[0], seeded); o.end != passed {
			return o
		}
		return w.run(ctx, seeded, f.tests)
	})
	switch {
	case o.end == passed:
		return missed, ""
	case o.end == untried:
		return broken, o.why
	case o.end == hung && !w.hangs[f.name]:
		return broken, o.why
	}
	without := w.without(ctx, alone(f.tests, o.test), o)
	if without.end != passed && o.test != "" { // it may need those before it
		without = w.without(ctx, f.tests, o)
	}
	if without.end != passed {
		return broken, "fails without the fault, too: " + without.why
	}
	if o.end != hung && o.lack {
		again := w.withFault(f, func() outcome { return w.run(ctx, seeded, f.tests) })
		if again.end == passed || again.end == hung {
			return broken, "failed only once: " + o.why
		}
	}
	return caught, o.why
}

// without runs what failed with o, now without the fault. Once is enough of a test whose
// failure the machine had no part in.
func (w *worker) without(ctx context.Context, tests []string, o outcome) outcome {
	key := strings.Join(tests, " ")
	if w.passes[key] && o.end != hung && !o.lack {
		return outcome{}
	}
	clean := filepath.Join(w.bin, strings.ReplaceAll(tests[0], "/", "_")+".test")
	if !w.clean[tests[0]] {
		if o := w.build(ctx, tests[0], clean); o.end != passed {
			return o
		}
		w.clean[tests[0]] = true
	}
	got := w.run(ctx, clean, tests)
	w.passes[key] = got.end == passed
	return got
}

// alone are the arguments that run one test, "" for all of them.
func alone(tests []string, test string) []string {
	if test == "" {
		return tests
	}
	var parts []string
	for part := range strings.SplitSeq(test, "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	args := []string{tests[0], "-run", strings.Join(parts, "/")}
	for i := 1; i+1 < len(tests); i += 2 {
		if tests[i] != "-run" && tests[i] != "-skip" {
			args = append(args, tests[i:i+2]...)
		}
	}
	return args
}

// build makes the test binary of a package as go test does, but with one name
// for the tree wherever it is: what is compiled is compiled once for all workers.
func (w *worker) build(ctx context.Context, pkg, to string) outcome {
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-trimpath", "-ldflags=-s -w", "-o", to, pkg)
	cmd.Dir = w.tree
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		return outcome{end: untried, why: "does not compile: " + lastLines(out)}
	case bytes.Contains(out, []byte("[no test files]")):
		return outcome{end: untried, why: "no tests in " + pkg}
	}
	return outcome{}
}

// run runs a test binary as go test does, with arguments for go test, of which
// the first is the package.
func (w *worker) run(ctx context.Context, binary string, tests []string) outcome {
	ctx, cancel := context.WithTimeout(ctx, w.limit+30*time.Second) // for TestMain, which has no limit of its own
	defer cancel()
	args := []string{"-test.paniconexit0", "-test.failfast", "-test.timeout=" + w.limit.String()}
	for _, arg := range tests[1:] {
		if arg == "-run" || arg == "-skip" {
			arg = "-test." + arg[1:]
		}
		args = append(args, arg)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.WaitDelay = filepath.Join(w.tree, tests[0]), 10*time.Second
	out, err := cmd.CombinedOutput()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return outcome{end: hung, why: "tests that did not end"}
	}
	return judge(out, err)
}
