//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// print writes one verdict: area, probe, what was tried, verdict, what was seen.
func (v verdict) print(out io.Writer) error {
	word := "held"
	if len(v.faults) > 0 {
		word = "BROKEN"
	}
	tried := v.tried
	if tried == v.name {
		tried = ""
	}
	line := []string{fmt.Sprintf("%-9s", v.area), v.name, tried, word, v.seen}
	if _, err := fmt.Fprintln(out, strings.Join(slices.DeleteFunc(line, func(s string) bool { return s == "" }), " | ")); err != nil {
		return err
	}
	for _, f := range v.faults {
		if _, err := fmt.Fprintln(out, "          !! "+f); err != nil {
			return err
		}
	}
	return nil
}

// tally counts.
type tally struct{ held, broken int }

func (t *tally) add(v verdict) {
	if len(v.faults) > 0 {
		t.broken++
	} else {
		t.held++
	}
}

// run sets up a world, makes every attempt, and fails if one succeeded.
func run(ctx context.Context, o options, out io.Writer) error {
	w, err := newWorld(o)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.setUp(ctx); err != nil {
		return err
	}
	var t tally
	for _, a := range areas() {
		if !slices.Contains(o.only, a.name) {
			continue
		}
		if err := w.attack(ctx, a, out, &t); err != nil {
			return err
		}
	}
	if o.list {
		return nil
	}
	last := w.sweep()
	t.add(last)
	if err := last.print(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d held, %d broken\n", t.held, t.broken)
	if t.broken > 0 {
		return fmt.Errorf("%d probes broke what we promise", t.broken)
	}
	return nil
}

func (w *world) attack(ctx context.Context, a area, out io.Writer, t *tally) error {
	for _, p := range a.probes(w) {
		if w.options.list {
			fmt.Fprintf(out, "%-9s | %s | %s\n", a.name, p.name, p.tried)
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		v := p.judge(ctx, a.name, w)
		t.add(v)
		if err := v.print(out); err != nil {
			return err
		}
	}
	return nil
}

// sweep looks once more, at everything that there was: what came late would be
// missed by the probe that caused it.
func (w *world) sweep() verdict {
	v := verdict{area: "sweep", name: "all records, standard error and files, once more"}
	allowed := map[string]bool{api: true, two: true, odd: true, gpt: true, genuine: true}
	for _, o := range w.origins {
		if forms, _, _ := w.since(mark{}, o); forms != nil && !allowed[o.host] {
			v.faults = append(v.faults, o.host+" got the value")
		}
	}
	v.faults = append(v.faults, w.leaks(w.mark(), "", nil)...)
	v.seen = fmt.Sprintf("%d origins", len(w.origins))
	return v
}
