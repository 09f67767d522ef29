package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/child"
	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// exitOurs is env(1)'s code for a failure that is not the program's.
const exitOurs = 125

const interceptHint = "agentsecrets run --intercept"

// runOptions are the flags of run.
type runOptions struct {
	intercept bool
	quiet     bool
	rawOutput bool
	origins   originFlags
	audit     auditFlags
	metrics   metricsOptions
	limits    limitFlags
	log       logFlag
	token     string // of an agent
	clearEnv  bool
	pass      []string
}

func (o *runOptions) define(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows the program's name is the program's
	f.BoolVar(&o.intercept, "intercept", false, "keep values out of the program: it gets placeholders, and a proxy that expands them")
	f.BoolVar(&o.quiet, "quiet", false, "no line about the run on standard error")
	f.BoolVar(&o.rawOutput, "raw-output", false, "do not take values out of the program's output (without --intercept)")
	f.BoolVar(&o.clearEnv, "clear-env", false, "of the variables that are here the program gets the harmless ones alone (agentsecrets help environment-variables)")
	f.StringArrayVar(&o.pass, "pass", nil, "with --clear-env: `NAME` of a variable that it gets as well, or the beginning of some with * behind it (repeatable)")
	a.completeFlag(cmd, "pass", func() ([]string, error) { return sortedKeys(asMap(a.environ)), nil })
	agentFlag(cmd)
	o.origins.define(a, cmd)
	o.audit.define(cmd)
	o.metrics.define(cmd)
	o.limits.define(cmd, interceptHint, mitm.DefaultMaxRunConns)
	o.log.define(a, cmd, "")
}

const runCodes = `The exit code is the program's; 125: agentsecrets failed, 126: the program could
not be executed, 127: it was not found.`

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [--intercept] [flags] -- CMD…",
		Short: "Run a program with secrets: with --intercept it never holds them",
		Long: `Run a program. With --intercept its environment names placeholders
(STRIPE_KEY=AS_SECRET_STRIPE_KEY) and a proxy of its own, which puts the values
into requests to allowed hosts and takes them out of what comes back.

Without, the values are in its environment, and are taken out of what it writes to
pipes and files, as a guard against accidents. In a run this is refused.

Either way it has all other variables that are here, unless --clear-env says that it
gets no more than PATH, HOME and their like, and what --pass names.

Flags stand before --; what follows is the program's. A run with --intercept ends with a
line for what was refused, and for programs that did not go through the proxy.

` + runCodes,
		Example: `  agentsecrets run --intercept -- curl -s https://api.stripe.com/v1/balance -H "Authorization: Bearer AS_SECRET_STRIPE_KEY"
  agentsecrets run --intercept -- python app.py
  agentsecrets run --intercept --clear-env --pass 'AWS_*' -- make deploy
  agentsecrets run --intercept --environment staging -- sh -c 'echo "$STRIPE_KEY"'
  agentsecrets run -- printenv STRIPE_KEY`,
		Args:              takes(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.programs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.origins.adopts = true
			var err error
			if o.token, err = a.agentToken(cmd); err != nil {
				return &failure{code: exitOurs, err: err}
			}
			return a.runProgram(cmd.Context(), args, o)
		},
	}
	o.define(a, cmd)
	return cmd
}

// runProgram maps every error to the codes of env(1).
func (a *app) runProgram(ctx context.Context, args []string, o runOptions) error {
	code, err := a.start(ctx, args, o)
	var start *child.StartError
	switch {
	case errors.As(err, &start):
		return &failure{code: start.Code, err: err}
	case err != nil:
		return &failure{code: exitOurs, err: err}
	case code != 0:
		return &failure{code: code, err: fmt.Errorf("the program ended with code %d", code), quiet: true}
	}
	return nil
}

