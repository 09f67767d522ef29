package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// What is missing is an argument, and never a flag that may be left away.
func TestWrongCountNamesArguments(t *testing.T) {
	var all func(*cobra.Command)
	all = func(cmd *cobra.Command) {
		if text := wrongCount(cmd, nil).Error(); strings.Contains(text, "[--") {
			t.Errorf("%q: %s", cmd.Use, text)
		}
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	all((&app{}).rootCommand())
	bind := &cobra.Command{Use: "bind NAME… [--host RULE] [--no-env]"}
	if got := wrongCount(bind, nil).Error(); got != "bind: NAME… is missing" {
		t.Error(got)
	}
}

// A full directory for temporary files is told with what helps, and nothing else is.
func TestFullTempHasHint(t *testing.T) {
	full := inTemp(exitOurs, &fs.PathError{Op: "write", Path: "bundle.pem", Err: syscall.ENOSPC})
	if got := new(app).hintFor(full); got != "export TMPDIR=DIRECTORY" || exitCode(full) != exitOurs {
		t.Errorf("%q, %d", got, exitCode(full))
	}
	if got := new(app).hintFor(inTemp(exitOurs, errors.New("no variable"))); got != "" {
		t.Errorf("%q", got)
	}
}
