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
	patience := drain
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop the proxy; exchanges under way may finish",
		Long: `Stop the proxy, and return when it has ended. It takes no new connection;
exchanges under way may finish for as long as --drain says, and are cut then. One
that does not run is no error.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if patience < 0 {
				return usage("--drain %s: it is how long to wait", patience)
			}
			return a.stopDaemon(cmd.Context(), patience)
		},
	}
	cmd.Flags().DurationVar(&patience, "drain", patience, "how long exchanges under way may take")
	return cmd
}

func (a *app) stopDaemon(ctx context.Context, patience time.Duration) error {
	if err := outsideRun("stopping the proxy"); err != nil {
		return err
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience+5*time.Second)
	defer cancel()
	done := a.during("stopping the proxy")
	err = daemon.Stop(ctx, home, patience)
	done()
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

func (a *app) proxyReloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the proxy read its certificate files again; no connection ends",
		Long: `Have the proxy read again what it does not follow anyway: the files of --origin-ca,
and its root certificate. No connection ends. Rules, bindings, values, projects and
environments count from the next exchange without it; other flags, and the system's
root certificates, need a new start. So do files of --origin-ca that were allowed by
the workspace password, once they have changed.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.reloadDaemon(cmd.Context()) },
	}
}

func (a *app) reloadDaemon(ctx context.Context) error {
	if err := outsideRun("reloading the proxy"); err != nil {
		return err
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = daemon.Reload(ctx, home)
	switch {
	case errors.Is(err, daemon.ErrNotRunning):
		return &failure{code: exitUnreachable, err: err, hint: "agentsecrets proxy start"}
	case err != nil:
		return err
	}
	a.say("The proxy has read its files again.")
	return a.print(map[string]bool{"reloaded": true}, func(io.Writer) {})
}

func (a *app) proxyStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the proxy runs; the exit code is 5 if not",
		Long: `Show whether the proxy runs, with which flags and for which projects, and, the latest first,
which clients did not work through it. The exit code is 5 if it does not run.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.proxyStatus(cmd.Context()) },
	}
}

func (a *app) proxyStatus(ctx context.Context) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	st, err := askDaemon(ctx, home)
	st.Projects, st.Flags.OriginCA, st.Flags.Resolve = orEmpty(st.Projects), orEmpty(st.Flags.OriginCA), orEmpty(st.Flags.Resolve)
	st.Flags.Tunnel, st.Findings = orEmpty(st.Flags.Tunnel), orEmpty(st.Findings)
	wrong := error(nil)
	if err == nil {
		wrong = ownPort(st)
	}
	st.Listener = 0
	if perr := a.print(st, func(out io.Writer) { writeProxyStatus(out, st) }); perr != nil {
		return perr
	}
	if err != nil {
		return notRunning(home, err, startHint)
	}
	return wrong
}

func writeProxyStatus(out io.Writer, st daemon.Status) {
	if !st.Running {
		fmt.Fprintln(out, "running: false")
		return
	}
	fmt.Fprintf(out, "running: true\nport: %d\nproject: %s\nenvironment: %s\nsession_valid: %t\nuptime_seconds: %d\npid: %d\n",
		st.Port, cell(st.ProjectName), cell(st.Environment), st.SessionValid, st.Uptime, st.PID)
	if st.Metrics != "" {
		fmt.Fprintf(out, "metrics: %s\n", st.Metrics)
	}
	for _, file := range st.Flags.OriginCA {
		fmt.Fprintf(out, "origin_ca: %s\n", cell(file))
	}
	for _, text := range st.Flags.Resolve {
		fmt.Fprintf(out, "resolve: %s\n", cell(text))
	}
	if st.Flags.AllowPrivate {
		fmt.Fprintln(out, "allow_private: true")
	}
	if st.Flags.Parent != "" {
		fmt.Fprintf(out, "parent: %s\n", cell(st.Flags.Parent))
	}
	fmt.Fprintf(out, "egress: %s\n", st.Flags.Egress)
	for _, host := range st.Flags.Tunnel {
		fmt.Fprintf(out, "tunnel: %s\n", cell(host))
	}
	for _, p := range st.Projects {
		pinned := ""
		if p.Pinned {
			pinned = ", pinned"
		}
		fmt.Fprintf(out, "serves: %s:%s (workspace %s%s)\n", p.ProjectName, p.Environment, p.WorkspaceName, pinned)
	}
	for _, f := range st.Findings {
		fmt.Fprintf(out, "finding: %s %s: %s\n", f.At.Local().Format("2006-01-02 15:04:05"), cell(f.Text), cell(f.Explain))
	}
}
