// Package threats reads the table of attacks in docs/threats.md and knows the
// tests that belong to each.
//
//	rows, err := threats.Read("docs/threats.md")
//	for _, r := range rows {
//		fmt.Println(r.ID, r.Attack, threats.Pattern(r.ID))
//	}
//
// A test belongs to a row by its name: TestD1..., FuzzD1..., or a script
// D1_....txtar. So nobody keeps a list of tests that could be out of date.
package threats

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Row is a line of the table.
type Row struct {
	ID     string // D1, L12, A7: a letter for the field and a number
	Attack string
	Later  string // why it has no test yet, "" for a row that must have one
}

var (
	line  = regexp.MustCompile(`^\| ([A-Z]\d{1,2}) \| (.+?) \| (.+) \|$`)
	owner = regexp.MustCompile(`^(?:Test|Fuzz)([A-Z]\d{1,2})[A-Z]|^TestScripts/([A-Z]\d{1,2})_`)
)

// Read returns the rows of a file in its order. Those under the heading
// "## Later" carry the reason. It is an error if a row stands twice, has no
// attack or reason, or if there is none at all.
func Read(path string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the table of attacks: %w", err)
	}
	var rows []Row
	seen := map[string]bool{}
	later := false
	for text := range strings.Lines(string(text)) {
		text = strings.TrimRight(text, "\r\n")
		if strings.HasPrefix(text, "## ") {
			later = text == "## Later"
		}
		m := line.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if seen[m[1]] {
			return nil, fmt.Errorf("%s: row %s stands twice", path, m[1])
		}
		seen[m[1]] = true
		r := Row{ID: m[1], Attack: m[2]}
		if later {
			r.Later = m[3]
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil, errors.New(path + ": no row in it")
	}
	return rows, nil
}

// Owner returns the row that a test belongs to by its name, "" for none. A
// script is named TestScripts/NAME.
func Owner(test string) string {
	m := owner.FindStringSubmatch(test)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// Pattern returns what `go test -run` takes to run the tests of one row.
func Pattern(id string) string {
	return "^(Test|Fuzz)" + id + "[A-Z]|^TestScripts$/^" + id + "_"
}

// All returns what `go test -run` takes to run the tests of every row.
func All() string {
	return `^(Test|Fuzz)[A-Z]\d+[A-Z]|^TestScripts$/^[A-Z]\d+_`
}
