package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/child"
	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Plain run gives values to a program, which is what it is for. This is the only
// file of the command that unwraps one.

// spawn runs a program with the values as variables.
func (a *app) spawn(ctx context.Context, args []string, o runOptions) (int, error) {
	w, err := a.where()
	if err != nil {
		return 0, err
	}
	values, kept, err := w.values(ctx)
	if err != nil {
		return 0, err
	}
	if err := fitVariables(values, args[0]); err != nil {
		return 0, err
	}
	p, err := a.program(args, withValues(a.passed(o, false), values))
	if err != nil {
		return 0, err
	}
	log, err := o.audit.open(w.home, false)
	if err != nil {
		return 0, err
	}
	defer func() { a.afterwards(errors.Join(log.Close(), pruneOld(w.home))) }()
	event := spawnEvent(w, args[0], namesOf(values))
	if err := log.Write(event); err != nil {
		return 0, err // no record, no value
	}
	if !o.quiet {
		a.say("agentsecrets: %s of %s in the environment of %s: %s",
			count(len(values), "value"), w, args[0], cell(strings.Join(namesOf(values), " ")))
		if len(kept) > 0 {
			a.say("agentsecrets: bound with no-env and not given: %s; agentsecrets run --intercept gives their placeholders", strings.Join(kept, " "))
		}
	}
	code, counts, err := runRedacted(p, values, o.rawOutput)
	a.afterwards(log.Write(ended(event, code, counts, err)))
	return code, err
}

// values are the secrets of the environment, under the names that are variables.
// kept are those whose binding says that no program is given them.
func (w where) values(ctx context.Context) (values []given, kept []string, err error) {
	s, err := w.secrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	names, err := w.names()
	if err != nil {
		return nil, nil, err
	}
	policy, err := w.policy()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if policy.Bindings[w.ProjectID][name].NoEnv {
			kept = append(kept, name)
			continue
		}
		v, err := s.store.Resolve(ctx, w.ref(name))
		if errors.Is(err, resolve.ErrNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, nil, fmt.Errorf("resolve %s: %w", name, err)
		}
		values = append(values, given{name, v})
	}
	return values, kept, nil
}

// fitVariables refuses values that no variable can hold: a NUL ends it (execve(2)).
func fitVariables(values []given, program string) error {
	var bad []string
	for _, v := range values {
		if bytes.IndexByte(v.value.Reveal(), 0) >= 0 {
			bad = append(bad, v.name)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return &failure{
		code: exitFailure, hint: "agentsecrets run --intercept -- " + atomicfile.ShellWord(program),
		err: fmt.Errorf("a NUL byte is in the value of %s, so it cannot be a variable", strings.Join(bad, ", ")),
	}
}

// withValues puts values in, in place of variables of the same names.
func withValues(environ []string, values []given) []string {
	ours := map[string]bool{}
	for _, v := range values {
		ours[v.name] = true
	}
	var all []string
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); !ours[name] {
			all = append(all, kv)
		}
	}
	for _, v := range values {
		all = append(all, v.name+"="+string(v.value.Reveal()))
	}
	return all
}

func spawnEvent(w where, program string, names []string) audit.Event {
	return audit.Event{
		ID: audit.NewID(), Timestamp: time.Now(), Event: audit.Decided, Status: audit.OK, Reason: "-",
		SecretKeys: names, AuthStyles: []string{"env"}, Places: []string{"env"}, Method: "ENV", TargetURL: program,
		RunID: audit.NewRunID(), Environment: w.Environment, WorkspaceID: w.WorkspaceID, ProjectID: w.ProjectID,
		IdentityLevel: "anonymous", ResolutionPath: "local", CallerRole: "-",
	}
}

func ended(e audit.Event, code int, counts redact.Counts, err error) audit.Event {
	e.DurationMS = time.Since(e.Timestamp).Milliseconds()
	e.Timestamp, e.Event = time.Now(), audit.Done
	e.StatusCode = code
	e.Covered(counts)
	if err != nil {
		e.Status = audit.Error
	}
	return e
}

// runRedacted runs p. What it writes to pipes and files has the values taken out,
// as a guard against accidents; a terminal is between it and the person.
func runRedacted(p child.Program, values []given, raw bool) (int, redact.Counts, error) {
	counts := redact.Counts{}
	if raw || len(values) == 0 {
		code, err := execute(p)
		return code, counts, err
	}
	if err := proveRedaction(); err != nil {
		return 0, counts, err
	}
	set := redact.NewSet()
	all := make([]resolve.Value, len(values))
	for i, v := range values {
		all[i] = v.value
	}
	if err := set.Add(all...); err != nil {
		return 0, counts, &failure{code: exitOurs, err: fmt.Errorf("too_many_values: %w in the program's output", err), hint: "agentsecrets run --intercept -- " + atomicfile.ShellWord(p.Path)}
	}
	out, err := filterOutput(&p, set)
	if err != nil {
		return 0, counts, err
	}
	code, err := execute(p, out.started)
	return code, out.finish(), err
}
