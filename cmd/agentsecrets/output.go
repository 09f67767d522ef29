package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"golang.org/x/term"

	"github.com/agentsecrets/agentsecrets/internal/visible"
)

// print writes a result: v as one line of JSON, or what text writes.
func (a *app) print(v any, text func(io.Writer)) error {
	if a.output == "json" {
		return a.writeLine(v)
	}
	var b bytes.Buffer
	text(&b)
	if _, err := io.WriteString(a.results(), visible.Text(b.String())); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// writeLine writes v as a line of JSON.
func (a *app) writeLine(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	if _, err := a.results().Write(visible.JSON(b.Bytes())); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// onTerminal reports whether results go to a person's screen.
func (a *app) onTerminal() bool { return term.IsTerminal(int(a.stdout.Fd())) }

// grid draws a table with a border. Programs read it as well: cells are split
// at the border, and an empty one would be lost, so it holds a dash. Where it would
// be wider than columns, if that is not 0, cells take several lines: a terminal that
// broke the lines itself would leave nothing to read.
func grid(columns int, header []string, rows [][]string) string {
	if len(rows) == 0 && columns > 0 {
		return "" // for people a frame around nothing says nothing
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = make([]string, len(row))
		for j, text := range row {
			cells[i][j] = cell(text)
		}
	}
	t := table.New().
		Border(lipgloss.RoundedBorder()).
		Headers(header...).
		StyleFunc(func(int, int) lipgloss.Style { return lipgloss.NewStyle().Padding(0, 1) }).
		Wrap(false).
		Rows(cells...)
	text := t.String()
	if wide := lipgloss.Width(text); wide > columns && columns >= leastColumns*len(header) {
		columns = min(columns, wide-len(header)-2) // lipgloss forgets its rulers where little is missing, and cuts the last column
		text = t.Width(columns).Wrap(true).BorderRow(true).String()
	}
	return text + "\n"
}

// leastColumns is what a column needs to be worth breaking its cells.
const leastColumns = 8

// columns is how wide the screen is, 0 where results go elsewhere or nobody knows.
func (a *app) columns() int {
	width, _, err := term.GetSize(int(a.stdout.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// wide is what a line may have where nobody knows.
const wide = 200

// width is columns, or wide.
func (a *app) width() int { return cmp.Or(max(a.columns(), 0), wide) }

func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if visible.Is(r) && r != '│' {
			return r
		}
		return visible.Dot // nothing that was stored moves the cursor of who reads it
	}, text)
	if strings.TrimSpace(text) == "" {
		return "—"
	}
	return text
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
