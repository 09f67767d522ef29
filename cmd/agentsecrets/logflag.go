package main

import (
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// logFlag says how much is told of what a proxy does. Messages are constant texts
// with names and hosts beside them, never values.
type logFlag struct{ level string }

func logLevels() []string { return []string{"debug", "info", "warn", "error"} }

// define gives cmd the flag; without it there is what otherwise says.
func (o *logFlag) define(a *app, cmd *cobra.Command, otherwise string) {
	cmd.Flags().StringVar(&o.level, "log-level", otherwise, "log on standard error: debug (each exchange), info, warn (what was refused) or error; empty for nothing")
	a.completeFlag(cmd, "log-level", func() ([]string, error) { return logLevels(), nil })
}

// logger writes to out; nil where nothing is to be logged.
func (o *logFlag) logger(out io.Writer) (*slog.Logger, error) {
	if o.level == "" {
		return nil, nil
	}
	if !slices.Contains(logLevels(), o.level) {
		return nil, usage("--log-level %q: it is %s", o.level, strings.Join(logLevels(), ", "))
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.level)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})), nil
}
