// Command sdkcompat runs the official Python SDK, as it is on PyPI, against the
// program, with every Python that it is installed for, and prints a row for each thing
// that the SDK can do or promises: it works, or the fault is the SDK's own, which
// the same fault without AgentSecrets shows.
//
//	make sdk-compat
//
// It fails if a row that should work does not, or if a defect is none any more.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed python
var scripts embed.FS

type options struct {
	binary, sdk string
	pythons     []string
	modules     []string // of rows; none: all
	page        string
}

// allModules are the files with rows, in the order in which they run.
func allModules() []string {
	return []string{"calls", "spawns", "manage", "background", "hooks", "agents", "promises"}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	var pythons string
	flag.StringVar(&o.binary, "binary", "bin/agentsecrets", "the program to test")
	flag.StringVar(&o.sdk, "sdk", ".cache/sdk", "where the SDK is installed, by version of Python")
	flag.StringVar(&pythons, "python", "3.10,3.13", "versions of Python")
	flag.StringVar(&o.page, "write", "", "write the rows into this page, too")
	flag.Parse()
	o.pythons = strings.Split(pythons, ",")
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sdkcompat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	r, err := o.report(ctx)
	if err != nil {
		return err
	}
	r.write(out)
	if err := r.err(); err != nil || o.page == "" {
		return err
	}
	before, err := os.ReadFile(o.page)
	if err != nil {
		return err
	}
	after, err := inPage(string(before), r.table())
	if err != nil {
		return fmt.Errorf("%s: %w", o.page, err)
	}
	return os.WriteFile(o.page, []byte(after), 0o644)
}

func (o options) report(ctx context.Context) (*report, error) {
	r := &report{pythons: o.pythons, rows: map[string][]row{}, part: len(o.modules) > 0}
	for _, python := range o.pythons {
		rows, err := o.with(ctx, python)
		if err != nil {
			return nil, fmt.Errorf("with Python %s: %w", python, err)
		}
		r.rows[python] = rows
	}
	return r, nil
}

func (o options) with(ctx context.Context, python string) (_ []row, err error) {
	path, err := filepath.Abs(filepath.Join(o.sdk, python, "bin", "python"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the SDK is not installed for it: %w (make sdk does it)", err)
	}
	dir, err := os.MkdirTemp("", "sdkcompat-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := newWorld(ctx, dir, o.binary, path)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if len(o.modules) > 0 {
		return w.rows(ctx, o.modules, os.Stderr)
	}
	rows, err := w.rows(ctx, allModules(), os.Stderr)
	if err != nil {
		return nil, err
	}
	return append(rows, w.atTerminal(ctx)), nil
}
