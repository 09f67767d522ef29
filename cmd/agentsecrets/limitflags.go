package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/mitm"
)

// limitFlags say how much a proxy takes on.
type limitFlags struct {
	all, ofRun int
	command    string         // that has the flags, for hints
	cmd        *cobra.Command // nil: there are none
}

// define gives cmd the flags. A run is alone with its proxy: there all is what
// one may have.
func (o *limitFlags) define(cmd *cobra.Command, command string, all int) {
	f := cmd.Flags()
	o.command, o.cmd = command, cmd
	f.IntVar(&o.all, "max-connections", all, "connections of clients, and exchanges at a time, beyond which clients get 503")
	f.IntVar(&o.ofRun, "max-run-connections", mitm.DefaultMaxRunConns, "the same, of one run or project")
}

func (o *limitFlags) said(flag string) bool { return o.cmd != nil && o.cmd.Flags().Changed(flag) }

func (o *limitFlags) any() bool {
	return o.said("max-connections") || o.said("max-run-connections")
}

func (o *limitFlags) check() error {
	for _, f := range []struct {
		flag string
		n    int
	}{{"--max-connections", o.all}, {"--max-run-connections", o.ofRun}} {
		if f.n < 1 || f.n > maxLimit {
			return usage("%s %d: it is a number from 1 to %d", f.flag, f.n, maxLimit)
		}
	}
	return nil
}

// maxLimit is more than a machine has addresses for.
const maxLimit = 1_000_000

func (o *limitFlags) args() (args []string) {
	if o.said("max-connections") {
		args = append(args, "--max-connections", strconv.Itoa(o.all))
	}
	if o.said("max-run-connections") {
		args = append(args, "--max-run-connections", strconv.Itoa(o.ofRun))
	}
	return args
}

// spareFiles are those that a proxy opens beside connections under way: its own
// files, and idle connections to origins.
const spareFiles = 512

// fit makes sure that the system lets as many files be open as the limits need: one
// for the client and one for the origin of each. The runtime of Go has raised the
// soft limit to the hard one by now, and gives programs that we start the one that we
// had. What was asked for in a flag is refused where it does not fit, a default made
// smaller.
func (a *app) fit(o *limitFlags) error {
	files, known := openFiles()
	if !known || o.all == 0 { // a proxy that takes no connections
		return nil
	}
	most := max((files-spareFiles)/2, files/4)
	if o.all <= most {
		return nil
	}
	if o.said("max-connections") {
		return &failure{
			code: exitFailure, err: fmt.Errorf("--max-connections %d needs %d open files, and this system lets a program have %d", o.all, 2*o.all+spareFiles, files),
			hint: fmt.Sprintf("%s --max-connections %d", o.command, most),
		}
	}
	a.warn("this system lets a program have %d open files: at most %d connections are taken, not %d (ulimit -Hn %d would do)", files, most, o.all, 2*o.all+spareFiles)
	o.all = most
	return nil
}
