package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/daemon"
)

// leaveProxy is what a shell needs once the proxy is gone.
const leaveProxy = `eval "$(agentsecrets proxy env --unset)"`

func (a *app) proxyStopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the proxy; exchanges under way may finish",
		Args:  takes(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.stopDaemon(cmd.Context()) },
	}
}

func (a *app) stopDaemon(ctx context.Context) error {
	if err := outsideRun("stopping the proxy"); err != nil {
		return err
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, drain+5*time.Second)
	defer cancel()
	err = daemon.Stop(ctx, home)
	var refused *daemon.RefusedError
	switch {
	case errors.Is(err, daemon.ErrNotRunning):
		a.say("The proxy was not running.")
	case errors.As(err, &refused):
		return denied("", "%w", err)
	case err != nil:
		return err
	default:
		a.say("The proxy has stopped. In shells that it served: %s", leaveProxy)
	}
	return a.print(map[string]bool{"stopped": err == nil}, func(io.Writer) {})
}

func (a *app) proxyStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the proxy runs; the exit code is 5 if not",
		Args:  takes(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.proxyStatus(cmd.Context()) },
	}
}

func (a *app) proxyStatus(ctx context.Context) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	st, err := askDaemon(ctx, home)
	if perr := a.print(st, func(out io.Writer) { writeProxyStatus(out, st) }); perr != nil {
		return perr
	}
	if err != nil {
		return &failure{code: exitUnreachable, err: err, hint: "agentsecrets proxy start"}
	}
	return nil
}

func writeProxyStatus(out io.Writer, st daemon.Status) {
	if !st.Running {
		fmt.Fprintln(out, "running: false")
		return
	}
	fmt.Fprintf(out, "running: true\nport: %d\nproject: %s\nenvironment: %s\nsession_valid: %t\nuptime_seconds: %d\npid: %d\n",
		st.Port, st.ProjectName, st.Environment, st.SessionValid, st.Uptime, st.PID)
	if st.Metrics != "" {
		fmt.Fprintf(out, "metrics: %s\n", st.Metrics)
	}
}
