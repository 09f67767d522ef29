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
	"slices"
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
	switches  *switches       // nil for none
	limit     time.Duration   // for the tests of one fault
	hangs     map[string]bool // faults that may take all of that
	clean     map[string]bool // packages whose tests are built without a fault
	passes    map[string]bool // tests that passed without a fault
}

func newWorker(ctx context.Context, dir string, s *switches) (*worker, error) {
	dir, err := os.MkdirTemp(dir, "w")
	if err != nil {
		return nil, err
	}
	w := workIn(dir, time.Minute, hangs)
	w.switches = s
	if err := os.Mkdir(w.bin, 0o700); err != nil {
		return nil, err
	}
	return w, copyTree(ctx, w.tree)
}

func workIn(dir string, limit time.Duration, hangs map[string]bool) *worker {
	return &worker{tree: filepath.Join(dir, "tree"), bin: filepath.Join(dir, "bin"), limit: limit, hangs: hangs, clean: map[string]bool{}, passes: map[string]bool{}}
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

// try turns a fault on where it is built with others. One that can't be tried so,
// or that goes unnoticed so, is seeded.
func (w *worker) try(ctx context.Context, f fault) (verdict, string) {
	if w.switches != nil && !slices.Contains(builders, f.tests[0]) {
		if v, why := w.judge(f, w.turnOn(ctx, f), w.turnedOff(ctx)); v == caught || why == notEnded {
			return v, why
		}
	}
	return w.judge(f, w.seed(ctx, f), w.unseeded(ctx))
}

// judge tries a fault, and has what failed for it run without it. seeded may be
// called again.
func (w *worker) judge(f fault, seeded func() outcome, without func(tests []string) outcome) (verdict, string) {
	o := seeded()
	switch {
	case o.end == passed:
		return missed, ""
	case o.end == untried:
		return broken, o.why
	case o.end == hung && !w.hangs[f.name]:
		return broken, o.why
	}
	clean := w.once(alone(f.tests, o.test), o, without)
	if clean.end != passed && o.test != "" { // it may need those before it
		clean = w.once(f.tests, o, without)
	}
	if clean.end != passed {
		return broken, "fails without the fault, too: " + clean.why
	}
	if o.end != hung && o.lack {
		if again := seeded(); again.end == passed || again.end == hung {
			return broken, "failed only once: " + o.why
		}
	}
	return caught, o.why
}

// once runs tests without a fault. Once is enough of those whose failure the machine
// had no part in.
func (w *worker) once(tests []string, o outcome, without func(tests []string) outcome) outcome {
	key := strings.Join(tests, " ")
	if w.passes[key] && o.end != hung && !o.lack {
		return outcome{}
	}
	got := without(tests)
	w.passes[key] = got.end == passed
	return got
}

// seed runs the tests of a fault in a tree that has it.
func (w *worker) seed(ctx context.Context, f fault) func() outcome {
	binary := filepath.Join(w.bin, "seeded.test")
	return func() outcome {
		return w.withFault(f, func() outcome {
			if o := build(ctx, w.tree, f.tests[0], binary); o.end != passed {
				return o
			}
			return w.run(ctx, binary, f.tests)
		})
	}
}

// unseeded runs tests in a tree without a fault.
func (w *worker) unseeded(ctx context.Context) func(tests []string) outcome {
	return func(tests []string) outcome {
		binary := filepath.Join(w.bin, binaryName(tests[0]))
		if !w.clean[tests[0]] {
			if o := build(ctx, w.tree, tests[0], binary); o.end != passed {
				return o
			}
			w.clean[tests[0]] = true
		}
		return w.run(ctx, binary, tests)
	}
}

// turnOn runs the tests of a fault with it on.
func (w *worker) turnOn(ctx context.Context, f fault) func() outcome {
	binary := filepath.Join(w.bin, "on.test")
	return func() outcome {
		if o := w.switches.on(ctx, f, binary); o.end != passed {
			return o
		}
		return w.run(ctx, binary, f.tests)
	}
}

// turnedOff runs tests with all faults off.
func (w *worker) turnedOff(ctx context.Context) func(tests []string) outcome {
	return func(tests []string) outcome {
		binary, o := w.switches.off(ctx, tests[0])
		if o.end != passed {
			return o
		}
		return w.run(ctx, binary, tests)
	}
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

func binaryName(pkg string) string { return strings.ReplaceAll(pkg, "/", "_") + ".test" }

// build makes the test binary of a package as go test does, but with one name
// for the tree wherever it is: what is compiled is compiled once for all workers.
func build(ctx context.Context, tree, pkg, to string) outcome {
	args := []string{"test", "-c", "-vet=off", "-trimpath", "-ldflags=-s -w", "-o", to}
	if pkg == scripted {
		args = append(args, "-tags", "quickpassword")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = tree
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
	limit := w.limit
	if !slices.Contains(tests, "-run") {
		limit *= 5 // a whole package
	}
	ctx, cancel := context.WithTimeout(ctx, limit+30*time.Second) // for TestMain, which has no limit of its own
	defer cancel()
	args := []string{"-test.paniconexit0", "-test.failfast", "-test.timeout=" + limit.String()}
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
