package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/resolve"
)

func (a *app) secretsCommand() *cobra.Command {
	cmd := group("secrets", "Keep secrets; none is ever shown", a.setCommand(), a.importCommand(), a.bindCommand(), a.listCommand(), a.deleteCommand(), a.moveCommand())
	cmd.AddCommand(a.sharingCommands()...)
	return cmd
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "Show the names of the secrets that are kept here, and where they may go",
		Args:  takes(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.listSecrets(cmd.Context()) },
	}
}

func (a *app) deleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME…", Aliases: []string{"rm"},
		Short:             "Delete secrets, all are checked before any is deleted",
		Args:              takes(cobra.MinimumNArgs(1)),
		ValidArgsFunction: a.completeArgs(a.secretNames),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.deleteSecrets(cmd.Context(), args) },
	}
}

type secretJSON struct {
	bindingJSON
	Updated time.Time `json:"updated_at"`
}

// listed are the secrets that are kept where w is, with what they are bound to.
func (w where) listed(ctx context.Context) ([]secretJSON, error) {
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	entries, err := index(w.home).Names(w.ProjectID, w.Environment)
	if err != nil {
		return nil, err
	}
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	list := make([]secretJSON, 0, len(entries))
	for _, e := range entries {
		list = append(list, secretJSON{showBinding(e.Name, policy.Bindings[w.ProjectID][e.Name]), e.Updated.UTC()})
	}
	return list, nil
}

func (a *app) listSecrets(ctx context.Context) error {
	w, err := a.where()
	if err != nil {
		return err
	}
	list, err := w.listed(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 && a.onTerminal() {
		a.say("No secret is kept in %s yet: agentsecrets secrets set NAME", w)
	}
	return a.print(map[string]any{"secrets": list}, func(out io.Writer) { a.writeSecrets(out, list) })
}

// writeSecrets draws a table for people, and one name a line for programs.
func (a *app) writeSecrets(out io.Writer, list []secretJSON) {
	if !a.onTerminal() {
		for _, s := range list {
			fmt.Fprintln(out, s.Name)
		}
		return
	}
	if len(list) == 0 {
		return
	}
	rows := make([][]string, len(list))
	for i, s := range list {
		hosts, places := few(s.Hosts), few(s.Places)
		if hosts == "" {
			hosts = "any allowed host"
		}
		if places == "" {
			places = "usual"
		}
		rows[i] = []string{s.Name, hosts, places, s.limits(), s.Updated.Local().Format("2006-01-02 15:04")}
	}
	io.WriteString(out, grid(a.columns(), []string{"Name", "Hosts", "Places", "Requests", "Updated"}, rows))
}

// limits are the methods and paths that a secret is bound to, and whether programs
// may be given it.
func (b bindingJSON) limits() string {
	all := append(slices.Clone(b.Methods), b.Paths...)
	if len(all) == 0 {
		all = []string{"any"}
	}
	if b.NoEnv {
		all = append(all, "no-env")
	}
	return strings.Join(all, " ")
}

// changingSecrets is refused inside a run: a program there could put a value of
// its own under a name that others use, or lead us to a keychain of its own.
const changingSecrets = "changing which secrets are kept"

func (a *app) deleteSecrets(ctx context.Context, names []string) error {
	if err := outsideRun(changingSecrets); err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	s, err := w.secrets(ctx)
	if err != nil {
		return err
	}
	known, err := w.names()
	if err != nil {
		return err
	}
	var missing []error
	for _, name := range names {
		if !slices.Contains(known, name) {
			f := notStored(w, name)
			f.hint = "agentsecrets secrets list"
			missing = append(missing, f)
		}
	}
	if err := joined(missing); err != nil {
		return err
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		if err := s.index.Delete(ctx, s.store, w.ref(name)); err != nil && !errors.Is(err, resolve.ErrNotFound) {
			return err
		}
		a.say("Deleted %s from %s.", name, w)
	}
	if err := w.unbindGone(names); err != nil {
		return err
	}
	return a.print(map[string][]string{"deleted": names}, func(io.Writer) {})
}

// unbindGone forgets the bindings of names that no environment keeps any more. It
// looks again under the policy's lock: somebody may be setting one anew.
func (w where) unbindGone(names []string) error {
	policy, err := w.policy()
	if err != nil {
		return err
	}
	bound := func(name string) bool { _, ok := policy.Bindings[w.ProjectID][name]; return ok }
	if !slices.ContainsFunc(names, bound) {
		return nil
	}
	return w.updatePolicy(func(p *allowlist.Policy) error {
		for _, name := range names {
			held, err := index(w.home).Environments(w.ProjectID, name)
			if err != nil {
				return err
			}
			if _, bound := p.Bindings[w.ProjectID][name]; !bound || len(held) > 0 {
				continue
			}
			p.Note(change("clear", name))
			delete(p.Bindings[w.ProjectID], name)
		}
		return nil
	})
}
