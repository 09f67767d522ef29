package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// report is what a demo has seen.
type report struct {
	Rows     []demoRow   `json:"rows"`
	Checks   []demoCheck `json:"checks"`
	OK       bool        `json:"ok"`
	requests int
}

type demoRow struct {
	Held string `json:"held"`
	Got  string `json:"got"`
	Back string `json:"back"`
}

type demoCheck struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (r *report) row(held, got, back string) { r.Rows = append(r.Rows, demoRow{held, got, back}) }

// check notes whether something holds; detail says more where it does not.
func (r *report) check(what string, ok bool, detail string) {
	if ok {
		detail = ""
	}
	r.Checks = append(r.Checks, demoCheck{what, ok, detail})
}

// absent notes that the value was looked for, and where it was found.
func (r *report) absent(where string, found []string) {
	r.check("no value in "+where, len(found) == 0, strings.Join(found, ", "))
}

// ok: everything was looked at, and held.
func (r *report) ok() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return r.requests > 0 && len(r.Checks) > 0
}

func (r *report) print(a *app) error {
	r.OK = r.ok()
	if err := a.print(r, r.write); err != nil {
		return err
	}
	if !r.OK {
		return &failure{code: exitFailure, err: errors.New("a value was seen where it must not be, or was missing where it must be")}
	}
	return nil
}

func (r *report) write(out io.Writer) {
	rows := make([][]string, len(r.Rows))
	for i, row := range r.Rows {
		rows[i] = []string{row.Held, row.Got, row.Back}
	}
	io.WriteString(out, grid(0, []string{"The client held", "The origin got", "Came back"}, rows))
	held := 0
	for _, c := range r.Checks {
		if c.OK {
			held++
			continue
		}
		fmt.Fprintf(out, "FAILED: %s: %s\n", c.What, cell(c.Detail))
	}
	fmt.Fprintf(out, "%d of %d checks hold: the value was looked for, in every form, in output, memory, environment, files and audit.\n", held, len(r.Checks))
}
