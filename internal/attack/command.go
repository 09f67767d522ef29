//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
)

// commandRow is a command that an attacker types: a client inside the run, or an
// agent outside of it that does not know the password.
type commandRow struct {
	name, want string
	may        string
	inside     bool
	args       []string // the first is agentsecrets unless it begins with !
	env        []string
	stdin      string
	dir        string
	lead       []string           // what the name server says; "" for the impostor
	prepare    func(*world) error // before it
	check      func(*world, answer) string
	says       string // part of what the command has to say: it failed for the right reason
}

// fill puts what only a world knows into a text.
func (w *world) fill(s string) string {
	for name, value := range map[string]string{
		"$DIR": w.dir, "$SELF": w.binary, "$PORT": fmt.Sprint(w.origin(evil).port()), "$PARENT": w.origin(parent).addr.String(),
		"$NEAR": w.nearby(), "$DAEMON": w.daemon.addr, "$CREDENTIAL": w.daemon.credential, "$API": fmt.Sprint(w.origin(api).port()),
	} {
		s = strings.ReplaceAll(s, name, value)
	}
	return s
}

func (w *world) fillAll(list []string) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = w.fill(s)
	}
	return all
}

// order is the row as a command.
func (row commandRow) order(w *world) order {
	args := w.fillAll(row.args)
	if plain, ok := strings.CutPrefix(args[0], "!"); ok {
		args[0] = plain
	} else {
		args = append([]string{w.binary}, args...)
	}
	return order{Args: args, Env: w.fillAll(row.env), Dir: w.fill(or(row.dir, "$DIR/project")), Stdin: row.stdin}
}

func (row commandRow) probe() probe {
	where := "outside, without the password"
	if row.inside {
		where = "in the run"
	}
	tried := strings.TrimSpace(strings.Join(append(append([]string{}, row.env...), row.args...), " "))
	return probe{
		name: row.name, want: row.want, may: row.may, tried: where + ": " + shorten(strings.ReplaceAll(tried, "\n", "⏎")),
		do: func(ctx context.Context, w *world) (answer, error) { return row.try(ctx, w) },
	}
}

func (row commandRow) try(ctx context.Context, w *world) (answer, error) {
	if row.prepare != nil {
		if err := row.prepare(w); err != nil {
			return answer{}, fmt.Errorf("prepare: %w", err)
		}
	}
	if w.names != nil {
		w.names.lead(append(row.lead, impostorAddr)[0:max(1, len(row.lead))]...)
	}
	var r result
	var err error
	if row.inside {
		r, err = w.run.order(row.order(w))
	} else {
		r = carryOut(ctx, row.order(w), w.environ)
	}
	if err != nil {
		return answer{}, err
	}
	a := r.answer()
	if !bytes.Contains(a.text, []byte(row.says)) {
		a.outcome, a.said = "broke", "does not say "+row.says+": "+a.said
	}
	if row.check != nil {
		if fault := row.check(w, a); fault != "" {
			a.outcome, a.said = "broke", fault
		}
	}
	return a, nil
}

func commandProbes(rows []commandRow) []probe {
	var all []probe
	for _, row := range rows {
		all = append(all, row.probe())
	}
	return all
}

// absent is a check that a file was not made.
func absent(path string) func(*world, answer) string {
	return func(w *world, _ answer) string {
		if _, err := os.Lstat(w.fill(path)); err == nil {
			return "made " + path
		}
		return ""
	}
}
