package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"golang.org/x/term"
)

// print writes a result: v as one line of JSON, or what text writes.
func (a *app) print(v any, text func(io.Writer)) error {
	if a.output == "json" {
		enc := json.NewEncoder(a.results())
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	var b bytes.Buffer
	text(&b)
	if _, err := b.WriteTo(a.results()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// onTerminal reports whether results go to a person's screen.
func (a *app) onTerminal() bool { return term.IsTerminal(int(a.stdout.Fd())) }

// grid draws a table with a border. Programs read it as well: cells are split
// at the border, and an empty one would be lost, so it holds a dash.
func grid(header []string, rows [][]string) string {
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = make([]string, len(row))
		for j, text := range row {
			cells[i][j] = cell(text)
		}
	}
	return table.New().
		Border(lipgloss.RoundedBorder()).
		Headers(header...).
		StyleFunc(func(int, int) lipgloss.Style { return lipgloss.NewStyle().Padding(0, 1) }).
		Wrap(false).
		Rows(cells...).String() + "\n"
}

func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != '│' {
			return r
		}
		return '·' // nothing that was stored moves the cursor of who reads it
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
