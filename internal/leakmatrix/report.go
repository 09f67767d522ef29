package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/grid"
)

// report is what came of a run.
type report struct {
	seed     uint64
	results  []result
	excluded map[string]int // by reason
	shown    int            // leaks and broken cells to list, at most
}

// tally counts the cells that must hold.
type tally struct{ cells, held int }

func (r *report) leaks() (list []result) {
	return r.those(func(x result) bool { return x.known == "" && x.leak != "" })
}

func (r *report) broken() (list []result) {
	return r.those(func(x result) bool { return x.broken != "" })
}

// failed are those that count and did not hold.
func (r *report) failed() []result {
	return r.those(func(x result) bool { return x.known == "" && (x.leak != "" || x.broken != "") })
}

func (r *report) counted() []result { return r.those(func(x result) bool { return x.known == "" }) }

func (r *report) residual() []result { return r.those(func(x result) bool { return x.known != "" }) }

func (r *report) those(keep func(result) bool) (list []result) {
	for _, x := range r.results {
		if keep(x) {
			list = append(list, x)
		}
	}
	return list
}

// stale are entries of the residual list that no cell bears out any more.
func (r *report) stale() (names []string) {
	comes, ran := map[string]bool{}, map[string]bool{}
	for _, x := range r.residual() {
		ran[x.known] = true
		comes[x.known] = comes[x.known] || x.leak != ""
	}
	for _, name := range residuals() {
		if ran[name] && !comes[name] {
			names = append(names, name)
		}
	}
	return names
}

// err is why the run failed, nil if it did not.
func (r *report) err() error {
	var errs []error
	for _, f := range []struct {
		n    int
		what string
	}{
		{len(r.leaks()), "cells leak"}, {len(r.broken()), "cells are broken"},
	} {
		if f.n > 0 {
			errs = append(errs, fmt.Errorf("%d %s", f.n, f.what))
		}
	}
	if stale := r.stale(); len(stale) > 0 {
		errs = append(errs, fmt.Errorf("what is published as not found is found: %s", strings.Join(stale, ", ")))
	}
	if len(r.counted()) == 0 {
		errs = append(errs, errors.New("no cell ran that counts"))
	}
	return errors.Join(errs...)
}

func (r *report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d cells ran, %d of them count, %d are on the residual list\n\n", r.seed, len(r.results), len(r.counted()), len(r.residual()))
	r.table(&b)
	r.writeResidual(&b)
	r.writeExcluded(&b)
	r.list(&b, "leaks", r.leaks(), func(x result) string { return x.leak })
	r.list(&b, "is broken", r.broken(), func(x result) string { return x.broken })
	_, err := io.WriteString(w, b.String())
	return err
}

// table has encoders and places, and how many cells of each held.
func (r *report) table(b *strings.Builder) {
	counts := map[[2]string]tally{}
	var encoders, columns []string
	for _, p := range places() {
		columns = append(columns, p.name)
	}
	columns = append(columns, "all")
	for _, x := range r.counted() {
		if !slices.Contains(encoders, x.encoded.name) {
			encoders = append(encoders, x.encoded.name)
		}
		for _, at := range [][2]string{{x.encoded.name, x.place.name}, {x.encoded.name, "all"}, {"all", x.place.name}, {"all", "all"}} {
			t := counts[at]
			t.cells++
			if x.leak == "" && x.broken == "" {
				t.held++
			}
			counts[at] = t
		}
	}
	rows := [][]string{append([]string{"held of cells"}, columns...)}
	for _, e := range append(encoders, "all") {
		row := []string{strings.ReplaceAll(e, "|", `\|`)}
		for _, column := range columns {
			row = append(row, counts[[2]string{e, column}].String())
		}
		rows = append(rows, row)
	}
	grid.Write(b, rows)
}

func (t tally) String() string {
	switch {
	case t.cells == 0:
		return ""
	case t.cells == t.held:
		return fmt.Sprint(t.cells)
	}
	return fmt.Sprintf("%d of %d", t.held, t.cells)
}

func (r *report) writeResidual(b *strings.Builder) {
	comes, all := map[string]int{}, map[string]int{}
	for _, x := range r.residual() {
		all[x.known]++
		if x.leak != "" {
			comes[x.known]++
		}
	}
	if len(all) == 0 {
		return
	}
	rows := [][]string{{"on the residual list", "cells", "come back"}}
	for _, name := range residuals() {
		if all[name] > 0 {
			rows = append(rows, []string{name, fmt.Sprint(all[name]), fmt.Sprint(comes[name])})
		}
	}
	b.WriteString("\n")
	grid.Write(b, rows)
}

func (r *report) writeExcluded(b *strings.Builder) {
	rows := [][]string{{"not run, because", "cells"}}
	for _, why := range slices.SortedFunc(maps.Keys(r.excluded), func(a, b string) int {
		return cmp.Or(r.excluded[b]-r.excluded[a], cmp.Compare(a, b))
	}) {
		rows = append(rows, []string{why, fmt.Sprint(r.excluded[why])})
	}
	b.WriteString("\n")
	grid.Write(b, rows)
}

// list says of each what repeats it alone.
func (r *report) list(b *strings.Builder, what string, list []result, why func(result) string) {
	for i, x := range list {
		if i == r.shown {
			fmt.Fprintf(b, "and %d more\n", len(list)-i)
			break
		}
		fmt.Fprintf(b, "\n%s %s: %s\n\t-seed %d -only '%s'\n", x.name(), what, why(x), r.seed, x.name())
	}
}
