package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
)

func (a *app) explainCommand() *cobra.Command {
	file, last := "", false
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell why an exchange was refused, not expanded, or redacted",
		Long: `Tell in words what was asked in an exchange, which rules and bindings decided, what
came of it, and the command that would change that. ID is what the response field
AgentSecrets-Exchange says, "exchange" in a refusal, and "id" in proxy logs; --last is
the latest that is recorded.`,
		Example: `  agentsecrets explain --last
  agentsecrets explain "$(agentsecrets proxy logs --status BLOCKED --last 1 --output json | sed 's/^{"id":"\([^"]*\)".*/\1/')"`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case !last:
				if err := takes(cobra.ExactArgs(1))(cmd, args); err == nil || len(args) > 0 {
					return err
				}
				return &failure{code: exitUsage, usage: true, err: wrongCount(cmd, args), hint: "agentsecrets explain --last"}
			case len(args) > 0:
				return usage("--last is the latest exchange: leave ID away")
			case file != "":
				return usage("--last is the latest under AGENTSECRETS_HOME: leave --audit away")
			}
			return nil
		},
		ValidArgsFunction: a.completeID(func() ([]described, error) {
			if last || file != "" {
				return nil, nil
			}
			return a.exchangeIDs()
		}),
		RunE: func(_ *cobra.Command, args []string) error {
			if last {
				return a.explainLast()
			}
			return a.explain(args[0], file)
		},
	}
	cmd.Flags().StringVar(&file, "audit", "", "look in this file, and not under AGENTSECRETS_HOME")
	cmd.Flags().BoolVar(&last, "last", false, "the latest exchange, in place of ID")
	return cmd
}

func (a *app) explainLast() error {
	home, err := a.home()
	if err != nil {
		return err
	}
	events, err := audit.Read(auditDir(home), audit.Filter{Last: 1})
	if bad := (*audit.BadLinesError)(nil); err != nil && !errors.As(err, &bad) {
		return err
	}
	if len(events) == 0 {
		return &failure{code: exitFailure, hint: interceptHint + " -- CMD", err: errors.New("nothing is recorded yet")}
	}
	return a.explain(events[0].ID, "")
}

// How an exchange came out, as JSON names it.
const (
	outcomeExpanded = "expanded"
	outcomeText     = "not_expanded"
	outcomeRefused  = "refused"
	outcomeFailed   = "failed"
	outcomeOpen     = "unfinished"
	outcomePassed   = "passed" // without a placeholder
	outcomeOther    = "other"  // no exchange with a host
	outcomeClient   = "client" // what a client did that came to no exchange
)

// explanationJSON is an exchange in words.
type explanationJSON struct {
	ID       string      `json:"id"`
	Outcome  string      `json:"outcome"`
	Redacted bool        `json:"redacted"`
	Asked    string      `json:"asked"`
	Decided  string      `json:"decided"`
	Result   string      `json:"result"`
	Text     string      `json:"as_text,omitempty"`
	Echoes   string      `json:"echoes,omitempty"`
	Hints    []string    `json:"hints"`
	Event    audit.Event `json:"event"`
}

func (a *app) explain(id, file string) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	if file == "" {
		file = auditDir(home)
	}
	events, err := audit.Find(file, id)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return &failure{
			code: exitFailure, hint: "agentsecrets proxy logs",
			err: fmt.Errorf("no exchange %q is recorded: those without a placeholder, a refusal, a failure or an echo are not, and old records are removed", cell(id)),
		}
	}
	x := explained(events, a.bindHints(home))
	return a.print(x, func(out io.Writer) { x.write(out) })
}

// bindHints gives the command that would make a mention count, by the policy as
// it is now.
func (a *app) bindHints(home string) func(audit.Event, string, string) string {
	return func(e audit.Event, name, place string) string {
		var list *allowlist.List
		if path, err := policyPath(home, e.WorkspaceID); err == nil {
			if policy, err := allowlist.LoadPolicy(path); err == nil {
				list = policy.List(e.ProjectID)
			}
		}
		return list.PlaceHint(allowlist.Use{Name: name, Host: e.Domain, Port: 443, Method: e.Method, Place: place})
	}
}

func explained(events []audit.Event, bindHint func(audit.Event, string, string) string) explanationJSON {
	e, decided := events[len(events)-1], false
	for _, other := range events {
		decided = decided || other.Event == audit.Decided
		if other.Event == audit.Done {
			e = other
		}
	}
	x := explanationJSON{ID: e.ID, Redacted: e.Redacted, Event: e, Hints: []string{}, Asked: asked(e), Decided: decidedBy(e)}
	x.Outcome, x.Result = result(e, decided)
	if e.Hint != "" {
		x.Hints = append(x.Hints, e.Hint)
	}
	x.Hints = append(x.Hints, fixes(e)...)
	x.mentions(e, bindHint)
	if e.Redacted {
		x.Echoes = fmt.Sprintf("a value that had been released came back %d×, in the form %s, and was taken out: no command switches that off",
			e.Redactions, byForm(e))
	}
	return x
}

