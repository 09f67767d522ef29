package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/demo"
)

// doctorTime is what all checks may take.
const doctorTime = 60 * time.Second

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	fix, verbose bool
	clients      string // "" for none
}

func (a *app) doctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [flags] [--clients[=NAME…] [-- CMD…]]",
		Short: "Check what is set up here, and that nothing comes back",
		Long: `Check what is set up on this machine and in this project: the store, the policy, the
bindings, the files, the proxy, the clock and more. Each line is ok, a warning or FAILED,
and names the command that puts it right. Nothing is asked, a store or keychain that is
locked stays so, and no value is shown.

Then check that nothing comes back: a proxy and an origin are started in this process,
on loopback, with a value that is made up for it. The origin gets the value in a
header field, the query and the body, and sends it back in each form that
docs/redaction.md lists: in bodies, fields, cookies, trailers, early responses and
messages, over HTTP/1.1 and 2, compressed and not. Your store is not asked for that.
--verbose shows a line for each place.

--fix puts right what needs no password and opens nothing to anybody: permissions, and what
programs left that were killed. A file that is damaged is never touched.

With --clients, clients of others are tried in place of all that: each that is installed
is run once as a run would, against an origin in this process that no name server knows,
with a value that is made up. It is proxied, direct (it does not take the proxy of the
variables), ca_refused, or failed. With CMD behind -- that program is run, once, and what
it asks for goes where it goes; requests that name a secret are not sent.

The exit code is 1 if a check failed; a warning is no failure.`,
		Example: `  agentsecrets doctor
  agentsecrets doctor --fix
  agentsecrets doctor --clients
  agentsecrets doctor --clients=curl,python
  agentsecrets doctor --clients -- python app.py`,
		Args:              takes(cobra.ArbitraryArgs),
		ValidArgsFunction: a.programs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() < 0 {
				var err error
				if args, err = o.named(a, args); err != nil {
					return err
				}
			}
			if err := o.check(args); err != nil {
				return err
			}
			if o.clients != "" {
				return whole(cmd.Context(), func(ctx context.Context) error { return a.doctorClients(ctx, o.clients, args) })
			}
			return whole(cmd.Context(), func(ctx context.Context) error { return a.doctor(ctx, o) })
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows the program's name is the program's
	f.StringVar(&o.clients, "clients", "", "try the clients that are installed, those that are named, or CMD")
	f.Lookup("clients").NoOptDefVal = allClients
	a.completeFlag(cmd, "clients", probeNames)
	f.BoolVar(&o.fix, "fix", false, "put right what needs no password")
	f.BoolVar(&o.verbose, "verbose", false, "a line for each place of a response that is looked at")
	return cmd
}

// named takes args that are names of clients, and no more, for those of --clients, and
// says so: a program of the same name, which does nothing by itself, stands behind --. So
// does one whose arguments are no options, or they might be clients that are misspelt.
func (o *doctorOptions) named(a *app, args []string) (left []string, err error) {
	if o.clients != allClients || len(args) == 0 {
		return args, nil
	}
	if !namesClients(args[0]) {
		if _, err := a.program(args, a.environ); err != nil && len(args) == 1 && !strings.ContainsRune(args[0], os.PathSeparator) {
			return nil, noClient(args[0])
		}
		return args, nil
	}
	for _, word := range args[1:] {
		if strings.HasPrefix(word, "-") {
			return args, nil
		}
		if !namesClients(word) {
			f := noClient(word)
			f.hint = "agentsecrets doctor --clients -- " + shownWords(args)
			return nil, f
		}
	}
	names := strings.Join(args, ",")
	o.clients = names
	a.say("%s: taken for the names of clients; a program is tried with agentsecrets doctor --clients -- %s", names, strings.Join(args, " "))
	return nil, nil
}

