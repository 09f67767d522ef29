// Command bench measures what the proxy costs, beside a direct connection,
// nginx and goproxy's own interception, all in one run on loopback.
//
//	make bench-quick                                 # builds bin/agentsecrets first
//	go run ./internal/bench -only get,post -rounds 5
//	go run ./internal/bench -json > figures.json
//
// It starts bin/agentsecrets as a user would, in a home of its own that goes at
// the end. Every response is compared byte for byte with what it has to be, an
// echo of a value with its redaction: one that differs makes the run fail. A
// goal that is missed does not.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	binary   string
	nginx    string
	only     []string
	rounds   int
	json     bool
	profile  string        // beginning of the names of files; "": none
	loadTime time.Duration // of one sample; no flag, for tests
}

const (
	usualBinary = "bin/agentsecrets"
	usualRounds = 3
)

func main() {
	// What is to die with us is bound to the thread that started it.
	runtime.LockOSThread()
	if part, ok := partOf(os.Args); ok {
		exit(part(os.Stdin, os.Stdout))
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2) // flag has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o, os.Stdout)
	stop()
	exit(err)
}

// part is what a run starts of this same program, in a process of its own. It
// says in one line of JSON how it is reached, and ends with its standard input.
type part func(stdin io.Reader, stdout io.Writer) error

func partOf(args []string) (part, bool) {
	if len(args) != 2 {
		return nil, false
	}
	p, ok := map[string]part{"origin": originMain, "goproxy": goproxyMain, "hold": holdMain}[args[1]]
	return p, ok
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (options, error) {
	o := options{loadTime: loadTime}
	var only string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&o.binary, "binary", usualBinary, "the program to measure")
	fs.StringVar(&o.nginx, "nginx", "nginx", "the nginx to compare with")
	fs.StringVar(&only, "only", "", "comma-separated: "+strings.Join(names(), ", "))
	fs.IntVar(&o.rounds, "rounds", usualRounds, "how often each is measured; medians count")
	fs.BoolVar(&o.json, "json", false, "one JSON object instead of tables")
	fs.StringVar(&o.profile, "profile", "", "have perf(1) write a CPU profile of agentsecrets to `FILE`.WORKLOAD")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.only = names()
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			return o, refuse(fs, "-only knows no %q", name)
		}
	}
	if o.rounds < 1 || fs.NArg() > 0 {
		return o, refuse(fs, "-rounds is at least 1, and there are no arguments")
	}
	return o, nil
}

func refuse(fs *flag.FlagSet, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintln(fs.Output(), "bench:", err)
	fs.Usage()
	return err
}

func run(ctx context.Context, o options, stdout io.Writer) error {
	if runtime.GOOS != "linux" {
		return errors.New("CPU and memory are read from /proc: this needs Linux")
	}
	b, err := setUp(ctx, o)
	if err != nil {
		return err
	}
	defer b.tearDown()
	if err := b.measure(ctx); err != nil {
		return err
	}
	r := b.report()
	if o.json {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		err = r.write(stdout)
	}
	return errors.Join(err, b.failures())
}
