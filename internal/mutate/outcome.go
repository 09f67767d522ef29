package main

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
)

// end is how a run of tests ended.
type end int

const (
	passed  end = iota // all of them, and there was one
	failed             // one of them, which is named
	crashed            // all of them: a panic, a race, goroutines or processes that stayed
	hung               // not in time
	untried            // nothing was tested
)

// outcome is what a run of tests came to.
type outcome struct {
	end  end
	test string // the first that failed, "" for none
	why  string
	lack bool // it may have failed for what the machine lacked
}

// crashes are how a test binary fails whose tests have not.
var crashes = []struct{ sign, why string }{
	{"\npanic: ", "a panic"},
	{"\nfatal error: ", "a fatal error"},
	{"\nWARNING: DATA RACE", "a race"},
	{"found unexpected goroutines", "goroutines that stayed"}, // goleak
}

// lacks are said, too, by tests that fail because the machine is busy or lacks
// something. A test may well say so because of a fault, but only its second run tells.
var lacks = []string{
	"no such file", "not found in $PATH", "in use", "no space left", "too many open files", "cannot allocate",
	"temporarily unavailable", "i/o timeout", "deadline exceeded", "timed out", "refused", "signal: killed",
}

// compilation precedes what the compiler says of a package of ours. Tests that
// build the program say it, too.
const compilation = "\n# github.com/agentsecrets/agentsecrets"

// notEnded is why a fault is noticed that hangs.
const notEnded = "a test that did not end"

// judge reads the output of a test binary that ended with err.
func judge(out []byte, err error) outcome {
	out = append([]byte("\n"), out...)
	o := outcome{test: firstFailure(out), lack: holdsAny(out, lacks)}
	o.why = o.test
	switch {
	case bytes.Contains(out, []byte(compilation)):
		o.end, o.why = untried, "does not compile: "+lastLines(out)
	case bytes.Contains(out, []byte("\ntesting: warning: no tests to run")):
		o.end, o.why = untried, "no test has that name"
	case err == nil:
		o.end = passed
	case o.test != "":
		o.end = failed
	case bytes.Contains(out, []byte("\npanic: test timed out after ")):
		o.end, o.why = hung, notEnded
	case errors.Is(err, exec.ErrWaitDelay):
		o.end, o.why, o.lack = crashed, "a process that stayed", true
	default:
		o.crash(out, err)
	}
	return o
}

func (o *outcome) crash(out []byte, err error) {
	for _, c := range crashes {
		if bytes.Contains(out, []byte(c.sign)) {
			o.end, o.why = crashed, c.why
			return
		}
	}
	o.end, o.why = untried, "ended with "+err.Error()+": "+lastLines(out)
}

// firstFailure returns the name of the first test that failed. Its innermost
// part stands last and is indented most.
func firstFailure(out []byte) string {
	first := ""
	for line := range strings.Lines(string(out)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: ")
		if !ok {
			continue
		}
		if name = strings.Fields(name)[0]; first != "" && !strings.HasPrefix(name, first+"/") {
			break
		}
		first = name
	}
	return first
}

func holdsAny(out []byte, texts []string) bool {
	for _, text := range texts {
		if bytes.Contains(out, []byte(text)) {
			return true
		}
	}
	return false
}

// lastLines are enough of an output to see what was wrong, on one line.
func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}
