package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// chosen returns those of faults that are to be tried.
func (o options) chosen(faults []fault) ([]fault, error) {
	part, parts, err := parseShard(o.shard)
	if err != nil {
		return nil, err
	}
	done, err := readDone(o.done)
	if err != nil {
		return nil, err
	}
	faults = slices.DeleteFunc(faults, func(f fault) bool { return !strings.Contains(f.name, o.only) })
	if len(faults) == 0 {
		return nil, fmt.Errorf("no fault is named like %q", o.only)
	}
	var mine []fault
	for i, f := range faults {
		if i%parts == part-1 && !done[f.name] {
			mine = append(mine, f)
		}
	}
	return mine, nil
}

// parseShard reads K/N.
func parseShard(s string) (part, parts int, err error) {
	k, n, _ := strings.Cut(s, "/")
	part, err = strconv.Atoi(k)
	if err == nil {
		parts, err = strconv.Atoi(n)
	}
	if err != nil || part < 1 || part > parts {
		return 0, 0, fmt.Errorf("-shard %q is not K/N, such as 1/4 to 4/4", s)
	}
	return part, parts, nil
}

// readDone returns the names of the faults that were caught according to a
// file, or none for "".
func readDone(path string) (map[string]bool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read what was done: %w", err)
	}
	done := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, caught.String()+"  "); ok {
			name, _, _ := strings.Cut(rest, "  ")
			done[name] = true
		}
	}
	return done, nil
}

// newestFirst sorts faults by when their files were changed last, according to
// git: a run that is cut short has tried the newest work. What git does not know
// is newest.
func newestFirst(ctx context.Context, faults []fault) error {
	out, err := exec.CommandContext(ctx, "git", "log", "--format=", "--name-only").Output()
	if err != nil {
		return fmt.Errorf("ask git what was changed last: %w", err)
	}
	age := map[string]int{}
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); age[name] == 0 {
			age[name] = len(age) + 1
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(age[a.file], age[b.file]) })
	return nil
}
