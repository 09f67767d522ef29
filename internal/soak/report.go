package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one thing that was measured. Without a bound it is a figure and no more.
type row struct {
	what, measured, bound string
	part                  string // that repeats it
	broken                bool
}

// note adds a figure; hold one that has to hold.
func (k *soak) note(part, what, measured string) {
	k.rows = append(k.rows, row{what: what, measured: measured, bound: "-", part: part})
}

func (k *soak) hold(part, what, measured, bound string, holds bool) {
	k.rows = append(k.rows, row{what, measured, bound, part, !holds})
}

func (r row) verdict() string {
	switch {
	case r.broken:
		return "BROKEN"
	case r.bound == "-":
		return "-"
	}
	return "held"
}

func broken(rows []row) error {
	var all []string
	for _, r := range rows {
		if r.broken {
			all = append(all, r.what+": "+r.measured)
		}
	}
	if all == nil {
		return nil
	}
	return fmt.Errorf("%d bounds are broken: %s", len(all), strings.Join(all, "; "))
}

// table is Markdown as well.
func table(s sizes, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s/%s, %d cores, %s.\n\n", time.Now().UTC().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprint(w, "| What\t| Measured\t| Bound\t| Verdict\t| Again\t|\n| ---\t| ---\t| ---\t| ---\t| ---\t|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t| `-only %s`\t|\n", r.what, r.measured, r.bound, r.verdict(), r.part)
	}
	w.Flush()
	fmt.Fprintf(&b, "\nAgain: %s\n", s.command())
	return b.String()
}

// command repeats the run.
func (s sizes) command() string {
	if s == usual() {
		return "make soak"
	}
	args := []string{"make build && go run ./internal/soak", "-body", fmt.Sprint(s.body), "-idle", strconv.Itoa(s.idle),
		"-streams", strconv.Itoa(s.streams), "-events", strconv.Itoa(s.events), "-gap", s.gap.String()}
	if s.only != "" {
		args = append(args, "-only", s.only)
	}
	if s.renews {
		args = append(args, "-renew")
	}
	if s.binary != usualBinary {
		args = append(args, "-binary", s.binary)
	}
	return strings.Join(args, " ")
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func kib(n int64) string { return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10)) }

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1e3) }
