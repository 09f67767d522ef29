package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/daemon"
)

func (a *app) proxyEnvCommand() *cobra.Command {
	shell, leave, token := "", false, ""
	cmd := &cobra.Command{
		Use:   "env",
		Short: `Print what leads a shell through the proxy: eval "$(agentsecrets proxy env)"`,
		Long: `Print what leads a shell through the proxy, for the shell to take:

  eval "$(agentsecrets proxy env)"                                     sh, bash, zsh
  agentsecrets proxy env | source                                      fish
  agentsecrets proxy env | Out-String | Invoke-Expression              PowerShell

With a token of an agent the shell's programs have that agent's limits. And, with --unset, what leads it past the proxy again, whether that runs or not:

  eval "$(agentsecrets proxy env --unset)"

For which shell is told by what started this program, or by --shell. Two more write a
file, with the proxy's credential in it:

  (umask 077; agentsecrets proxy env --shell docker >FILE)             docker run --env-file FILE
  (umask 077; agentsecrets proxy env --shell systemd >FILE)            EnvironmentFile=FILE of a unit`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if token, err = a.agentToken(cmd); err != nil {
				return err
			}
			return a.proxyEnv(cmd.Context(), shell, leave, token)
		},
	}
	agentFlag(cmd)
	cmd.Flags().StringVar(&shell, "shell", shell, strings.Join(shellNames(), ", ")+" (default: the one that asks)")
	cmd.Flags().BoolVar(&leave, "unset", false, "print what undoes it")
	a.completeFlag(cmd, "shell", func() ([]string, error) { return shellNames(), nil })
	return cmd
}

func (a *app) proxyEnv(ctx context.Context, shell string, leave bool, token string) error {
	if shell == "" {
		shell = detectShell()
	}
	lines, ok := shellSyntax(shell)
	if !ok {
		return usage("--shell is one of %s, not %q", strings.Join(shellNames(), ", "), shell)
	}
	if lines.file() && leave {
		return usage("--unset is for shells: what --shell %s writes is a file that is not used again", shell)
	}
	if err := outsideRun("the proxy's credential"); err != nil {
		return err
	}
	if leave {
		set, unset, err := a.pastDaemon()
		if err != nil {
			return err
		}
		return a.printVars(lines, set, unset)
	}
	environ := a.environ
	if lines.file() {
		environ = nil
	}
	set, unset, dir, err := a.throughDaemon(ctx, environ, token)
	if err != nil {
		return err
	}
	if err := a.printVars(lines, set, unset); err != nil {
		return err
	}
	if lines.after != "" {
		a.say("%s", strings.ReplaceAll(lines.after, "DIR", atomicfile.ShellWord(dir)))
	}
	return nil
}

func (a *app) printVars(lines syntax, set map[string]string, unset []string) error {
	if a.output == "json" {
		return a.print(map[string]any{"set": set, "unset": orEmpty(unset)}, nil)
	}
	return lines.write(a.results(), set, unset)
}

// throughDaemon leads who has environ through the running proxy. What the
// variables name lies in dir.
func (a *app) throughDaemon(ctx context.Context, environ []string, token string) (set map[string]string, unset []string, dir string, err error) {
	w, err := a.where()
	if err != nil {
		return nil, nil, "", err
	}
	access, err := a.access(ctx, w, token)
	if err != nil {
		return nil, nil, "", err
	}
	return a.daemonVars(w, access.URL, environ)
}

// pastDaemon unsets all that throughDaemon may have set, but for what the shell
// has from elsewhere: NODE_OPTIONS keeps its other options.
func (a *app) pastDaemon() (set map[string]string, unset []string, err error) {
	home, err := a.home()
	if err != nil {
		return nil, nil, err
	}
	rest := env.Without(a.environ, shellDir(home))
	set, unset = difference(a.environ, rest)
	had := asMap(a.environ)
	for _, name := range env.SetVars() {
		if _, has := had[name]; !has {
			unset = append(unset, name)
		}
	}
	slices.Sort(unset)
	return set, unset, nil
}

// access is the way through the running daemon for the project that w is.
func (a *app) access(ctx context.Context, w where, token string) (daemon.Access, error) {
	q, err := a.query()
	if err != nil {
		return daemon.Access{}, err
	}
	if st, err := askDaemon(ctx, w.home); err == nil {
		if err := ownPort(st); err != nil {
			return daemon.Access{}, err
		}
	}
	access, err := openDaemon(ctx, w.home, daemon.Wanted{Dir: q.Dir, Workspace: q.Workspace, Project: q.Project, Environment: q.Environment, Token: token})
	var refused *daemon.RefusedError
	switch {
	case errors.As(err, &refused):
		return access, denied("", "%w", err)
	case errors.Is(err, daemon.ErrNotRunning):
		return access, notRunning(w.home, err, startHint)
	case err != nil:
		return access, &failure{code: exitUnreachable, err: err, hint: "agentsecrets proxy status"}
	case token != "" && access.Agent == "":
		return access, &failure{code: exitFailure, err: errors.New("the proxy that runs knows no agents: it is of an earlier version"), hint: "agentsecrets proxy stop"}
	case access.ProjectID != w.ProjectID:
		return access, &failure{code: exitFailure, err: errors.New("the project file has changed just now; try again")}
	}
	return access, nil
}

// daemonVars is what a program of a run would get, less the placeholders, as a
// change to environ.
func (a *app) daemonVars(w where, proxyURL string, environ []string) (set map[string]string, unset []string, dir string, err error) {
	authority, err := ca.Open(caDir(w.home), ca.Config{})
	if err != nil {
		return nil, nil, "", err
	}
	before := env.Without(environ, shellDir(w.home))
	if dir, err = rootsDir(w.home, before); err != nil {
		return nil, nil, "", err
	}
	after, notices, err := env.Child{
		Environ: before, ProxyURL: proxyURL, CA: authority.Trusted(), Bundle: authority.Bundle, Dir: dir, Shell: true, PeersTold: runtime.GOOS == "linux",
	}.Vars()
	if err != nil {
		return nil, nil, "", fmt.Errorf("prepare the shell's environment: %w", err)
	}
	for _, n := range notices {
		a.warn("%s", n)
	}
	set, unset = difference(environ, after)
	return set, unset, dir, nil
}

// shellDir holds the files that the variables of shells name. They outlive the
// proxy: without them a shell's programs would not start, whereas with them they
// start and find that nothing answers.
func shellDir(home string) string { return filepath.Join(home, "shell") }

// rootsDir is one place for all shells that trusted the same roots before: those
// are merged with ours.
func rootsDir(home string, environ []string) (string, error) {
	if err := atomicfile.MkdirPrivate(shellDir(home)); err != nil {
		return "", err
	}
	before := asMap(environ)
	h := sha256.New()
	for _, name := range env.ReadVars() {
		fmt.Fprintf(h, "%q\n", before[name])
	}
	return filepath.Join(shellDir(home), hex.EncodeToString(h.Sum(nil)[:8])), nil
}

func caDir(home string) string { return filepath.Join(home, "ca") }

// difference says what makes after of before.
func difference(before, after []string) (set map[string]string, unset []string) {
	old, now := asMap(before), asMap(after)
	set = map[string]string{}
	for name, value := range now {
		if was, ok := old[name]; !ok || was != value {
			set[name] = value
		}
	}
	for name := range old {
		if _, ok := now[name]; !ok {
			unset = append(unset, name)
		}
	}
	slices.Sort(unset)
	return set, unset
}

func asMap(environ []string) map[string]string {
	m := map[string]string{}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			m[name] = value
		}
	}
	return m
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
