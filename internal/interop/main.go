// Command interop runs other people's test suites, unchanged, straight against
// their servers and through bin/agentsecrets, and compares case by case.
//
//	make interop                                # builds and installs what it needs first
//	go run ./internal/interop -only grpc,h2spec
//	go run ./internal/interop -json > results.json
//
// It starts bin/agentsecrets as a user would, in a home of its own that goes at
// the end, and a value has been released to every origin before a suite asks
// anything of it: redaction is at work in every case. It fails where a case
// through the proxy ends otherwise than straight, unless known.txt says why; an
// entry of known.txt that no longer holds is a failure too.
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
)

// options are the flags.
type options struct {
	binary string
	tools  string
	known  string
	only   []string
	json   bool
	cases  bool
}

func main() {
	// What is to die with us is bound to the thread that started it.
	runtime.LockOSThread()
	if len(os.Args) == 2 && os.Args[1] == "hold" {
		exit(holdMain(os.Stdin, os.Stdout))
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

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (options, error) {
	var o options
	var only string
	fs := flag.NewFlagSet("interop", flag.ContinueOnError)
	fs.StringVar(&o.binary, "binary", "bin/agentsecrets", "the program to test")
	fs.StringVar(&o.tools, "tools", ".cache/interop", "where `make interop-tools` put the suites")
	fs.StringVar(&o.known, "known", "internal/interop/known.txt", "the differences that were reviewed")
	fs.StringVar(&only, "only", "", "comma-separated: "+strings.Join(names(), ", "))
	fs.BoolVar(&o.json, "json", false, "one JSON object instead of a table")
	fs.BoolVar(&o.cases, "cases", false, "list every case")
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
	if fs.NArg() > 0 {
		return o, refuse(fs, "there are no arguments")
	}
	return o, nil
}

func refuse(fs *flag.FlagSet, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	fmt.Fprintln(fs.Output(), "interop:", err)
	fs.Usage()
	return err
}

func run(ctx context.Context, o options, stdout io.Writer) error {
	known, err := readKnown(o.known)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, o.binary, o.tools)
	if err != nil {
		return err
	}
	defer s.tearDown()
	var all []report
	for _, suite := range suites() {
		if !slices.Contains(o.only, suite.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "running", suite.name)
		all = append(all, s.report(ctx, suite, known[suite.name]))
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(all)
	} else {
		err = write(stdout, all, o.cases)
	}
	return errors.Join(err, failures(all))
}
