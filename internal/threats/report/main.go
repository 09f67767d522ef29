// Command report runs the tests that are named by a row of docs/threats.md and
// prints row, test and result. It fails on a row without a passing test and on
// a test that failed or was skipped; rows under "Later" need none.
//
//	go run ./internal/threats/report
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/agentsecrets/agentsecrets/internal/threats"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "threats:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer) error {
	rows, err := threats.Read("docs/threats.md")
	if err != nil {
		return err
	}
	results, testErr := test(ctx)
	bad := report(w, rows, results)
	switch {
	case bad > 0:
		return fmt.Errorf("%d rows do not hold", bad)
	case testErr != nil: // a package that does not build has no test to tell of
		return testErr
	}
	return nil
}

const module = "github.com/agentsecrets/agentsecrets"

// result is how one test ended: "pass", "fail" or "skip", in the words of go test.
type result struct{ test, pkg, end string }

// test runs the tests of all rows and returns how each ended, and the error of
// the run as a whole.
func test(ctx context.Context) ([]result, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=15m", "-run", threats.All(), "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run the tests: %w", err)
	}
	results, readErr := read(out, os.Stderr)
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return results, fmt.Errorf("run the tests: %w", err)
	}
	return results, nil
}

// read takes the events of `go test -json` (go doc test2json). What a failed
// test printed goes to w.
func read(r io.Reader, w io.Writer) ([]result, error) {
	var results []result
	output := map[string]*strings.Builder{}
	for dec := json.NewDecoder(r); ; {
		var e struct{ Action, Package, Test, Output string }
		if err := dec.Decode(&e); err == io.EOF {
			return results, nil
		} else if err != nil {
			return results, fmt.Errorf("read what the tests said: %w", err)
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			if output[key] == nil {
				output[key] = new(strings.Builder)
			}
			output[key].WriteString(e.Output)
		case "fail":
			if output[key] != nil {
				fmt.Fprint(w, output[key])
			}
			fallthrough
		case "pass", "skip":
			delete(output, key)
			if !strings.Contains(e.Test, "/") || strings.HasPrefix(e.Test, "TestScripts/") {
				results = append(results, result{e.Test, e.Package, e.Action})
			}
		}
	}
}

// report prints a line for each test of each row and returns the number of
// rows that do not hold.
func report(w io.Writer, rows []threats.Row, results []result) int {
	tests := map[string][]result{}
	for _, r := range results {
		id := threats.Owner(r.test)
		tests[id] = append(tests[id], r)
	}
	held, bad, later := 0, 0, 0
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "row\ttest\tresult")
	for _, row := range rows {
		of := tests[row.ID]
		slices.SortFunc(of, func(a, b result) int { return strings.Compare(a.pkg+a.test, b.pkg+b.test) })
		for _, r := range of {
			fmt.Fprintf(tw, "%s\t%s %s\t%s\n", row.ID, strings.TrimPrefix(r.pkg, module+"/"), r.test, r.end)
		}
		allPass := !slices.ContainsFunc(of, func(r result) bool { return r.end != "pass" })
		switch {
		case row.Later != "" && allPass:
			later++
			fmt.Fprintf(tw, "%s\t\tlater: %s\n", row.ID, row.Later)
		case len(of) == 0:
			bad++
			fmt.Fprintf(tw, "%s\t\tno test\n", row.ID)
		case allPass:
			held++
		default:
			bad++
		}
	}
	tw.Flush()
	fmt.Fprintf(w, "%d passed, %d failed, %d later\n", held, bad, later)
	return bad
}
