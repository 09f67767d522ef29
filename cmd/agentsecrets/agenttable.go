package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/agents"
)

// A fixed table's columns begin where programs cut its lines: SDKs read the lists
// of agents and tokens so, by characters.
type fixed struct {
	headings []string
	widths   []int // of all columns but the last
	rows     [][]string
}

// show draws a table for a person, and writes lines for a program.
func (f fixed) show(a *app, out io.Writer) {
	if a.onTerminal() {
		fmt.Fprint(out, grid(a.columns(), f.headings, f.rows))
		return
	}
	if len(f.rows) == 0 {
		return
	}
	fmt.Fprintln(out, f.line(f.headings))
	for _, row := range f.rows {
		fmt.Fprintln(out, f.line(row))
	}
}

func (f fixed) line(row []string) string {
	var b strings.Builder
	for i, text := range row {
		if i == len(f.widths) {
			b.WriteString(text)
			break
		}
		fmt.Fprintf(&b, "%-*s", f.widths[i], cut(text, f.widths[i]))
	}
	return b.String()
}

// cut shortens what is longer than its column. Names of agents never are.
func cut(text string, width int) string {
	r := []rune(cell(text))
	if len(r) > width {
		return string(r[:width-2]) + "… "
	}
	return string(r)
}

// noTokens refuses a token where something else belongs, without repeating it as
// whoever reads that would.
func noTokens(texts ...string) error {
	if slices.ContainsFunc(texts, agents.IsToken) {
		return usage("a token was given where something else belongs (it is not shown here)")
	}
	return nil
}

// usageOf is err as a mistake of whoever gave the command, where it is one.
func usageOf(err error) error {
	var name *agents.NameError
	if errors.As(err, &name) {
		return usage("%w", err)
	}
	return err
}
