package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/internal/mcpclients"
)

func (a *app) mcpConfigCommand() *cobra.Command {
	client := ""
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show what to write into the settings of an MCP client",
		Long: `Show what to write into the settings of an MCP client, to have it start a server for
this project and environment: in the form that most clients read, or in that of --client.
No file is changed.`,
		Args: takes(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return a.mcpConfig(client) },
	}
	cmd.Flags().StringVar(&client, "client", "", "one of those that mcp install knows")
	a.completeFlag(cmd, "client", func() ([]string, error) { return clientNames(), nil })
	return cmd
}

type mcpConfigJSON struct {
	Server mcpclients.Server `json:"server"`
	Text   string            `json:"text"`
	File   string            `json:"file,omitempty"`
}

func (a *app) mcpConfig(name string) error {
	c := mcpclients.Other()
	if name != "" {
		chosen, err := (mcpInstall{clients: []string{name}}).chosen(nil)
		if err != nil {
			return err
		}
		c = chosen[0]
	}
	s, err := a.inRunOr()
	if err != nil {
		return err
	}
	result := mcpConfigJSON{Server: s}
	if result.Text, err = c.Snippet(s); err != nil {
		return err
	}
	if name != "" {
		if result.File, err = c.Path(); err != nil {
			return err
		}
		a.say("For %s:", result.File)
	}
	return a.print(result, func(out io.Writer) { io.WriteString(out, result.Text) })
}

func (a *app) mcpStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show which MCP clients start our server, and for what",
		Args:  takes(cobra.NoArgs),
		RunE:  func(*cobra.Command, []string) error { return a.mcpStatus() },
	}
}

type mcpSeenJSON struct {
	Client string             `json:"client"`
	File   string             `json:"file"`
	State  string             `json:"state"` // installed, other, absent, no client or unreadable
	Reason string             `json:"reason,omitempty"`
	Server *mcpclients.Server `json:"server,omitempty"`
}

func (a *app) mcpStatus() error {
	want, err := a.inRunOr()
	if err != nil && !errors.Is(err, env.ErrNoProject) {
		return err
	}
	list := []mcpSeenJSON{}
	for _, c := range mcpclients.All() {
		list = append(list, seenIn(c, want))
	}
	return a.print(map[string]any{"clients": list}, func(out io.Writer) {
		rows := make([][]string, len(list))
		for i, s := range list {
			rows[i] = []string{s.Client, s.State, s.File, s.Reason}
		}
		io.WriteString(out, grid(a.columns(), []string{"Client", "State", "File", "Reason"}, rows))
	})
}

func seenIn(c mcpclients.Client, want mcpclients.Server) mcpSeenJSON {
	s := mcpSeenJSON{Client: c.Name}
	path, err := c.Path()
	if err != nil {
		s.State, s.Reason = "unreadable", err.Error()
		return s
	}
	s.File = path
	got, found, err := c.Installed()
	for i := range got.Args { // somebody else may have put a token there
		got.Args[i] = agents.Masked(got.Args[i])
	}
	switch {
	case err != nil:
		s.State, s.Reason = "unreadable", err.Error()
	case found && got.Command == want.Command && got.Home == want.Home && slices.Equal(got.Args, want.Args):
		s.State, s.Server = "installed", &got
	case found:
		s.State, s.Server = "other", &got
		s.Reason = fmt.Sprintf("it starts %s %q", got.Command, got.Args)
	case !c.There():
		s.State = "no client"
	default:
		s.State = "absent"
	}
	return s
}
