package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Kinds of rows, as Python writes them.
const (
	works  = "works"
	defect = "defect"
)

// row is one capability of the SDK, as it was with one Python.
type row struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Note     string  `json:"note"`
	OK       bool    `json:"ok"`
	Evidence string  `json:"evidence"`
	Seconds  float64 `json:"seconds"`
}

func (r row) verdict() string {
	switch {
	case !r.OK:
		return "FAILED"
	case r.Kind == defect:
		return "the SDK's own defect"
	}
	return "works"
}

// readRows reads what Python wrote: rows, then all that the SDK gave back.
func readRows(path string) (rows []row, seen []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the rows: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct {
			row
			Seen []string `json:"seen"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, nil, fmt.Errorf("read the rows: %w", err)
		}
		if line.Seen != nil {
			seen = line.Seen
			continue
		}
		rows = append(rows, line.row)
	}
	return rows, seen, lines.Err()
}

// report is the rows by Python.
type report struct {
	pythons []string
	rows    map[string][]row
	part    bool // of all rows
}

// write lists every row with every Python.
func (r *report) write(out io.Writer) {
	for _, python := range r.pythons {
		took := 0.0
		for _, row := range r.rows[python] {
			evidence := strings.Join(strings.Fields(row.Evidence), " ")
			if runes := []rune(evidence); row.OK && len(runes) > 110 {
				evidence = string(runes[:109]) + "…"
			}
			fmt.Fprintf(out, "%-5s %-21s %5.1fs  %-62s %s\n", python, row.verdict(), row.Seconds, row.Name, evidence)
			took += row.Seconds
		}
		fmt.Fprintf(out, "%-5s %d rows, %d failed, %.0f s\n\n", python, len(r.rows[python]), len(r.failed(python)), took)
	}
}

func (r *report) failed(python string) []row {
	return slices.DeleteFunc(slices.Clone(r.rows[python]), func(row row) bool { return row.OK })
}

// fewest is how many rows there are at least: a script that ends early is no success.
const fewest = 60

// err is what makes the command fail.
func (r *report) err() error {
	var errs []error
	for _, python := range r.pythons {
		if n := len(r.rows[python]); n < fewest && !r.part {
			errs = append(errs, fmt.Errorf("only %d rows with Python %s", n, python))
		}
		for _, row := range r.failed(python) {
			errs = append(errs, fmt.Errorf("with Python %s: %s: %s", python, row.Name, row.Evidence))
		}
	}
	return errors.Join(errs...)
}

// Where the rows stand in docs/python-sdk.md.
const (
	tableBegins = "<!-- rows: written by make sdk-compat -->\n"
	tableEnds   = "<!-- end of rows -->\n"
)

// table is the rows as documentation has them, those that work first.
func (r *report) table() string {
	var b strings.Builder
	for _, kind := range []struct{ kind, head string }{
		{works, "| works | |\n|---|---|\n"},
		{defect, "\n| the SDK's own defect | instead |\n|---|---|\n"},
	} {
		b.WriteString(kind.head)
		for _, row := range r.rows[r.pythons[0]] {
			if row.Kind == kind.kind {
				fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(row.Name, "`", ""), row.Note)
			}
		}
	}
	return b.String()
}

// inPage puts the table into a page between its marks.
func inPage(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !ok || !ends {
		return "", errors.New("the page has no place for the rows")
	}
	return before + tableBegins + table + tableEnds + after, nil
}
