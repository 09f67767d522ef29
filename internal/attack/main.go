//go:build linux

// Command attack plays a hostile client, a hostile origin and a hostile program
// of another user against the built binary, and says which of its attempts held
// and which broke what we promise.
//
//	make attack                                   # builds bin/agentsecrets first
//	go run ./internal/attack -only authority,place
//	go run ./internal/attack -list                # the probes, none of them run
//
// The binary is a process of its own, in a home that goes at the end, set up by
// the commands that a user would type. Every origin writes down each byte that it
// gets, behind TLS. After each probe the value is searched for in what every other
// origin got, in all that came back to the attacker, and in every file. Nothing
// leaves the machine: where names are real ones, the probes have a network of
// their own.
package main

import (
	"context"
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
	only   []string
	list   bool
	alone  bool // -without-second-user
	bare   bool // -without-network

	network bool // this process has one of its own
}

func main() {
	// What is to die with us is bound to the thread that started it.
	runtime.LockOSThread()
	if len(os.Args) > 1 {
		if p, ok := parts()[os.Args[1]]; ok {
			exit(p(os.Args[2:], os.Stdin, os.Stdout))
		}
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2) // flag has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = errNoNetwork
	if !o.bare && !o.list {
		err = inNetwork(os.Args[1:], os.Stdout)
	}
	if errors.Is(err, errNoNetwork) {
		err = run(ctx, o, os.Stdout)
	}
	stop()
	exit(err)
}

// part is what is started of this same program in a process of its own.
type part func(args []string, stdin io.Reader, stdout io.Writer) error

func parts() map[string]part {
	return map[string]part{"agent": agentMain, "stranger": strangerMain, "network": networkMain}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (options, error) {
	var o options
	var only string
	fs := flag.NewFlagSet("attack", flag.ContinueOnError)
	fs.StringVar(&o.binary, "binary", "bin/agentsecrets", "the program to attack")
	fs.StringVar(&only, "only", "", "comma-separated areas: "+strings.Join(areaNames(), ", "))
	fs.BoolVar(&o.list, "list", false, "print the probes and run none")
	fs.BoolVar(&o.alone, "without-second-user", false, "leave out what needs root, to be another user; otherwise that counts as broken")
	fs.BoolVar(&o.bare, "without-network", false, "leave out what needs a network namespace of its own; otherwise that counts as broken")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.only = areaNames()
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(areaNames(), name) {
			err := fmt.Errorf("-only knows no %q", name)
			fmt.Fprintln(fs.Output(), "attack:", err)
			return o, err
		}
	}
	return o, nil
}
