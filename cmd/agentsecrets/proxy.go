package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/daemon"
	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/mitm"
)

const defaultPort = 8765

func (a *app) proxyCommand() *cobra.Command {
	return group("proxy", "The proxy that stays in the background",
		a.proxyStartCommand(), a.proxyStopCommand(), a.proxyReloadCommand(), a.proxyStatusCommand(), a.proxyLogsCommand(), a.proxyEnvCommand())
}

// proxyOptions are the flags of proxy start.
type proxyOptions struct {
	port       int
	portSaid   bool
	foreground bool
	answered   bool
	origins    originFlags
	metrics    metricsOptions
	audit      auditFlags
	limits     limitFlags
	log        logFlag
	logSaid    bool
}

const startHint = "agentsecrets proxy start"

func (a *app) proxyStartCommand() *cobra.Command {
	var o proxyOptions
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start the proxy and return when it answers",
		Long: `Start the proxy, and return when it answers. One serves all projects of this home:
each program gets the project that its credential is for (proxy env), else that of
the directory where it works, else the one that --project names here; a program for
which none of these tells a project is refused. Exchanges follow environment switch
at once; --environment pins the project here to one. With --foreground it stays,
ends with SIGTERM or Ctrl-C when exchanges under way are done, and reads its files
again on SIGHUP. In a run it is refused.`,
		Example: `  agentsecrets proxy start
  eval "$(agentsecrets proxy env)"
  agentsecrets proxy stop
  agentsecrets proxy start --port 0 --metrics 127.0.0.1:0 --environment staging
  agentsecrets proxy start --foreground --log-level debug`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.settlePort(cmd, &o); err != nil {
				return err
			}
			if err := o.origins.settle(); err != nil {
				return err
			}
			if err := o.metrics.check(startHint); err != nil {
				return err
			}
			if err := o.limits.check(); err != nil {
				return err
			}
			if _, err := o.log.logger(io.Discard); err != nil {
				return err
			}
			o.logSaid = cmd.Flags().Changed("log-level")
			if o.foreground {
				return a.serve(cmd.Context(), o)
			}
			return a.startDaemon(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.port, "port", defaultPort, "port on 127.0.0.1 (AGENTSECRETS_PORT); 0 takes a free one")
	f.BoolVar(&o.foreground, "foreground", false, "stay, and end with Ctrl-C")
	f.BoolVar(&o.answered, "answered", false, "take answers from descriptor 3, where who starts the proxy left them")
	_ = f.MarkHidden("answered") // there is such a flag
	o.origins.define(a, cmd)
	o.audit.define(cmd)
	o.metrics.define(cmd)
	o.limits.define(cmd, startHint, mitm.DefaultMaxConns)
	o.log.define(a, cmd, "info")
	return cmd
}

func (a *app) settlePort(cmd *cobra.Command, o *proxyOptions) error {
	port := &o.port
	o.portSaid = cmd.Flags().Changed("port")
	if text := a.variable("AGENTSECRETS_PORT"); text != "" && !o.portSaid {
		o.portSaid = true
		n, err := strconv.Atoi(text)
		if err != nil {
			return badPort("AGENTSECRETS_PORT is %q, not a port", text)
		}
		*port = n
	}
	if *port < 0 || *port > 65535 {
		return badPort("%d is not a port", *port)
	}
	return nil
}

func badPort(format string, args ...any) error {
	f := usage(format, args...)
	f.hint = "agentsecrets proxy start --port " + strconv.Itoa(defaultPort)
	return f
}

