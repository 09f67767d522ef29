// Command clientmatrix runs the clients of others, unchanged and on many versions
// of what they run on, through the program, and says of each pair if it works.
//
//	make clients
//	make clients CLIENTS='-only node-*'
//
// A pair works if the origin got the value and the client the answer with the value
// redacted, and no form of it anywhere in what the client printed. It fails if a
// pair does not work that known.txt does not name, and the other way round.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed known.txt
var knownText string

type options struct {
	binary, cache, only, page string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.binary, "binary", "bin/agentsecrets", "the program to test")
	flag.StringVar(&o.cache, "cache", ".cache/matrix", "where the clients are installed")
	flag.StringVar(&o.only, "only", "", "pairs, as patterns of the shell, with commas between")
	flag.StringVar(&o.page, "write", "", "write the results into this page and beside the program's sources, too")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "clientmatrix:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	cache, err := filepath.Abs(o.cache)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "clientmatrix-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := newWorld(ctx, dir, o.binary)
	if err != nil {
		return err
	}
	defer w.close()
	r := &report{part: o.only != ""}
	if r.known, err = readKnown(knownText); err != nil {
		return err
	}
	for _, modules := range []string{"node20", "node22"} {
		if err := w.link(filepath.Join(cache, modules)); err != nil {
			return err
		}
	}
	for _, p := range pairs(cache) {
		if !o.wants(p.name) {
			continue
		}
		res := w.try(ctx, p)
		if o.page != "" && p.program != "" {
			res.version, res.runtime = versions(ctx, p)
		}
		r.results = append(r.results, res)
		fmt.Fprintln(os.Stderr, r.line(res))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	r.write(out)
	return errors.Join(r.err(), o.write(r))
}

func (o options) wants(name string) bool {
	for pattern := range strings.SplitSeq(o.only, ",") {
		if ok, _ := path.Match(pattern, name); ok || o.only == "" {
			return true
		}
	}
	return false
}

// write puts what came of it where the documentation has it.
func (o options) write(r *report) error {
	if o.page == "" || r.part || r.err() != nil {
		return nil
	}
	before, err := os.ReadFile(o.page)
	if err != nil {
		return err
	}
	rows, err := table(r.list(), r.known)
	if err != nil {
		return err
	}
	after, err := inPage(string(before), rows)
	if err != nil {
		return fmt.Errorf("%s: %w", o.page, err)
	}
	return errors.Join(os.WriteFile(o.page, []byte(after), 0o644), os.WriteFile("internal/clientmatrix/results.txt", []byte(r.list()), 0o644))
}
