// Command mutate seeds one fault after another into a copy of the tree and
// runs the tests that should notice. A fault that no test notices is a hole in
// the tests, and makes mutate fail.
//
//	go run ./internal/mutate             # all faults
//	go run ./internal/mutate -only basic # those whose name contains "basic"
//
// A fault must still compile: a test that fails to build proves nothing. A
// fault for a row of docs/threats.md must be noticed by that row's own tests.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/threats"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	only := flag.String("only", "", "run only the faults whose name contains this; those of row D1 are named 'D1: ...'")
	flag.Parse()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return fmt.Errorf("make work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := copyTree(ctx, dir); err != nil {
		return err
	}
	if err := baseline(ctx, dir, only); err != nil {
		return err
	}
	caught, missed := 0, 0
	for _, f := range all() {
		if !strings.Contains(f.name, only) {
			continue
		}
		start := time.Now()
		why, err := f.try(ctx, dir)
		if err != nil {
			return fmt.Errorf("fault %q: %w", f.name, err)
		}
		if why == "" {
			missed++
			fmt.Printf("MISSED  %-45s %s\n", f.name, f.file)
			continue
		}
		caught++
		fmt.Printf("caught  %-45s %5.1fs  by %s\n", f.name, time.Since(start).Seconds(), why)
	}
	fmt.Printf("%d passed, %d failed\n", caught, missed)
	if missed > 0 {
		return fmt.Errorf("%d seeded faults were noticed by no test", missed)
	}
	if caught == 0 {
		return fmt.Errorf("no fault is named like %q", only)
	}
	return nil
}

// baseline runs the tests without a fault: one that fails anyway notices nothing.
func baseline(ctx context.Context, dir, only string) error {
	seen := map[string]bool{}
	for _, f := range all() {
		key := strings.Join(f.tests, " ")
		if seen[key] || !strings.Contains(f.name, only) {
			continue
		}
		seen[key] = true
		if out, err := command(ctx, dir, append([]string{"test", "-count=1"}, f.tests...)...); err != nil {
			return fmt.Errorf("go test %s fails without a fault:\n%s", key, out)
		}
	}
	return nil
}

// copyTree copies what git knows or would add, so that build output stays out.
func copyTree(ctx context.Context, dir string) error {
	out, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		if err != nil {
			return fmt.Errorf("copy tree: %w", err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("copy tree: %w", err)
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return fmt.Errorf("copy tree: %w", err)
		}
	}
	return linkCache(dir)
}

// linkCache lends the copy what was installed for the tests.
func linkCache(dir string) error {
	cache, err := filepath.Abs(".cache")
	if err == nil {
		err = os.Symlink(cache, filepath.Join(dir, ".cache"))
	}
	if err != nil {
		return fmt.Errorf("copy tree: %w", err)
	}
	return nil
}

// fault is one seeded fault: old, which must stand exactly once in file, is
// replaced by new, and tests (arguments of go test) must then fail.
type fault struct {
	name, file, old, new string
	tests                []string
}

// rowFault is a fault for one row of docs/threats.md. Only the tests in pkg
// that are named by the row are run, so that no other can notice it.
type rowFault struct{ row, name, file, old, new, pkg string }

func (r rowFault) fault() fault {
	return fault{r.row + ": " + r.name, r.file, r.old, r.new, []string{r.pkg, "-run", threats.Pattern(r.row)}}
}

// all returns the faults in the order of an exchange, then those of the rows.
func all() []fault {
	fs := slices.Concat(faults, parentFaults, httpFaults, interopFaults, protocolFaults, flagFaults, soakFaults, matrixFaults, cliFaults, runFaults, doctorFaults)
	fs = slices.Concat(fs, clientFaults, agentFaults)
	fs = append(fs, sdkFaults...)
	fs = append(fs, probeFaults...)
	for _, rows := range [][]rowFault{dFaults, lFaults, aFaults, sFaults, eFaults, vFaults, agentRowFaults} {
		for _, r := range rows {
			fs = append(fs, r.fault())
		}
	}
	return fs
}

// try reports which test noticed, "" if none did.
func (f fault) try(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, f.file)
	before, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", f.file, err)
	}
	if n := bytes.Count(before, []byte(f.old)); n != 1 {
		return "", fmt.Errorf("%s holds the text to replace %d times, not once", f.file, n)
	}
	defer os.WriteFile(path, before, 0o644)
	if err := os.WriteFile(path, bytes.Replace(before, []byte(f.old), []byte(f.new), 1), 0o644); err != nil {
		return "", fmt.Errorf("seed: %w", err)
	}
	if out, err := command(ctx, dir, "build", f.tests[0]); err != nil {
		return "", fmt.Errorf("does not compile: %s", out)
	}
	out, err := command(ctx, dir, append([]string{"test", "-count=1", "-failfast", "-timeout=60s"}, f.tests...)...)
	if err == nil {
		return "", nil
	}
	return firstFailure(out), nil
}

func command(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	return cmd.CombinedOutput()
}

func firstFailure(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return strings.Fields(name)[0]
		}
	}
	return "a test that did not end well"
}
