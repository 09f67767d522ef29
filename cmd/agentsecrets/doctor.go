package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// doctorTime is what all checks may take.
const doctorTime = 60 * time.Second

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check that nothing comes back, and what is stored here",
		Long: `Check that nothing comes back: a proxy and an origin are started in this process,
on loopback, with a value that is made up for it. The origin gets the value in a
header field, the query and the body, and sends it back in each form that
docs/redaction.md lists: in bodies, fields, cookies, trailers, early responses and
messages, over HTTP/1.1 and 2, compressed and not. Your store is not asked for that.

Then the values of this project are looked at: those that are too short to be
looked for in responses, or easy to guess, are named. Nothing is asked, and a store
that is locked stays so. No value is shown.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return whole(cmd.Context(), a.doctor) },
	}
}

// doctorCheck is one line of the report.
type doctorCheck struct {
	What    string   `json:"what"`
	OK      bool     `json:"ok"`
	Warning bool     `json:"warning"` // it is not as it should be, and that alone is no failure
	Cells   int      `json:"cells"`   // of what there is to check
	Covered int      `json:"covered"` // of these, those that hold
	Missed  []string `json:"missed"`
	Detail  string   `json:"detail"`
	Hint    string   `json:"hint"`
}

type doctorReport struct {
	Checks []doctorCheck `json:"checks"`
	OK     bool          `json:"ok"`
}

func (a *app) doctor(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	defer a.during("checking")()
	p, err := newDoctorPath()
	defer p.close()
	if err != nil {
		return err
	}
	r := &doctorReport{Checks: append([]doctorCheck{checkEngine()}, p.checks(ctx)...)}
	r.Checks = append(r.Checks, a.checkValues(ctx))
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
	c := doctorCheck{What: "the redactor finds what is made up for it"}
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
	return append(list, p.checkWritten())
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

// checkValues names the values of this project that are a weak spot. It asks nobody.
func (a *app) checkValues(ctx context.Context) doctorCheck {
	c := doctorCheck{What: "the values that are stored here are looked for", OK: true}
	if err := outsideRun("looking at values"); err != nil { // it would tell which can be guessed
		c.Detail = "not checked inside a run"
		return c
	}
	quiet := *a
	quiet.noInput = true
	w, err := quiet.where()
	if errors.Is(err, env.ErrNoProject) {
		c.Detail = "there is no project here"
		return c
	}
	if err == nil {
		err = c.lookIn(ctx, w)
	}
	if err != nil {
		c.Warning, c.Missed, c.Covered, c.Detail = true, nil, 0, "not checked: "+err.Error()
		var h hinter
		if errors.As(err, &h) {
			c.Hint = h.Hint()
		}
	}
	return c
}

func (c *doctorCheck) lookIn(ctx context.Context, w where) error {
	names, err := w.names()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		c.Detail = "there are none"
		return nil
	}
	if lock, err := fileLock(w.home); err != nil || lock.Passphrase && !lock.Open {
		return errors.Join(err, &failure{err: errors.New("the store is locked"), hint: unlockHint})
	}
	s, err := w.store(w.home)
	if err != nil {
		return err
	}
	if err := s.serving().ready(ctx); err != nil {
		return err
	}
	return c.lookAt(ctx, s.serving(), w, names)
}

// lookAt names the weak ones among the values of names.
func (c *doctorCheck) lookAt(ctx context.Context, s *homeStore, w where, names []string) error {
	for _, name := range names {
		v, err := s.Resolve(ctx, w.ref(name))
		if errors.Is(err, resolve.ErrNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return err
		}
		c.Cells++
		if text := doubts(v); text != "" {
			c.Missed = append(c.Missed, name+" "+text)
			c.Warning, c.Hint = true, "agentsecrets secrets set "+name
			continue
		}
		c.Covered++
	}
	return nil
}

func (r *doctorReport) print(a *app) error {
	r.OK = true
	failed := 0
	for i, c := range r.Checks {
		r.Checks[i].Missed = orEmpty(c.Missed)
		if !c.OK {
			r.OK = false
			failed++
		}
	}
	if err := a.print(r, r.write); err != nil {
		return err
	}
	if failed > 0 {
		return &failure{code: exitFailure, err: fmt.Errorf("%s failed: do not use this program with secrets", count(failed, "check")), hint: "agentsecrets version"}
	}
	return nil
}

func (r *doctorReport) write(out io.Writer) {
	for _, c := range r.Checks {
		state := "ok"
		switch {
		case !c.OK:
			state = "FAILED"
		case c.Warning:
			state = "warning"
		}
		fmt.Fprintf(out, "%-8s %s", state, c.What)
		if c.Cells > 0 {
			fmt.Fprintf(out, ": %d of %d", c.Covered, c.Cells)
		}
		if c.Detail != "" {
			fmt.Fprintf(out, ": %s", cell(c.Detail))
		}
		fmt.Fprintln(out)
		for _, m := range shortest(c.Missed, 8) {
			fmt.Fprintf(out, "         %s\n", cell(m))
		}
		if c.Hint != "" {
			fmt.Fprintf(out, "         hint: %s\n", c.Hint)
		}
	}
}

// shortest is a list of which the end may be left away.
func shortest(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(list[:most:most], strings.TrimSpace(fmt.Sprintf("and %d more", len(list)-most)))
}
