package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/runtree"
)

func (a *app) mcpCommand() *cobra.Command {
	return group("mcp", "Let programs that speak the Model Context Protocol make calls, and never show them a value",
		a.mcpServeCommand(), a.mcpInstallCommand(), a.mcpUninstallCommand(), a.mcpStatusCommand(), a.mcpConfigCommand())
}

// mcpOptions are the flags of mcp serve.
type mcpOptions struct {
	origins originFlags
	log     logFlag
	token   string // of an agent
}

func (a *app) mcpServeCommand() *cobra.Command {
	var o mcpOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Be an MCP server on standard input and output, for the program that starts it",
		Long: `Be an MCP server on standard input and output, for the program that starts it: an
editor, a desktop application, an agent. Its tools list the names of secrets, make one
request as call does, read what this server itself recorded, show what is set up, and
say whether a secret would go to a URL. None shows a value or changes a rule.

Project and environment are those of the flags, or of the directory, from the beginning
to the end. Where there is none yet, or the store is locked, the tools say so and the
command that helps; the server need not be started again.

It ends when its standard input does.`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.token, err = a.agentToken(cmd); err != nil {
				return err
			}
			return a.serveMCP(cmd.Context(), o)
		},
	}
	o.origins.define(a, cmd)
	o.log.define(a, cmd, "")
	agentFlag(cmd)
	return cmd
}

// serveMCP serves until standard input ends, or until we are told to end.
func (a *app) serveMCP(ctx context.Context, o mcpOptions) error {
	// From here on standard output is the protocol's, and nobody is asked anything.
	protocol := &oneByOne{WriteCloser: a.stdout}
	a.stdout, a.noInput = a.stderr, true
	inside, err := runtree.Inside()
	if err != nil {
		return err
	}
	if inside && o.origins.any() {
		return o.origins.refusedInRun()
	}
	log, err := o.log.logger(a.stderr)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	s := &mcpServer{app: a, options: o, inside: inside, log: log, life: ctx, started: time.Now(), opening: make(chan struct{}, 1)}
	if err := s.checkFlags(ctx); err != nil {
		return err
	}
	err = s.server().Run(ctx, &mcp.IOTransport{Reader: newMCPLines(a.stdin, protocol), Writer: protocol})
	if ctx.Err() != nil { // we were told to end, as clients do with servers that hear nothing
		err = nil
	}
	end()
	return errors.Join(err, s.close())
}

// server is what clients see.
func (s *mcpServer) server() *mcp.Server {
	options := &mcp.ServerOptions{Instructions: mcpInstructions, Logger: s.log, Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "agentsecrets", Title: "AgentSecrets", Version: version()}, options)
	server.AddReceivingMiddleware(s.ownErrors)
	s.addTools(server)
	return server
}

const mcpInstructions = `Secrets are known here by name only. To call an API with one, use the tool call and name the secret where the API wants its credential: it is put in on the way, for hosts that a rule allows. No tool shows the value of a secret, and none changes a rule; where a call is refused, show the person the hint: it is the command that they would run.`
