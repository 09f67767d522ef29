package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/audit"
)

func (a *app) proxyLogsCommand() *cobra.Command {
	f := audit.Filter{}
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show what was asked for, allowed and denied, of all runs and the proxy",
		Long: `Show what was asked for, allowed and denied, of all runs and the proxy: names, no
values. It is a table on a terminal, and one line of JSON an event in a pipe, in a
file and with --output json.`,
		Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.proxyLogs(f) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.Last, "last", 20, "how many, the latest; 0 is all")
	flags.StringVar(&f.Secret, "secret", "", "only those with this name")
	flags.StringVar(&f.Status, "status", "", "only OK, BLOCKED or ERROR")
	flags.StringVar(&f.Environment, "env", "", "only those of this environment")
	a.completeFlag(cmd, "secret", a.secretNames)
	a.completeFlag(cmd, "status", func() ([]string, error) { return []string{audit.OK, audit.Blocked, audit.Error}, nil })
	a.completeFlag(cmd, "env", a.environmentNames)
	return cmd
}

func (a *app) proxyLogs(f audit.Filter) error {
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
	events, err := audit.Read(auditDir(home), f)
	var bad *audit.BadLinesError
	if errors.As(err, &bad) {
		a.warn("%v", bad)
	} else if err != nil {
		return err
	}
	if a.output == "json" || !a.onTerminal() {
		return writeEvents(a.results(), events)
	}
	if len(events) == 0 {
		a.say(nothingIn(f))
		return nil
	}
	_, err = io.WriteString(a.results(), eventTable(a.columns(), events))
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

func eventTable(columns int, events []audit.Event) string {
	rows := make([][]string, len(events))
	for i, e := range events {
		reason := e.Reason
		if reason == "-" && e.Redactions > 0 {
			reason = fmt.Sprintf("redacted %d×", e.Redactions)
		}
		rows[i] = []string{
			e.Timestamp.Local().Format("01-02 15:04:05"), e.Status, strconv.Itoa(e.StatusCode), e.Method, e.TargetURL,
			strings.Join(e.SecretKeys, " "), strings.Join(e.Places, " "), reason, fmt.Sprintf("%d ms", e.DurationMS),
		}
	}
	return grid(columns, []string{"Time", "Status", "Code", "Method", "URL", "Secrets", "Places", "Reason", "Took"}, rows)
}
