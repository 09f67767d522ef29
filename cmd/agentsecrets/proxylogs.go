package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/audit"
)

func (a *app) proxyLogsCommand() *cobra.Command {
	f, follow := audit.Filter{}, false
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show what was asked for, allowed and denied, of all runs and the proxy",
		Long: `Show what was asked for, allowed and denied, of all runs, calls and the proxy: names,
no values. It is a table on a terminal, and one line of JSON an exchange in a pipe, in a
file and with --output json. With --follow, exchanges are shown when they have ended,
until Ctrl-C.`,
		Example: `  agentsecrets proxy logs --last 5
  agentsecrets proxy logs --status BLOCKED --secret STRIPE_KEY
  agentsecrets proxy logs --follow`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.proxyLogs(cmd.Context(), f, follow) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.Last, "last", 20, "how many, the latest; 0 is all")
	flags.StringVar(&f.Secret, "secret", "", "only those with this name")
	flags.StringVar(&f.Status, "status", "", "only OK, BLOCKED or ERROR")
	flags.StringVar(&f.Environment, "env", "", "only those of this environment")
	flags.BoolVar(&follow, "follow", false, "go on with those that end from now on")
	a.completeFlag(cmd, "secret", a.secretNames)
	a.completeFlag(cmd, "status", func() ([]string, error) { return []string{audit.OK, audit.Blocked, audit.Error}, nil })
	a.completeFlag(cmd, "env", a.environmentNames)
	return cmd
}

func (a *app) proxyLogs(ctx context.Context, f audit.Filter, follow bool) error {
	f.Status = strings.ToUpper(f.Status)
	switch f.Status {
	case "", audit.OK, audit.Blocked, audit.Error:
	default:
		return usage("--status is OK, BLOCKED or ERROR, not %q", f.Status)
	}
	if f.Last < 0 {
		return usage("--last %d: it is how many to show", f.Last)
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	asJSON := a.output == "json" || !a.onTerminal()
	if follow {
		return a.followLogs(ctx, auditDir(home), f, asJSON)
	}
	events, err := audit.Read(auditDir(home), f)
	var bad *audit.BadLinesError
	if errors.As(err, &bad) {
		a.warn("%v", bad)
	} else if err != nil {
		return err
	}
	if asJSON {
		return writeEvents(a.results(), events)
	}
	if len(events) == 0 {
		a.say("%s", nothingIn(f))
		return nil
	}
	_, err = io.WriteString(a.results(), eventTable(events, a.width()))
	if err == nil {
		a.say("Why the last one came out so: agentsecrets explain %s", events[len(events)-1].ID)
	}
	return err
}

// nothingIn tells a filter that nothing passed from a log with nothing in it.
func nothingIn(f audit.Filter) string {
	if f.Secret+f.Status+f.Environment != "" {
		return "Nothing in the log matches: agentsecrets proxy logs shows what there is."
	}
	return "Nothing was asked for yet."
}

// followLogs ends well with Ctrl-C: that is how one stops looking. No table goes
// on for ever, so that on a terminal each row has columns of fixed widths.
func (a *app) followLogs(ctx context.Context, dir string, f audit.Filter, asJSON bool) error {
	if !asJSON {
		if _, err := io.WriteString(a.results(), eventLine(eventHeader(), a.width())); err != nil {
			return err
		}
	}
	return audit.Follow(ctx, dir, f, func(events []audit.Event, bad *audit.BadLinesError) error {
		if bad != nil {
			a.warn("%v", bad)
		}
		if asJSON {
			return writeEvents(a.results(), events)
		}
		for _, e := range events {
			if _, err := io.WriteString(a.results(), eventLine(eventRow(e), a.width())); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeEvents writes one object a line.
func writeEvents(out io.Writer, events []audit.Event) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("write the log: %w", err)
		}
	}
	return nil
}

func eventHeader() []string {
	return []string{"Time", "Status", "Code", "Method", "URL", "Secrets", "Places", "Reason", "Took"}
}

func eventRow(e audit.Event) []string {
	reason := e.Reason
	if reason == "-" && e.Redactions > 0 {
		reason = fmt.Sprintf("redacted %d×", e.Redactions)
	}
	return []string{
		e.Timestamp.Local().Format("01-02 15:04:05"), e.Status, strconv.Itoa(e.StatusCode), e.Method, e.TargetURL,
		strings.Join(e.SecretKeys, " "), strings.Join(e.Places, " "), reason, fmt.Sprintf("%d ms", e.DurationMS),
	}
}

// eventTable is a table where the screen has room for it.
func eventTable(events []audit.Event, width int) string {
	rows := make([][]string, len(events))
	for i, e := range events {
		rows[i] = eventRow(e)
	}
	drawn := grid(0, eventHeader(), rows)
	if lipgloss.Width(drawn) <= width {
		return drawn
	}
	lines := eventLine(eventHeader(), width)
	for _, row := range rows {
		lines += eventLine(row, width)
	}
	return lines
}

// column is how a field of a row is drawn on a line. share is of the room that
// the others leave, in percent.
type column struct{ field, width, share int }

// columnsOf leaves places and duration out where there is little room.
func columnsOf(width int) []column {
	if width < 110 {
		return []column{{0, 14, 0}, {1, 7, 0}, {2, 4, 0}, {3, 7, 0}, {4, 0, 50}, {5, 0, 25}, {7, 0, 25}}
	}
	return []column{{0, 14, 0}, {1, 7, 0}, {2, 4, 0}, {3, 7, 0}, {4, 0, 40}, {5, 0, 20}, {6, 0, 20}, {7, 0, 20}, {8, 9, 0}}
}

// eventLine is a row whose columns are as wide in every row.
func eventLine(row []string, width int) string {
	all := columnsOf(width)
	rest := width - len(all) + 1
	for _, c := range all {
		rest -= c.width
	}
	var b strings.Builder
	for _, c := range all {
		room := c.width + max(rest, 0)*c.share/100
		text := ansi.Truncate(cell(row[c.field]), room, "…")
		b.WriteString(text + strings.Repeat(" ", max(room-lipgloss.Width(text), 0)+1))
	}
	return strings.TrimRight(ansi.Truncate(b.String(), width, ""), " ") + "\n"
}
