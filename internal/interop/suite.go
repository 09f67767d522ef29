package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/grid"
)

// suite is somebody else's tests, and how we have them run.
type suite struct {
	name  string
	about string // what runs, in which version
	cases int    // how many there must be: fewer would prove less than we say
	least int    // how many of them must pass straight, or the machine is at fault
	gate  gate
	run   func(context.Context, *stage) (results, error)
}

// gate is what a case through us may be, beside straight.
type gate int

const (
	equal    gate = iota // the same verdict
	notWorse             // the same, or passed
	alone                // there is no straight: it passes
)

// The verdicts that suites share. A suite may have more, in its own words.
const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
)

// results are the verdicts of one suite by case.
type results struct {
	direct, through map[string]string
	notes           []string // figures that belong to the result
}

func newResults() results {
	return results{direct: map[string]string{}, through: map[string]string{}}
}

// report is what came of one suite.
type report struct {
	Suite    string    `json:"suite"`
	About    string    `json:"about"`
	Cases    int       `json:"cases"`
	Direct   int       `json:"direct"`  // that passed straight
	Through  int       `json:"through"` // that passed through us
	Known    int       `json:"known"`   // differences with a reviewed reason
	Seconds  float64   `json:"seconds"`
	Verdicts []verdict `json:"verdicts"`
	Notes    []string  `json:"notes,omitempty"`
	Faults   []string  `json:"faults"` // why the gate is not met
	alone    bool
	took     time.Duration
}

type verdict struct {
	Case    string `json:"case"`
	Direct  string `json:"direct,omitempty"`
	Through string `json:"through"`
}

// report runs a suite and holds it against its gate.
func (s *stage) report(ctx context.Context, u suite, known map[string]reviewed) report {
	began := time.Now()
	got, err := u.run(ctx, s)
	r := judge(u, got, known)
	if err != nil {
		r.Faults = append([]string{"it did not run to its end: " + err.Error()}, r.Faults...)
	}
	r.took = time.Since(began)
	r.Seconds = r.took.Round(time.Millisecond).Seconds()
	return r
}

// judge compares case by case. A reviewed difference must be there, and be the
// one that was reviewed.
func judge(u suite, got results, known map[string]reviewed) report {
	r := report{Suite: u.name, About: u.about, Notes: got.notes, Faults: []string{}, alone: u.gate == alone}
	all := map[string]string{}
	maps.Copy(all, got.through)
	maps.Copy(all, got.direct)
	names := slices.Sorted(maps.Keys(all))
	r.Cases = len(names)
	for _, name := range names {
		v := verdict{name, orAbsent(got.direct[name]), orAbsent(got.through[name])}
		if u.gate == alone {
			v.Direct = ""
		}
		r.Verdicts = append(r.Verdicts, v)
		r.Direct += count(v.Direct == passed)
		r.Through += count(v.Through == passed)
		entry, listed := known[name]
		switch differs := !u.gate.met(v); {
		case differs && listed && entry.covers(v.Through):
			r.Known++
		case differs && listed:
			r.fault("%s: %s, and not %s as was reviewed", name, v.Through, entry.through)
		case differs:
			r.fault("%s: %s through us%s", name, v.Through, beside(v.Direct))
		case listed && v.Through == passed:
			r.fault("%s: is %s, take it out of the reviewed differences", name, v.Through)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if _, ran := all[name]; !ran {
			r.fault("%s: is among the reviewed differences and did not run", name)
		}
	}
	if r.Cases != u.cases {
		r.fault("%d cases ran, not %d", r.Cases, u.cases)
	}
	if u.gate != alone && r.Direct < u.least {
		r.fault("%d cases pass straight, not %d: there is something wrong with this machine, or with the suite", r.Direct, u.least)
	}
	return r
}

func (r *report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

func (g gate) met(v verdict) bool {
	switch g {
	case alone:
		return v.Through == passed
	case notWorse:
		return v.Through == passed || v.Through == v.Direct
	}
	return v.Through == v.Direct
}

func orAbsent(v string) string {
	if v == "" {
		return "absent"
	}
	return v
}

func beside(direct string) string {
	if direct == "" {
		return ""
	}
	return ", " + direct + " straight"
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func failures(all []report) error {
	var errs []error
	for _, r := range all {
		for _, f := range r.Faults {
			errs = append(errs, fmt.Errorf("%s: %s", r.Suite, f))
		}
	}
	if len(all) == 0 {
		errs = append(errs, errors.New("no suite ran"))
	}
	return errors.Join(errs...)
}

// write prints a table that is Markdown as well.
func write(out io.Writer, all []report, cases bool) error {
	rows := [][]string{{"Suite", "Cases", "Direct", "Through us", "Reviewed", "Seconds", "Verdict"}}
	for _, r := range all {
		direct, verdict := fmt.Sprint(r.Direct), "met"
		if r.alone {
			direct = "-"
		}
		if len(r.Faults) > 0 {
			verdict = fmt.Sprintf("NOT MET (%d)", len(r.Faults))
		}
		rows = append(rows, []string{r.About, fmt.Sprint(r.Cases), direct, fmt.Sprint(r.Through), fmt.Sprint(r.Known), fmt.Sprintf("%.0f", r.Seconds), verdict})
	}
	var s strings.Builder
	grid.Write(&s, rows)
	for _, r := range all {
		for _, n := range r.Notes {
			fmt.Fprintf(&s, "\n%s: %s", r.Suite, n)
		}
	}
	s.WriteString("\n")
	if cases {
		list := [][]string{{"Suite", "Case", "Direct", "Through us"}}
		for _, r := range all {
			for _, v := range r.Verdicts {
				list = append(list, []string{r.Suite, v.Case, v.Direct, v.Through})
			}
		}
		grid.Write(&s, list)
	}
	_, err := io.WriteString(out, s.String())
	return err
}
