package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

func (a *app) changesCommand() *cobra.Command {
	last := 20
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show who changed the rules and bindings, and who tried to",
		Long: `Show who changed the rules, the bindings and the password of the workspace, or tried
to: names and rules, no values. It is a table on a terminal, and one line of JSON a change
in a pipe, in a file and with --output json.`,
		Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.showChanges(last) },
	}
	cmd.Flags().IntVar(&last, "last", last, "how many, the latest; 0 is all")
	return cmd
}

func (a *app) showChanges(last int) error {
	if last < 0 {
		return usage("--last %d: it is how many to show", last)
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	path, err := policyPath(w.home, w.WorkspaceID)
	if err != nil {
		return err
	}
	changes, bad, err := allowlist.Changes(path, last)
	if err != nil {
		return err
	}
	if bad > 0 {
		a.warn("%s of the log of changes cannot be read", count(bad, "line"))
	}
	if a.output == "json" || !a.onTerminal() {
		for _, c := range changes {
			if err := a.writeLine(c); err != nil {
				return err
			}
		}
		return nil
	}
	if len(changes) == 0 {
		a.say("Nothing was changed in workspace %s yet.", w.WorkspaceName)
		return nil
	}
	rows := make([][]string, len(changes))
	for i, c := range changes {
		rows[i] = []string{c.Time.Local().Format("2006-01-02 15:04:05"), c.Who, c.Action, c.Rule, c.Outcome}
	}
	_, err = io.WriteString(a.results(), grid(a.columns(), []string{"Time", "Who", "Action", "Rule", "Outcome"}, rows))
	return err
}

// change is one by whoever runs this, now.
func change(action, rule string) allowlist.Change {
	return allowlist.Change{Time: time.Now().UTC().Truncate(time.Second), Who: userName(), Action: action, Rule: rule, Outcome: allowlist.Done}
}

func changesOf(action string, rules []allowlist.Rule) []allowlist.Change {
	var all []allowlist.Change
	for _, r := range rules {
		all = append(all, change(action, r.Text()))
	}
	return all
}

// authorizeChanges is authorize for changes that are written down also where they are refused.
func (w where) authorizeChanges(authorize func() error, changes []allowlist.Change) error {
	err := authorize()
	if err == nil || exitCode(err) != exitDenied {
		return err
	}
	return w.noteRefused(err, changes)
}

// noteRefused returns why, the refusal, also when it cannot be written down: nothing was changed.
func (w where) noteRefused(why error, changes []allowlist.Change) error {
	outcome := allowlist.Denied
	if outsideRun("") != nil {
		outcome = allowlist.RefusedInRun
	}
	for i := range changes {
		changes[i].Outcome = outcome
	}
	path, err := policyPath(w.home, w.WorkspaceID)
	if err == nil {
		err = allowlist.NoteRefused(path, changes)
	}
	if err != nil {
		return fmt.Errorf("%w (and this could not be written down: %w)", why, err)
	}
	return why
}

// bindingChange is what setting the binding of name to b is called.
func bindingChange(name string, b allowlist.Binding) allowlist.Change {
	if b.Unbound() {
		return change("clear", name)
	}
	return change("bind", b.Text(name))
}
