package main

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// failureJSON is what a command that fails writes under --output json, in place of its
// result. A result that says itself what failed, as of call, counts.
type failureJSON struct {
	Error   string `json:"error"` // a slug
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// reportJSON answers a program that waits for a line of JSON. What went wrong stands on
// standard error as well, for whoever reads that.
func (a *app) reportJSON(err error) {
	if a.answered || !a.wantsJSON() || a.runsProgram() {
		return
	}
	f := failureJSON{Error: slugOf(err), Message: strings.TrimPrefix(err.Error(), slugOf(err)+": "), Hint: a.hintFor(err)}
	f.Message, f.Hint = agents.Masked(f.Message), agents.Masked(f.Hint)
	_ = a.writeLine(f) // there is nobody else to tell
}

// wantsJSON also where flags could not be read, so that not even a mistyped one
// leaves a program without an answer.
func (a *app) wantsJSON() bool {
	if a.output != "" {
		return a.output == "json"
	}
	words := a.words
	if end := slices.Index(words, "--"); end >= 0 {
		words = words[:end]
	}
	at := slices.Index(words, "--output")
	return slices.Contains(words, "--output=json") || at >= 0 && at+1 < len(words) && words[at+1] == "json" ||
		a.variable("AGENTSECRETS_OUTPUT") == "json"
}

// runsProgram reports whether standard output is that of a program.
func (a *app) runsProgram() bool {
	switch at := slices.IndexFunc(a.words, func(w string) bool { return !strings.HasPrefix(w, "-") }); {
	case at < 0:
		return false
	case a.words[at] == "env":
		return namesProgram(a.words)
	default:
		return a.words[at] == "run" || a.command == "agentsecrets run"
	}
}

var slugForm = regexp.MustCompile(`^([a-z]+(?:_[a-z]+)+): `)

// slugOf is the short name of an error: its own, else that of its exit code.
func slugOf(err error) string {
	var unknown *env.UnknownError
	var problem *mitm.Problem
	var denied *allowlist.DeniedError
	switch {
	case errors.As(err, &unknown):
		return unknown.Slug()
	case errors.As(err, &problem):
		return problem.Slug
	case errors.As(err, &denied):
		return denied.Reason
	case errors.Is(err, env.ErrNoProject):
		return "no_project"
	}
	if m := slugForm.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	switch exitCode(err) {
	case exitUsage:
		return "usage"
	case exitDenied:
		return "denied"
	case exitNotFound:
		return "secret_not_found"
	case exitUnreachable:
		return "not_running"
	case exitInterrupted:
		return "interrupted"
	}
	return "failed"
}
