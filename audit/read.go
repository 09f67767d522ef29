package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Filter says which exchanges to read; an empty field asks for nothing.
type Filter struct {
	Last        int    // only so many, the latest; 0 means all
	Secret      string // a name
	Status      string // OK, Blocked or Error, in any case
	Environment string
	Since       time.Time // those of which something was recorded from then on
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
// done event where there is one), the latest last. Logs are read from their
// ends, and no further than f asks for. A last line without an end is an event
// being written, or one that a crash cut short: it is passed over.
func Read(dir string, f Filter) ([]Event, error) {
	all, err := openTails(dir)
	if err != nil {
		closeAll(all)
		return nil, err
	}
	events, bad, err := latest(all, f)
	if err != nil {
		return nil, fmt.Errorf("read audit logs: %w", err)
	}
	if bad.Lines > 0 {
		return events, &bad
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
