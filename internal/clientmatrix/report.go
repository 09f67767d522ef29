package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// What make clients holds at least: a set that shrinks is no success.
const (
	leastPairs = 153
	leastWorks = 141
)

// report is all results and what was known before.
type report struct {
	results []result
	known   map[string]string
	part    bool // of all pairs
}

func (r *report) write(out io.Writer) {
	for _, res := range r.results {
		fmt.Fprintln(out, r.line(res))
	}
	fmt.Fprintf(out, "\n%d pairs, %d work, %d known misses\n", len(r.results), r.works(), len(r.known))
}

func (r *report) line(res result) string {
	verdict := "works"
	if !res.works {
		verdict = "MISSES"
		if r.known[res.name] != "" {
			verdict = "misses"
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%-6s  %-28s %-10s HTTP/%-3s %5.1fs  %s", verdict, res.name, res.version, res.proto, res.took.Seconds(), res.reason))
}

func (r *report) works() int {
	n := 0
	for _, res := range r.results {
		if res.works {
			n++
		}
	}
	return n
}

// err is what makes the command fail: a miss that is not known, one that is known
// and works, a pair that could not be tried, and a set that has become smaller.
func (r *report) err() error {
	var errs []error
	tried := map[string]bool{}
	for _, res := range r.results {
		tried[res.name] = true
		switch reason := r.known[res.name]; {
		case strings.HasPrefix(res.reason, notInstalled):
			errs = append(errs, fmt.Errorf("%s: %s: make clients installs it", res.name, res.reason))
		case !res.works && reason == "":
			errs = append(errs, fmt.Errorf("%s does not work: %s", res.name, res.reason))
		case res.works && reason != "":
			errs = append(errs, fmt.Errorf("%s works, and is known as a miss: take it out of known.txt", res.name))
		}
	}
	if r.part {
		return errors.Join(errs...)
	}
	for name := range r.known {
		if !tried[name] {
			errs = append(errs, fmt.Errorf("known.txt names %s, which is no pair", name))
		}
	}
	if len(r.results) < leastPairs || r.works() < leastWorks {
		errs = append(errs, fmt.Errorf("%d pairs and %d that work, at least %d and %d", len(r.results), r.works(), leastPairs, leastWorks))
	}
	return errors.Join(errs...)
}

// list is the results as they are kept beside the page that shows them.
func (r *report) list() string {
	var b strings.Builder
	b.WriteString("# Written by make clients: pair | client | version | runtime | HTTP | works or misses\n")
	for _, res := range r.results {
		verdict := "works"
		if !res.works {
			verdict = "misses"
		}
		fmt.Fprintf(&b, "%s | %s | %s | %s | %s | %s\n", res.name, res.client, res.version, res.runtime, res.proto, verdict)
	}
	return b.String()
}

// Where the table stands in docs/clients.md.
const (
	tableBegins = "<!-- pairs: written by make clients -->\n"
	tableEnds   = "<!-- end of pairs -->\n"
)

// table is a list as the documentation has it, with the reasons of its misses.
func table(list string, known map[string]string) (string, error) {
	var works, misses strings.Builder
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), " | ")
		if len(cells) != 6 {
			return "", fmt.Errorf("the list has a line of %d cells: %q", len(cells), line)
		}
		name, client, version, runtime, proto := cells[0], cells[1], cells[2], cells[3], cells[4]
		if cells[5] == "works" {
			fmt.Fprintf(&works, "| %s | %s | %s | HTTP/%s |\n", client, version, runtime, proto)
			continue
		}
		if known[name] == "" {
			return "", fmt.Errorf("%s misses, and known.txt has no reason", name)
		}
		fmt.Fprintf(&misses, "| %s | %s | %s | %s |\n", client, version, runtime, known[name])
	}
	return "| works | version | runs on | speaks |\n|---|---|---|---|\n" + works.String() +
		"\n| does not work | version | runs on | why |\n|---|---|---|---|\n" + misses.String(), nil
}

// inPage puts the table into a page between its marks.
func inPage(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !ok || !ends {
		return "", errors.New("the page has no place for the pairs")
	}
	return before + tableBegins + table + tableEnds + after, nil
}