// startDaemon starts ourselves again, cut loose, with --foreground.
func (a *app) startDaemon(ctx context.Context, o proxyOptions) error {
	if err := outsideRun("starting the proxy"); err != nil {
		return err
	}
	w, err := a.whereIfAny()
	if err != nil {
		return err
	}
	if st, err := askDaemon(ctx, w.home); err == nil {
		return a.startedAlready(w, st, o)
	}
	if _, err := a.daemonStore(ctx, w); err != nil { // better told here than from a log
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	if _, err := a.origins(ctx, w, o.origins); err != nil { // asks here, where the terminal is
		return err
	}
	args, err := a.daemonArgs(o)
	if err != nil {
		return err
	}
	if o.origins.namesParent() {
		a.answers.Parent = o.origins.parent
	}
	launch := daemon.Launch{Home: w.home, Path: exe, Args: args, Environ: harden.Traceless(a.environ), Ready: healthy}
	if a.answers.any() {
		if launch.Extra, err = a.answers.passOn(); err != nil {
			return err
		}
		defer launch.Extra.Close()
		launch.Args = append(launch.Args, "--answered")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	done, err := daemon.Starting(ctx, w.home)
	if err != nil {
		return err
	}
	defer done()
	if st, err := askDaemon(ctx, w.home); err == nil { // somebody was faster
		return a.startedAlready(w, st, o)
	}
	ready := a.during("starting the proxy")
	st, err := launch.Start(ctx)
	ready()
	var exit *daemon.ExitError
	if errors.As(err, &exit) {
		return &failure{code: exit.Code, err: exit}
	}
	if err != nil {
		return err
	}
	return a.showStarted(st)
}

func (a *app) showStarted(st daemon.Status) error {
	if st.Metrics != "" {
		a.say("Metrics: http://%s/metrics", st.Metrics)
	}
	st.Listener = 0
	a.say("The proxy runs on 127.0.0.1:%d. Next: eval \"$(agentsecrets proxy env)\"", st.Port)
	return a.print(st, func(io.Writer) {})
}

// daemonArgs is our own command line, for one that asks nothing.
func (a *app) daemonArgs(o proxyOptions) ([]string, error) {
	args := []string{"agentsecrets", "proxy", "start", "--foreground", "--no-input", "--port", strconv.Itoa(o.port)}
	for flag, value := range map[string]string{
		"--workspace": a.workspace, "--project": a.project, "--environment": a.environment,
	} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	for _, file := range o.origins.ca {
		args = append(args, "--origin-ca", file)
	}
	for _, text := range o.origins.resolve {
		args = append(args, "--resolve", text)
	}
	if o.origins.allowPrivate {
		args = append(args, "--allow-private")
	}
	args = append(args, o.origins.egress.args()...)
	if p := o.origins.parent; p == parentEnv || p == parentNone {
		args = append(args, "--parent", p)
	}
	if o.metrics.addr != "" {
		args = append(args, "--metrics", o.metrics.addr)
	}
	if o.metrics.names {
		args = append(args, "--metrics-names")
	}
	args = append(append(args, o.limits.args()...), "--log-level", o.log.level)
	audit, err := o.audit.args()
	return append(args, audit...), err
}

// startedAlready is content with a daemon that does what was asked for.
func (a *app) startedAlready(w where, st daemon.Status, o proxyOptions) error {
	other := func(format string, args ...any) error {
		return &failure{code: exitFailure, hint: "agentsecrets proxy stop", err: fmt.Errorf(format, args...)}
	}
	if err := ownPort(st); err != nil {
		return err
	}
	st.Listener = 0
	switch {
	case o.portSaid && o.port != 0 && st.Port != o.port:
		return other("a proxy runs already, on port %d", st.Port)
	case a.project != "" && st.ProjectID != w.ProjectID:
		return other("a proxy runs already, and programs that work in no project do not get %s from it", w.ProjectName)
	case a.environment != "" && (st.ProjectID != w.ProjectID || a.environment != st.Environment):
		return other("a proxy runs already, for %s:%s, not for %s", st.ProjectName, st.Environment, w)
	case o.metrics.addr != "" && o.metrics.addr != st.Metrics, o.metrics.names && !st.MetricsNames:
		return other("a proxy runs already, without these --metrics")
	case o.audit.any():
		return other("a proxy runs already; --audit and --audit-sync would not count for it")
	case o.limits.any(), o.logSaid:
		return other("a proxy runs already; --max-connections, --max-run-connections and --log-level would not count for it")
	case o.origins.any() && !sameFlags(o.origins.flags(), st.Flags):
		return other("a proxy runs already; %s would not count for it", originFlagNames)
	}
	a.say("The proxy runs already, on 127.0.0.1:%d.", st.Port)
	return a.print(st, func(io.Writer) {})
}

func sameFlags(a, b daemon.Flags) bool {
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	return slices.Equal(sorted(a.OriginCA), sorted(b.OriginCA)) && slices.Equal(sorted(a.Resolve), sorted(b.Resolve)) &&
		a.AllowPrivate == b.AllowPrivate && a.Parent == b.Parent && a.Egress == b.Egress && slices.Equal(sorted(a.Tunnel), sorted(b.Tunnel))
}

// flags are o as others are told of them.
func (o *originFlags) flags() daemon.Flags {
	return daemon.Flags{
		OriginCA: orEmpty(o.ca), Resolve: orEmpty(o.resolve), AllowPrivate: o.allowPrivate,
		Parent: o.parentAddr(), Egress: cmp.Or(o.egress.mode, egressInspect), Tunnel: orEmpty(o.egress.tunnels),
	}
}

// settle makes paths mean the same wherever the daemon works.
func (o *originFlags) settle() error {
	for i, file := range o.ca {
		path, err := filepath.Abs(file)
		if err != nil {
			return fmt.Errorf("find %s: %w", file, err)
		}
		o.ca[i] = path
	}
	return nil
}

// healthy asks the port itself: only then a client will get an answer.
func healthy(ctx context.Context, st daemon.Status) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/health", st.Port), nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req) // past every proxy variable
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/health answers %d", resp.StatusCode)
	}
	return nil
}
