package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Error says in which places it failed. The others are as the Report says.
type Error struct {
	Op     string // install, status, uninstall
	Failed []Result
}

func (e *Error) Error() string {
	var parts []string
	for _, r := range e.Failed {
		parts = append(parts, strings.TrimSpace(r.Store+" "+r.Place)+": "+r.Reason)
	}
	what := e.Op + " the root certificate"
	if e.Op == "status" {
		what = "tell where the root certificate is installed"
	}
	return what + ": " + strings.Join(parts, "; ")
}

// Hint is what to do about it.
func (e *Error) Hint() string {
	var hints []string
	for _, r := range e.Failed {
		if r.Hint != "" && !slices.Contains(hints, r.Hint) {
			hints = append(hints, r.Hint)
		}
	}
	return strings.Join(hints, "\n")
}

func (r Report) failed(op string) error {
	var bad []Result
	for _, one := range r {
		if one.State == Failed {
			bad = append(bad, one)
		}
	}
	if bad == nil {
		return nil
	}
	return &Error{op, bad}
}

// problem is why something is not available or failed, with a hint.
type problem struct {
	reason, hint string
	unavailable  bool
}

func (p *problem) Error() string { return p.reason }

// rightsError says that only root may change a place.
type rightsError struct{ place string }

func (e *rightsError) Error() string { return fmt.Sprintf("only root may change %s", e.place) }

func result(op, store, place string, trusted bool, err error) Result {
	r := Result{Store: store, Place: place, State: Absent}
	if trusted {
		r.State = Installed
	}
	if err == nil {
		return r
	}
	r.State, r.Reason = Failed, err.Error()
	var p *problem
	var rights *rightsError
	switch {
	case errors.As(err, &p):
		r.Hint = p.hint
		if p.unavailable {
			r.State = NotAvailable
		}
	case errors.As(err, &rights), errors.Is(err, fs.ErrPermission):
		r.Hint = "sudo agentsecrets ca " + op
	}
	return r
}
