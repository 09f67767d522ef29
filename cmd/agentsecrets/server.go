package main

import (
	"fmt"
	"io"
	"net/mail"
	"net/url"

	"github.com/spf13/cobra"
)

// What several people or machines share needs a server. This version keeps all on
// one machine and can talk to none: it says so, and never does half of it.

const serverVariable = "AGENTSECRETS_SERVER_URL"

// needsServer makes a command that fails until there is a server.
func (a *app) needsServer(cmd *cobra.Command, what string) *cobra.Command {
	cmd.Long = cmd.Short + `.

This needs a server, and this version cannot talk to one yet: all that it has is on this
machine. The server is what ` + serverVariable + ` names, else server_url in the project file.`
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := outsideRun(what); err != nil {
			return err
		}
		return a.noServer(cmd.CommandPath())
	}
	return cmd
}

// serverURL is what names a server, and which: "" where nothing does.
func (a *app) serverURL() (by, server string, err error) {
	if server = a.variable(serverVariable); server != "" {
		return serverVariable, server, nil
	}
	q, err := a.query()
	if err != nil {
		return "", "", err
	}
	path, f, err := projectFile(q)
	return "server_url in " + path, f.ServerURL, err
}

// noServer is why a command that needs a server cannot do its work.
func (a *app) noServer(command string) error {
	by, server, err := a.serverURL()
	switch {
	case err != nil:
		return err
	case server == "":
		return &failure{
			code: exitFailure, hint: "export " + serverVariable + "=https://SERVER",
			err: fmt.Errorf("no_server: %s needs a server, and none is configured; everything is kept on this machine, and this version cannot talk to a server yet", command),
		}
	}
	f := &failure{
		code: exitFailure,
		err:  fmt.Errorf("server_unsupported: %s needs a server; %s names %s, which this version cannot talk to yet", command, by, withoutUser(server)),
	}
	if by == serverVariable {
		f.hint = "unset " + serverVariable
	}
	return f
}

// withoutUser shows a URL, and nothing of a password that somebody wrote into it.
func withoutUser(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "what is no URL of a server"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (a *app) inviteCommand(to, what string) *cobra.Command {
	var role string
	cmd := a.needsServer(&cobra.Command{
		Use: "invite EMAIL", Short: "Invite somebody to the " + to,
		Args: func(cmd *cobra.Command, args []string) error {
			if role != "member" && role != "admin" {
				return usage("--role is member or admin, not %q", role)
			}
			return oneAddress(cmd, args)
		},
	}, what)
	cmd.Flags().StringVar(&role, "role", "member", "member or admin")
	a.completeFlag(cmd, "role", func() ([]string, error) { return []string{"admin", "member"}, nil })
	return cmd
}

// oneAddress takes an address of mail, and nothing beside it.
func oneAddress(cmd *cobra.Command, args []string) error {
	if err := takes(cobra.ExactArgs(1))(cmd, args); err != nil {
		return err
	}
	if at, err := mail.ParseAddress(args[0]); err != nil || at.Address != args[0] {
		return usage("%q is no address such as alice@example.com", args[0])
	}
	return nil
}

const changingMembers = "changing who is in the workspace"

// memberCommands are those on other people than the one who is here.
func (a *app) memberCommands() []*cobra.Command {
	all := []*cobra.Command{a.inviteCommand("workspace", changingMembers)}
	for _, c := range [][2]string{{"remove", "Take somebody out of the workspace"}, {"promote", "Make a member an admin"}, {"demote", "Make an admin a member"}} {
		all = append(all, a.needsServer(&cobra.Command{Use: c[0] + " EMAIL", Short: c[1], Args: oneAddress}, changingMembers))
	}
	return all
}

// sharingCommands are those that take secrets to other machines, or from there.
func (a *app) sharingCommands() []*cobra.Command {
	pull := a.needsServer(&cobra.Command{Use: "pull", Short: "Take what the server has, and this machine has not", Args: takes(cobra.NoArgs)}, changingSecrets)
	pull.Flags().Bool("force", false, "also in place of what this machine has")
	push := a.needsServer(&cobra.Command{Use: "push", Short: "Give the server what this machine has, sealed", Args: takes(cobra.NoArgs)}, "sending secrets to a server")
	push.Flags().Bool("force", false, "also in place of what the server has")
	rotate := a.needsServer(&cobra.Command{Use: "rotate NAME…", Short: "Have the server replace values by new ones", Args: takes(cobra.MinimumNArgs(1)), ValidArgsFunction: a.completeArgs(a.secretNames)}, changingSecrets)
	return []*cobra.Command{a.diffCommand(), pull, push, rotate}
}

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff",
		Short: "Show what differs between this machine and the server",
		Long: `Show what differs between the secrets of this machine and those of the server. Without
a server nothing can differ: that is said, and the command succeeds. This version cannot
talk to a server yet, and fails where ` + serverVariable + `, or server_url in the project
file, names one.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.diff(cmd.CommandPath()) },
	}
}

// comparison finds nothing while there is nothing to compare with. Programs look for the
// words "drift" and "added" in the text of this command, so where nothing differs
// nothing is written.
type comparison struct {
	Compared   bool     `json:"compared"`
	HasDrift   bool     `json:"has_drift"`
	LocalOnly  []string `json:"local_only"`
	RemoteOnly []string `json:"remote_only"`
	OutOfSync  []string `json:"out_of_sync"`
}

func (a *app) diff(command string) error {
	w, err := a.where()
	if err != nil {
		return err
	}
	_, server, err := a.serverURL()
	if err != nil {
		return err
	}
	if server != "" {
		return a.noServer(command)
	}
	a.say("No server is configured: the secrets of %s are on this machine alone, and there is nothing to compare them with.", w)
	none := []string{}
	return a.print(comparison{LocalOnly: none, RemoteOnly: none, OutOfSync: none}, func(io.Writer) {})
}

func (a *app) loginCommand() *cobra.Command {
	return a.needsServer(&cobra.Command{Use: "login", Short: "Sign in to the server", Args: takes(cobra.NoArgs)}, "signing in")
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "Sign out of the server; without a session this does nothing",
		Args:  takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			a.say("Nobody is signed in: there is no session on this machine.")
			return a.print(map[string]bool{"logged_out": false}, func(io.Writer) {})
		},
	}
}
