// Command leakmatrix has an origin send values back in every encoding, place,
// version of HTTP, content coding and size of chunks, and looks at what a client
// gets through the proxy. docs/leak-matrix.md tells what is run, and what is not.
//
//	make leak-matrix                                            # bin/agentsecrets
//	PROXY=http://127.0.0.1:8080 CA=/path/ca.pem make leak-matrix  # another proxy
//	go run ./internal/leakmatrix -seed 7 -only 'json.dumps | body'
//
// It fails if something of a value comes back that docs/redaction.md does not say,
// or if what is around an echo is not as it was sent.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// options are the flags. What another proxy needs comes from the environment, so
// that it is not among arguments.
type options struct {
	binary  string
	seed    uint64
	only    string
	control bool
	listen  string
	dir     string
	shown   int
	foreign foreignOptions
}

func main() {
	runtime.LockOSThread() // what is to die with us is bound to the thread that started it
	if len(os.Args) == 2 && os.Args[1] == "hold" {
		exit(holdMain(os.Stdin, os.Stdout))
	}
	o, err := parse(os.Args[1:], os.Getenv)
	if err != nil {
		os.Exit(2) // flag has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = start(ctx, o, os.Stdout, os.Stderr)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "leakmatrix:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string, getenv func(string) string) (options, error) {
	var o options
	fs := flag.NewFlagSet("leakmatrix", flag.ContinueOnError)
	fs.StringVar(&o.binary, "binary", "bin/agentsecrets", "the program to test")
	fs.Uint64Var(&o.seed, "seed", 0, "of the values and texts; 0: a new one")
	fs.StringVar(&o.only, "only", "", "run only cells whose name contains this")
	fs.BoolVar(&o.control, "control", false, "run against a proxy that puts values in and takes none out")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:0", "where the origin answers HTTP/1.1; HTTP/2 on the port behind it")
	fs.StringVar(&o.dir, "dir", ".cache/leak-matrix", "where the origin's root is kept, for another proxy to trust")
	fs.IntVar(&o.shown, "shown", 50, "how many leaks and broken cells are listed")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.foreign = foreignFrom(getenv)
	err := o.foreign.check()
	switch {
	case err == nil && fs.NArg() > 0:
		err = errors.New("there are no arguments")
	case err == nil && o.control && o.foreign.proxy != "":
		err = errors.New("-control brings its own proxy: unset PROXY")
	}
	if err != nil {
		fmt.Fprintln(fs.Output(), "leakmatrix:", err)
		fs.Usage()
		return o, err
	}
	for o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return o, nil
}

func start(ctx context.Context, o options, stdout, stderr io.Writer) error {
	began := time.Now()
	r := rand.New(rand.NewPCG(o.seed, 0))
	kinds := madeUp(r)
	if o.foreign.proxy != "" {
		kinds = foreign(r, o.foreign.value)
	}
	list, err := encodings(ctx, r, kinds)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "-seed %d, %d texts of other people's encoders\n", o.seed, len(list))
	g, err := o.stage(ctx, kinds, stderr)
	if err != nil {
		return err
	}
	defer g.close()
	speaks := map[string]bool{http1: true, http2v: g.target.speaks(ctx, http2v)}
	m := newMatrix(o.seed, list, func(protocol string) bool { return speaks[protocol] })
	if m.only(o.only); len(m.cells) == 0 {
		return fmt.Errorf("no cell's name contains %q", o.only)
	}
	g.origin.cells = m.cells
	rep := &report{seed: o.seed, results: run(ctx, g.target, m.cells, newChecker(list)), excluded: m.excluded, shown: o.shown}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	err = rep.write(stdout)
	fmt.Fprintf(stderr, "%.0f s\n", time.Since(began).Seconds())
	return errors.Join(err, rep.err())
}
