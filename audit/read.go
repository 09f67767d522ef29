package audit

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Filter says which exchanges to read; an empty field asks for nothing.
type Filter struct {
	Last        int    // only so many, the latest; 0 means all
	Secret      string // a name
	Status      string // OK, Blocked or Error, in any case
	Environment string
}

// BadLinesError says that some lines were no audit events. The events that
// come with it are all the others.
type BadLinesError struct {
	Lines int
	Path  string // the first file with such a line
}

func (e *BadLinesError) Error() string {
	return fmt.Sprintf("%d lines are no audit events, the first of them in %s", e.Lines, e.Path)
}

// Read returns what f asks for of the logs in dir, one event an exchange (the
// done event where there is one), the latest last. A last line without an end
// is an event being written, or one that a crash cut short: it is passed over.
func Read(dir string, f Filter) ([]Event, error) {
	r := reader{rows: map[string]int{}}
	if err := r.readDir(dir); err != nil {
		return nil, err
	}
	events := slices.DeleteFunc(r.events, func(e Event) bool { return !f.match(e) })
	slices.SortStableFunc(events, func(a, b Event) int { return a.Timestamp.Compare(b.Timestamp) })
	if f.Last > 0 && len(events) > f.Last {
		events = events[len(events)-f.Last:]
	}
	if r.bad.Lines > 0 {
		return events, &r.bad
	}
	return events, nil
}

// match is asked about an exchange, not a line: whether a blocked one shows
// must not hang on its decided event.
func (f Filter) match(e Event) bool {
	return (f.Secret == "" || slices.Contains(e.SecretKeys, f.Secret)) &&
		(f.Status == "" || strings.EqualFold(f.Status, e.Status)) &&
		(f.Environment == "" || f.Environment == e.Environment)
}

type reader struct {
	events []Event
	rows   map[string]int // where in events an ID stands
	bad    BadLinesError
}

func (r *reader) readDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing recorded yet
	}
	if err != nil {
		return fmt.Errorf("read audit logs: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".jsonl" {
			continue
		}
		if err := r.readFile(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("read audit logs: %w", err)
		}
	}
	return nil
}

func (r *reader) readFile(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // pruned meanwhile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			r.bad.Lines++
			r.bad.Path = cmp.Or(r.bad.Path, path)
			continue
		}
		r.add(e)
	}
}

func (r *reader) add(e Event) {
	i, known := r.rows[e.ID]
	switch {
	case !known || e.ID == "":
		r.rows[e.ID] = len(r.events)
		r.events = append(r.events, e)
	case e.Event == Done || r.events[i].Event != Done:
		r.events[i] = e
	}
}
