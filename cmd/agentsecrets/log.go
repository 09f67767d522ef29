package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

func (a *app) logCommand() *cobra.Command {
	return group("log", "The audit log as files: check that nothing in it was changed, remove old ones", a.logVerifyCommand(), a.logPruneCommand())
}

func (a *app) logVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [FILE…]",
		Short: "Check that no line of the audit log was edited, put in, taken out or moved",
		Long: `Check every file of the audit log, or those named, and name the first bad line of
each. Each line is bound to those before it by a key in AGENTSECRETS_HOME; an end that
was cut off is found up to what the disk had a second before. A program that can read
the key can write a log that holds: docs/audit.md says what this proves.

Processes may go on writing meanwhile. The exit code is 1 if anything is bad.`,
		Example: `  agentsecrets log verify
  agentsecrets log verify run.jsonl`,
		ValidArgsFunction: files,
		RunE:              func(_ *cobra.Command, args []string) error { return a.verifyLog(args) },
	}
}

type verifyJSON struct {
	OK    bool            `json:"ok"`
	Files []audit.Checked `json:"files"`
}

func (a *app) verifyLog(files []string) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	key, err := auditKey(home).Read()
	if err != nil {
		return err
	}
	defer a.during("reading the log")()
	result := verifyJSON{OK: true, Files: []audit.Checked{}}
	if len(files) == 0 {
		list, err := audit.Verify(auditDir(home), key)
		if err != nil {
			return err
		}
		result.Files = append(result.Files, list...)
	}
	for _, file := range files {
		c, err := audit.VerifyFile(file, key)
		if err != nil {
			return err
		}
		result.Files = append(result.Files, c)
	}
	bad := 0
	for _, c := range result.Files {
		if c.State == audit.Bad {
			bad++
		}
	}
	result.OK = bad == 0
	if err := a.print(result, func(out io.Writer) { writeChecked(out, result.Files) }); err != nil {
		return err
	}
	if bad > 0 {
		return &failure{
			code: exitFailure, hint: "cp -a " + atomicfile.ShellWord(auditDir(home)) + " audit-copy",
			err: fmt.Errorf("%s of the audit log: %d bad", count(len(result.Files), "file"), bad),
		}
	}
	a.say("%s of the audit log, none bad.", count(len(result.Files), "file"))
	return nil
}

func writeChecked(out io.Writer, list []audit.Checked) {
	for _, c := range list {
		text := count(c.Lines, "line")
		if c.State == audit.Bad {
			text = c.Reason
		}
		fmt.Fprintf(out, "%-11s %s: %s\n", c.State, cell(filepath.Base(c.Path)), cell(text))
	}
}

func (a *app) logPruneCommand() *cobra.Command {
	age, keep := "90d", audit.MaxLogs
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove the logs of runs that ended long ago",
		Long: `Remove the logs of runs and proxies that have ended: those that are older, and of
the others all but the latest. Every run does so at its end, with the defaults. The
log of a process that runs is left, as is that of all calls, which keeps its last ten
files. What was removed is recorded. In a run this is refused.`,
		Example: "  agentsecrets log prune --older-than 30d --keep 100",
		Args:    takes(cobra.NoArgs),
		RunE:    func(*cobra.Command, []string) error { return a.pruneLogs(age, keep) },
	}
	cmd.Flags().StringVar(&age, "older-than", age, "those whose last event is older: 30d, 12h")
	cmd.Flags().IntVar(&keep, "keep", keep, "how many of the latest stay at most")
	return cmd
}

func (a *app) pruneLogs(age string, keep int) error {
	if err := outsideRun("removing audit logs"); err != nil {
		return err
	}
	older, err := parseAge(age)
	if err != nil {
		return err
	}
	if keep < 0 {
		return usage("--keep %d: it is how many stay", keep)
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	n, err := prune(home, older, keep)
	if err != nil {
		return err
	}
	a.say("%s removed.", count(n, "log"))
	return a.print(map[string]int{"pruned": n}, func(io.Writer) {})
}

// parseAge reads a duration, which may be one of days.
func parseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usage("--older-than %q: it is a time, as 30d or 12h", text)
	}
	return d, nil
}

// prune removes old logs, and records that in the log of all calls.
func prune(home string, age time.Duration, keep int) (int, error) {
	key, err := auditKey(home).Read()
	if err != nil {
		return 0, err
	}
	shared, err := (&auditFlags{}).open(home, true)
	if err != nil {
		return 0, err
	}
	n, err := audit.Prune(audit.Pruning{Dir: auditDir(home), Key: key, Age: age, Logs: keep, Now: time.Now, Record: shared.Write})
	return n, errors.Join(err, shared.Close())
}

// pruneOld is prune by the rule, for who starts or ends with other work.
func pruneOld(home string) error {
	_, err := prune(home, audit.MaxAge, audit.MaxLogs)
	return err
}
