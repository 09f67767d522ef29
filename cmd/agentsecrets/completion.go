package main

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/ca/trust"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/visible"
)

// Completion answers with names that exist here, from files that hold no value: it
// asks no store, and waits for nobody. It says nothing on failure: its output goes
// into a command line that somebody is typing.

// completing reports whether a shell asks for what might come next.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// hush keeps cobra's remarks about completion, some of which it writes past its
// own streams, off the command line that they would end up in.
func hush(root *cobra.Command) {
	root.SetErr(io.Discard)
	if nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = nowhere
	}
}

// complete proposes names for a flag.
func (a *app) complete(names func() ([]string, error)) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return a.fitting(names, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeArgs proposes names for the arguments of a command, as many as it takes, and
// none twice.
func (a *app) completeArgs(names func() ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 && !strings.Contains(cmd.Use, "…") && len(given) >= len(strings.Fields(cmd.Use))-1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		fit := slices.DeleteFunc(a.fitting(names, typed), func(name string) bool { return slices.Contains(given, name) })
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFirst proposes names for the first argument alone: what follows is new.
func (a *app) completeFirst(names func() ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.fitting(names, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// described is an ID with the name of what it is of.
type described struct{ id, of string }

// completeID proposes IDs for the one argument of a command, in their order; none says itself what it is of.
func (a *app) completeID(ids func() ([]described, error)) cobra.CompletionFunc {
	return func(_ *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		of := map[string]string{}
		fit := a.fitting(func() (names []string, err error) {
			list, err := ids()
			for _, d := range list {
				names, of[d.id] = append(names, d.id), d.of
			}
			return names, err
		}, typed)
		for i, id := range fit {
			if typeable(of[id]) {
				fit[i] = cobra.CompletionWithDesc(id, of[id])
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeFrom proposes what make turns names into; more says that something is
// to follow before the next word.
func (a *app) completeFrom(names func() ([]string, error), more cobra.ShellCompDirective, make func(name, typed string) string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		made := func() ([]string, error) {
			all, err := names()
			for i := range all {
				all[i] = make(all[i], typed)
			}
			return all, err
		}
		return a.fitting(made, typed), cobra.ShellCompDirectiveNoFileComp | more
	}
}

// fitting are the names that begin as typed.
func (a *app) fitting(names func() ([]string, error), typed string) []string {
	if a.settle() != nil {
		return nil
	}
	all, err := names()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !strings.HasPrefix(name, typed) || !typeable(name) })
}

// typeable reports whether name can be put into a command line: shells
// differ in what they quote, and some of what they would run was chosen by whoever
// wrote a project file.
func typeable(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return !visible.Is(r) || strings.ContainsRune("\"'`$\\!;&|<>(){}[]?#~", r)
	}) < 0
}

func (a *app) completeFlag(cmd *cobra.Command, flag string, names func() ([]string, error)) {
	if err := cmd.RegisterFlagCompletionFunc(flag, a.complete(names)); err != nil {
		panic(err) // a flag that this command does not have
	}
}

// completeTree gives flags their completion that mean the same with every command, and
// keeps shells from proposing files where no file is meant.
func (a *app) completeTree(root *cobra.Command) {
	completionCommand(root)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	flags := a.flagCompletions()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if _, has := cmd.GetFlagCompletionFunc(f.Name); has {
				return
			}
			if complete := flags[f.Name]; complete != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails where there is one
			} else if strings.HasSuffix(f.Name, "-file") {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, files)
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// flagCompletions are those of flags by their name. A name stands for one thing in all
// commands.
func (a *app) flagCompletions() map[string]cobra.CompletionFunc {
	pair := a.completeFrom(a.secretNames, 0, func(name, typed string) string {
		field, _, ok := strings.Cut(typed, "=")
		if !ok {
			return "" // the name of the field is not typed yet
		}
		return field + "=" + name
	})
	return map[string]cobra.CompletionFunc{
		"agent": a.complete(a.agentNames), "allow": a.complete(a.secretNames), "deny": a.complete(a.secretNames),
		"audit": files, "ca": files, "origin-ca": files,
		"bearer": a.complete(a.secretNames), "basic": a.complete(a.secretNames),
		"header": pair, "query": pair, "body-field": pair, "form-field": pair,
		"host":    a.complete(a.hostNames),
		"tunnel":  a.complete(a.hostNames),
		"resolve": a.completeFrom(a.hostNames, cobra.ShellCompDirectiveNoSpace, func(host, _ string) string { return host + ":" }),
		"url":     a.completeURL(),
		"in":      a.complete(listed(placeNames()...)),
		"method":  a.complete(listed(methodNames()...)),
		"egress":  a.complete(listed(egressInspect, egressDeny, egressTunnel)),
		"parent":  a.complete(listed("env", "none")),
		"store":   a.complete(listed(trust.System, trust.NSS, trust.Java)),
	}
}

// completionCommand is cobra's, but for what its scripts get wrong in zsh and fish: they
// take any "-…=" for the name of a flag, that in the middle of X-Api-Key=NAME too.
func completionCommand(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, helpOf // a shell that there is not is wrong use, as with any group
			for _, shell := range cmd.Commands() {
				shell.Args = takes(cobra.NoArgs)
			}
		}
	}
	for shell, generate := range map[string]func(io.Writer, bool) error{
		"fish": root.GenFishCompletion,
		"zsh": func(out io.Writer, descriptions bool) error {
			if descriptions {
				return root.GenZshCompletion(out)
			}
			return root.GenZshCompletionNoDesc(out)
		},
	} {
		cmd, _, err := root.Find([]string{"completion", shell})
		if err != nil {
			panic(err) // it was made above
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			bare, _ := cmd.Flags().GetBool("no-descriptions")
			var script bytes.Buffer
			if err := generate(&script, !bare); err != nil {
				return err
			}
			_, err := io.WriteString(root.OutOrStdout(), strings.ReplaceAll(script.String(), " '-.*=' ", " '^-.*=' "))
			return err
		}
	}
}

// completeURL proposes the hosts that values may go to, and those of well-known APIs.
func (a *app) completeURL() cobra.CompletionFunc {
	return a.completeFrom(a.hostNames, cobra.ShellCompDirectiveNoSpace, func(host, _ string) string { return "https://" + host + "/" })
}

// files has the shell propose its files.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// programs proposes what PATH holds for the first word, and files for the others.
func (a *app) programs(_ *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 || typed == "" || strings.ContainsRune(typed, os.PathSeparator) {
		return files(nil, given, typed)
	}
	var found []string
	for _, dir := range filepath.SplitList(a.variable("PATH")) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), typed) && !e.IsDir() && typeable(e.Name()) {
				found = append(found, e.Name())
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeGlobals(root *cobra.Command) {
	a.completeFlag(root, "output", func() ([]string, error) { return []string{"json", "text"}, nil })
	a.completeFlag(root, "workspace", a.workspaceNames)
	a.completeFlag(root, "project", a.projectNames)
	a.completeFlag(root, "environment", a.environmentNames)
}

func (a *app) secretNames() ([]string, error) {
	w, err := a.where()
	if err != nil {
		return nil, err
	}
	return w.names()
}

func (a *app) ruleNames() ([]string, error) {
	w, err := a.where()
	if err != nil {
		return nil, err
	}
	policy, err := w.policy()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range policy.Rules {
		names = append(names, r.String()) // as remove takes it
	}
	return names, nil
}

// tokenIDs are those of the tokens of an agent, or of all of them, that can be revoked.
func (a *app) tokenIDs(agent string) (ids []described, err error) {
	w, err := a.agentsHere()
	if err != nil {
		return nil, err
	}
	book, err := w.agents()
	if err != nil {
		return nil, err
	}
	for _, one := range book.Agents {
		for _, t := range one.Tokens {
			if t.Revoked.IsZero() && (agent == "" || strings.EqualFold(agent, one.Name)) {
				ids = append(ids, described{t.ID, one.Name})
			}
		}
	}
	return ids, nil
}

// maxRecent exchanges are proposed: who looks for an older one has its ID.
const maxRecent = 20

// exchangeIDs are those of the latest exchanges that are recorded, the latest first.
func (a *app) exchangeIDs() ([]described, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	events, err := audit.Read(auditDir(home), audit.Filter{Last: maxRecent})
	if bad := (*audit.BadLinesError)(nil); err != nil && !errors.As(err, &bad) {
		return nil, err
	}
	var ids []described
	for _, e := range slices.Backward(events) {
		ids = append(ids, described{e.ID, cmp.Or(e.Domain, e.Client)})
	}
	return ids, nil
}

func (a *app) workspaceNames() ([]string, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	known, err := env.OpenRegistry(home).Workspaces()
	var names []string
	for _, w := range known {
		names = append(names, w.Name)
	}
	return names, err
}

func (a *app) projectNames() ([]string, error) {
	projects, err := a.projects()
	var names []string
	for _, p := range projects {
		names = append(names, p.Name)
	}
	return names, err
}

// hostNames are the hosts of the allowlist and of bindings, then those of well-known APIs.
func (a *app) hostNames() ([]string, error) {
	var names []string
	add := func(rules []allowlist.Rule) {
		for _, r := range rules {
			host := allowlist.Rule{Host: r.Host, Port: r.Port}.String()
			if !r.Wildcard && !slices.Contains(names, host) {
				names = append(names, host)
			}
		}
	}
	if w, err := a.where(); err == nil {
		if policy, err := w.policy(); err == nil {
			add(policy.Rules)
			for _, b := range policy.Bindings[w.ProjectID] {
				add(b.Hosts)
			}
		}
	}
	for _, p := range allowlist.NewCatalogue().Providers() {
		add(p.Hosts)
	}
	return names, nil
}
