// Package grid writes tables that are Markdown and line up on a screen as well.
//
//	grid.Write(&b, [][]string{{"Suite", "Cases"}, {"h2spec", "145"}})
//
// For commands that report; it is not part of the program.
package grid

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Write writes a table whose first row is its header. All rows have as many cells.
func Write(out *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for at, cells := range rows {
		for i, c := range cells {
			fmt.Fprintf(out, "| %s%s ", c, strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)))
		}
		out.WriteString("|\n")
		if at == 0 {
			for _, n := range width {
				fmt.Fprintf(out, "|-%s-", strings.Repeat("-", n))
			}
			out.WriteString("|\n")
		}
	}
}