func (a *app) start(ctx context.Context, args []string, o runOptions) (int, error) {
	if len(args) == 0 {
		return 0, usage("which program? agentsecrets run -- CMD…")
	}
	if err := o.checkPass(args[0]); err != nil {
		return 0, err
	}
	if !o.intercept && o.metrics.any() {
		f := usage("--metrics is for --intercept: without it there is no proxy to measure")
		f.hint = interceptHint + " -- " + args[0]
		return 0, f
	}
	if !o.intercept && (o.limits.any() || o.log.level != "") {
		f := usage("--max-connections, --max-run-connections and --log-level are for --intercept: without it there is no proxy")
		f.hint = interceptHint + " -- " + args[0]
		return 0, f
	}
	if !o.intercept && o.origins.any() { // a forgotten --intercept would give the program the values
		f := usage(originFlagNames + " are for --intercept: without it the program itself connects")
		f.hint = interceptHint + " -- " + args[0]
		return 0, f
	}
	if o.metrics.names && o.metrics.addr == "" { // its proxy's port is another each time, and ends with the program
		f := usage("--metrics-names needs --metrics: nobody would know where to ask")
		f.hint = interceptHint + " --metrics 127.0.0.1:9464 --metrics-names -- " + args[0]
		return 0, f
	}
	if err := errors.Join(o.metrics.check(interceptHint), o.limits.check()); err != nil {
		return 0, err
	}
	inside, err := runtree.Inside()
	switch {
	case err != nil:
		return 0, err
	case inside && o.intercept:
		return a.runInOuter(args, o)
	case inside:
		return 0, denied("agentsecrets run --intercept -- "+args[0], "a program inside a run is not given values")
	case o.intercept:
		return a.intercept(ctx, args, o)
	case o.token != "":
		return 0, denied("agentsecrets run --intercept -- "+args[0], "the program of an agent is not given values")
	}
	return a.spawn(ctx, args, o)
}

// runInOuter runs the program in the run that we are in already, whose project,
// environment and proxy it has and keeps.
func (a *app) runInOuter(args []string, o runOptions) (int, error) {
	if err := a.staysInProject(); err != nil {
		return 0, err
	}
	if o.origins.any() {
		return 0, o.origins.refusedInRun()
	}
	if o.audit.any() {
		return 0, denied("", "inside a run the records are the outer run's: leave --audit and --audit-sync away")
	}
	if o.metrics.any() {
		return 0, denied("", "inside a run the proxy is the outer run's: leave --metrics and --metrics-names away")
	}
	if o.token != "" {
		return 0, denied("", "inside a run its agent stays: leave --token and %s away", agentVariable)
	}
	if o.limits.any() || o.log.level != "" {
		return 0, denied("", "inside a run the proxy is the outer run's: leave --max-connections, --max-run-connections and --log-level away")
	}
	if !o.quiet {
		a.say("agentsecrets: inside a run already; the program becomes part of it")
	}
	p, err := a.program(args, a.passed(o, true))
	if err != nil {
		return 0, err
	}
	return execute(p)
}

// checkPass refuses names that would have no effect, or none that was meant.
func (o *runOptions) checkPass(program string) error {
	if len(o.pass) > 0 && !o.clearEnv {
		f := usage("--pass is for --clear-env: without it the program gets all variables")
		f.hint = "agentsecrets run --clear-env --pass NAME -- " + program
		return f
	}
	for _, name := range o.pass {
		if err := env.CheckPass(name); err != nil {
			return usage("--pass: %w", err)
		}
	}
	return nil
}

// passed is what the program gets of our own environment.
func (a *app) passed(o runOptions, inRun bool) []string {
	if !o.clearEnv {
		return a.environ
	}
	left, missing := env.Clear(a.environ, o.pass, inRun)
	for _, name := range missing {
		a.warn("--pass %s: there is no such variable", cell(name))
	}
	return left
}

// program finds what args name, to run with environ and our own streams.
func (a *app) program(args, environ []string) (child.Program, error) {
	path, err := child.Find(args[0], environ)
	return child.Program{Path: path, Args: args, Env: environ, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr}, err
}

// execute runs p to its end. started is called in between.
func execute(p child.Program, started ...func()) (int, error) {
	proc, err := child.Start(p)
	if err != nil {
		return 0, err
	}
	for _, f := range started {
		f()
	}
	if err := harden.NoCore(); err != nil { // now: the program has its own limit already
		return 0, err
	}
	return proc.Wait(), nil
}

// afterwards tells what went wrong when the program had ended. Its code stays.
func (a *app) afterwards(err error) {
	if err != nil {
		a.warn("after the program's end: %v", err)
		if hint := a.hintFor(err); hint != "" {
			a.say("hint: %s", hint)
		}
	}
}
