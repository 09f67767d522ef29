package main

import (
	"fmt"
	"os"
	"strings"
)

// reviewed is a difference that somebody looked at.
type reviewed struct {
	through string // the verdict, or anyVerdict
	reason  string
}

// anyVerdict stands for each that differs: how a suite sees that a connection
// was ended may hang on what was under way.
const anyVerdict = "any"

func (r reviewed) covers(verdict string) bool { return r.through == verdict || r.through == anyVerdict }

// readKnown reads the reviewed differences, by suite and case: lines of
// "suite | case | verdict through us | reason".
func readKnown(path string) (map[string]map[string]reviewed, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the reviewed differences: %w", err)
	}
	all := map[string]map[string]reviewed{}
	at := 0
	for line := range strings.Lines(string(text)) {
		at++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.SplitN(line, "|", 4)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 4 || cells[0] == "" || cells[1] == "" || cells[2] == "" || cells[3] == "" {
			return nil, fmt.Errorf("%s:%d: not \"suite | case | verdict | reason\"", path, at)
		}
		if all[cells[0]] == nil {
			all[cells[0]] = map[string]reviewed{}
		}
		if _, twice := all[cells[0]][cells[1]]; twice {
			return nil, fmt.Errorf("%s:%d: %s of %s stands twice", path, at, cells[1], cells[0])
		}
		all[cells[0]][cells[1]] = reviewed{cells[2], cells[3]}
	}
	return all, nil
}
