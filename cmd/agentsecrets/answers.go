package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// answers are what was asked for and given, so that it is asked for once. The
// daemon, which nobody can ask, gets them from who starts it.
type answers struct {
	Password  []byte `json:"password,omitempty"`  // of the workspace, and right when it was given
	Confirmed string `json:"confirmed,omitempty"` // what somebody at a terminal said yes to

	Parent     string `json:"parent,omitempty"`     // of --parent: others see arguments, and there may be a password in it
	Passphrase []byte `json:"passphrase,omitempty"` // of the store, where nothing but memory can keep it open
}

func (n answers) any() bool { return n.authorizes() || n.Passphrase != nil || n.Parent != "" }

// authorizes reports whether somebody was asked about policy.
func (n answers) authorizes() bool { return n.Password != nil || n.Confirmed != "" }

// answersFD is the daemon's end of the pipe.
const answersFD = 3

// passOn returns the end of a pipe from which n can be read, until the writer
// is done or that end is closed. The daemon checks the password itself, and
// takes a yes for the same thing in a workspace without one: there is no flag
// that says it had been checked.
func (n answers) passOn() (*os.File, error) {
	b, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("pass the answers on: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pass the answers on: %w", err)
	}
	go writeAll(w, b) // a password may be longer than what a pipe holds
	return r, nil
}

func writeAll(w *os.File, b []byte) {
	defer w.Close()
	_, _ = w.Write(b) // who reads finds out
}

func readAnswers(r io.ReadCloser) (answers, error) {
	defer r.Close()
	var n answers
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&n); err != nil {
		return n, fmt.Errorf("read the answers that were passed on: %w", err)
	}
	return n, nil
}