// byForm says how many echoes there were in each form; earlier records tell the forms alone.
func byForm(e audit.Event) string {
	if len(e.RedactedForms) == 1 || len(e.RedactedCounts) != len(e.RedactedForms) {
		return strings.Join(e.RedactedForms, ", ")
	}
	var all []string
	for i, form := range e.RedactedForms {
		all = append(all, fmt.Sprintf("%s (%d×)", form, e.RedactedCounts[i]))
	}
	return strings.Join(all, ", ")
}

func (x *explanationJSON) mentions(e audit.Event, bindHint func(audit.Event, string, string) string) {
	if len(e.Mentions) == 0 {
		return
	}
	var texts []string
	for _, m := range e.Mentions {
		name, place, ok := strings.Cut(m, " ")
		if !ok || strings.HasPrefix(m, "+") {
			texts = append(texts, m) // "+5 more"
			continue
		}
		texts = append(texts, name+" in "+place)
		if hint := bindHint(e, name, place); !slices.Contains(x.Hints, hint) {
			x.Hints = append(x.Hints, hint)
		}
	}
	x.Text = strings.Join(texts, ", ") + " passed as it stood, as text: no binding asks for a value there"
}

func asked(e audit.Event) string {
	switch {
	case e.Method == "ENV":
		return "to run " + e.TargetURL + " with values in its environment: " + namesOrNone(e.SecretKeys)
	case e.Method == "PRUNE":
		return "to remove old logs"
	case meaning(e) != "":
		return nothingAsked(e)
	case len(e.SecretKeys) == 0:
		return e.Method + " " + e.TargetURL
	}
	return fmt.Sprintf("%s %s with %s in %s", e.Method, e.TargetURL, namesOrNone(e.SecretKeys), namesOrNone(e.Places))
}

func namesOrNone(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.Join(texts, ", ")
}

func decidedBy(e audit.Event) string {
	switch {
	case e.Method == "ENV" || e.Method == "PRUNE":
		return "by whoever gave the command"
	case meaning(e) != "":
		return "by the client itself; no value was in it"
	case len(e.SecretKeys) == 0:
		return "no rule was asked: no value was"
	case len(e.Rules) == 0:
		return "no rule matches, or none was recorded"
	}
	return "by " + strings.Join(e.Rules, "; ")
}

// result is how the exchange came out. A decided event means that values may
// have been sent before it ended, unless there was no connection to send them on.
func result(e audit.Event, decided bool) (outcome, text string) {
	detail := e.Detail
	if detail == "" {
		detail = "no more is recorded"
	}
	sent := "no value was sent"
	if decided && !e.Unsent {
		sent = "a value may have been sent before that"
	}
	switch {
	case e.Method == "PRUNE":
		return outcomeOther, detail
	case meaning(e) != "":
		return outcomeClient, detail + ". " + meaning(e)
	case e.Event != audit.Done:
		return outcomeOpen, "it was allowed, and is under way, or its process ended before it did"
	case e.Method == "ENV":
		return outcomeOther, fmt.Sprintf("the program ended with code %d", e.StatusCode)
	case e.Status == audit.Blocked && e.StatusCode == http.StatusSwitchingProtocols:
		return outcomeRefused, fmt.Sprintf("a message was refused, and the connection ended: %s: %s; %s", e.Reason, detail, sent)
	case e.Status == audit.Blocked:
		return outcomeRefused, fmt.Sprintf("refused with %d %s: %s; %s", e.StatusCode, e.Reason, detail, sent)
	case e.Reason != "-":
		return outcomeFailed, fmt.Sprintf("failed with %d %s: %s; %s", e.StatusCode, e.Reason, detail, sent)
	case e.StatusCode == statusClientLeft:
		return outcomeFailed, "the client left before there was an answer; " + sent
	case len(e.SecretKeys) > 0:
		return outcomeExpanded, fmt.Sprintf("allowed, the value was put in; the host answered %d after %d ms", e.StatusCode, e.DurationMS)
	case len(e.Mentions) > 0:
		return outcomeText, fmt.Sprintf("nothing was expanded; the host answered %d after %d ms", e.StatusCode, e.DurationMS)
	}
	return outcomePassed, fmt.Sprintf("nothing was to be expanded; the host answered %d after %d ms", e.StatusCode, e.DurationMS)
}

// statusClientLeft stands in records for an answer that nobody was there to get.
const statusClientLeft = 499

func (x explanationJSON) write(out io.Writer) {
	fmt.Fprintf(out, "Exchange: %s, %s, environment %s\n", cell(x.ID), x.Event.Timestamp.Local().Format("2006-01-02 15:04:05"), cell(x.Event.Environment))
	for _, row := range [][2]string{{"Asked", x.Asked}, {"Decided", x.Decided}, {"Result", x.Result}, {"As text", x.Text}, {"Redacted", x.Echoes}} {
		if row[1] != "" {
			fmt.Fprintf(out, "%-9s %s\n", row[0]+":", cell(row[1]))
		}
	}
	for _, hint := range x.Hints {
		fmt.Fprintf(out, "To change it: %s\n", cell(hint))
	}
}