// shownWords are args to be typed again, if all are names: what a program is given may hold anything.
func shownWords(args []string) string {
	for _, word := range args {
		if !plainWord.MatchString(word) {
			return args[0] + " ARG…"
		}
	}
	return strings.Join(args, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_./-]{0,31}$`)

// check refuses what does not go together.
func (o doctorOptions) check(args []string) error {
	switch {
	case len(args) > 0 && o.clients == "":
		f := usage("agentsecrets doctor takes no arguments without --clients")
		f.hint = "agentsecrets doctor --clients -- " + args[0]
		return f
	case len(args) > 0 && o.clients != allClients:
		return usage("--clients=%s is for clients by name: CMD is another program", o.clients)
	case o.clients != "" && (o.fix || o.verbose):
		return usage("--clients looks at clients alone: leave --fix and --verbose away")
	}
	return nil
}

// doctorCheck is one line of the report.
type doctorCheck struct {
	What    string   `json:"what"`
	OK      bool     `json:"ok"`
	Warning bool     `json:"warning"` // it is not as it should be, and that alone is no failure
	Fixed   bool     `json:"fixed"`   // it was not as it should be, and is now
	Cells   int      `json:"cells"`   // of what there is to check
	Covered int      `json:"covered"` // of these, those that hold
	Missed  []string `json:"missed"`
	Detail  string   `json:"detail"`
	Hint    string   `json:"hint"`
	path    bool     // one of many about the path
}

type doctorReport struct {
	Checks  []doctorCheck `json:"checks"`
	Clients []clientRow   `json:"clients,omitempty"`
	OK      bool          `json:"ok"`
	verbose bool
}

func (a *app) doctor(ctx context.Context, o doctorOptions) error {
	if o.fix {
		if err := outsideRun("putting things right"); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	defer a.during("checking")()
	p, err := newDoctorPath()
	defer p.close()
	if err != nil {
		return err
	}
	path := make(chan []doctorCheck, 1)
	go func() { path <- append([]doctorCheck{checkEngine()}, p.checks(ctx)...) }()
	r := &doctorReport{Checks: a.checkUp(ctx, o.fix), verbose: o.verbose}
	r.Checks = append(r.Checks, <-path...)
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return r.print(a)
}

// whole is what check says, unless it was broken off: then nothing was found out, and
// what did not come to its end is no failure of ours.
func whole(ctx context.Context, check func(context.Context) error) error {
	err := check(ctx)
	if err != nil && ctx.Err() != nil {
		return &failure{code: exitInterrupted, err: errors.New("interrupted; not everything was checked")}
	}
	return err
}

func checkEngine() doctorCheck {
	c := doctorCheck{What: "the redactor finds what is made up for it", path: true}
	e, err := tryRedaction()
	if err != nil {
		c.Detail, c.Hint = err.Error(), "agentsecrets version"
		return c
	}
	c.Cells, c.Covered, c.Missed = e.of, e.of-len(e.missed), e.missed
	if c.OK = len(e.missed) == 0; !c.OK {
		c.Hint = "agentsecrets version"
	}
	return c
}

// checks are those of the path.
func (p *doctorPath) checks(ctx context.Context) []doctorCheck {
	var list []doctorCheck
	for _, version := range []int{1, 2} {
		var answers []doctorCheck
		for i, probe := range doctorProbes() {
			if probe.version != 0 && probe.version != version {
				continue
			}
			answers = append(answers, p.ask(ctx, probe, version))
			if i == 0 {
				list = append(list, p.sent(version))
			}
		}
		list = append(list, answers...)
	}
	for i := range list {
		if !list[i].OK {
			list[i].Hint = "agentsecrets version"
		}
	}
	list = append(list, p.checkWritten())
	for i := range list {
		list[i].path = true
	}
	return list
}

func (p *doctorPath) checkWritten() doctorCheck {
	text, events, err := p.written()
	c := doctorCheck{What: "no value in the audit events and the log", Cells: events, Hint: "agentsecrets version"}
	if c.Missed = demo.Seen(text, []byte(p.value)); err != nil {
		c.Detail = err.Error()
	} else if events == 0 {
		c.Detail = "nothing was written down"
	} else if len(c.Missed) == 0 {
		c.OK, c.Covered, c.Hint = true, events, ""
	}
	return c
}

func (r *doctorReport) print(a *app) error {
	r.OK = true
	failed, broken, hint := 0, false, ""
	for i, c := range r.Checks {
		r.Checks[i].Missed = orEmpty(c.Missed)
		if c.OK {
			continue
		}
		r.OK = false
		failed++
		if broken = broken || c.path; hint == "" {
			hint = c.Hint
		}
	}
	if err := a.print(r, r.write); err != nil {
		return err
	}
	switch {
	case broken:
		return &failure{code: exitFailure, err: fmt.Errorf("%s failed: do not use this program with secrets", count(failed, "check")), hint: "agentsecrets version"}
	case failed > 0:
		return &failure{code: exitFailure, err: fmt.Errorf("%s failed", count(failed, "check")), hint: hint}
	}
	return nil
}

// write has the many lines about the path in one, unless one of them is not ok, or all are
// asked for.
func (r *doctorReport) write(out io.Writer) {
	all := doctorCheck{What: "nothing comes back through the whole path", OK: true}
	for _, c := range r.Checks {
		if !c.path || r.verbose || !c.OK {
			c.write(out)
		}
		if all.OK = all.OK && (c.OK || !c.path); c.path {
			all.Cells, all.Covered = all.Cells+c.Cells, all.Covered+c.Covered
		}
	}
	if !r.verbose && all.OK {
		all.write(out)
	}
}

func (c *doctorCheck) state() string {
	switch {
	case !c.OK:
		return "FAILED"
	case c.Fixed:
		return "fixed"
	case c.Warning:
		return "warning"
	}
	return "ok"
}

func (c *doctorCheck) write(out io.Writer) {
	fmt.Fprintf(out, "%-8s %s", c.state(), c.What)
	if c.Cells > 0 {
		fmt.Fprintf(out, ": %d of %d", c.Covered, c.Cells)
	}
	if c.Detail != "" {
		fmt.Fprintf(out, ": %s", cell(c.Detail))
	}
	fmt.Fprintln(out)
	was := ""
	if c.Fixed {
		was = "was: "
	}
	for _, m := range shortest(c.Missed, 8) {
		fmt.Fprintf(out, "         %s%s\n", was, cell(m))
	}
	if c.Hint != "" {
		fmt.Fprintf(out, "         hint: %s\n", c.Hint)
	}
}

// shortest is a list of which the end may be left away.
func shortest(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(list[:most:most], strings.TrimSpace(fmt.Sprintf("and %d more", len(list)-most)))
}
