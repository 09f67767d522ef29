// Command mcpserver is an example of a server of the Model Context Protocol built on package
// client: the model asks it to call an API, and neither the model nor this program ever
// holds the key.
//
//	{"mcpServers": {"acme": {"command": "mcpserver", "args": ["https://api.stripe.com", "STRIPE_KEY"]}}}
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/agentsecrets/agentsecrets/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "mcpserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: mcpserver API NAME")
	}
	c, err := client.New()
	if err != nil {
		return err
	}
	defer c.Close()
	s := mcp.NewServer(&mcp.Implementation{Name: "acme", Version: "1.0.0"}, nil)
	a := &api{base: args[0], name: args[1], caller: c}
	mcp.AddTool(s, &mcp.Tool{Name: "get", Description: "Ask the API for a path, such as /v1/balance"}, a.get)
	return s.Run(ctx, &mcp.StdioTransport{})
}

// api is what the tools call: one host, and the name of the secret for it.
type api struct {
	base, name string
	caller     client.Caller
}

type getInput struct {
	Path string `json:"path" jsonschema:"what to ask for, beginning with /"`
}

type getOutput struct {
	Status   int    `json:"status"`
	Redacted bool   `json:"redacted"`
	Body     string `json:"body"`
}

// get is the tool. The model chooses the path, and not where it leads to.
func (a *api) get(ctx context.Context, _ *mcp.CallToolRequest, in getInput) (*mcp.CallToolResult, getOutput, error) {
	to, err := url.JoinPath(a.base, in.Path)
	if err != nil {
		return nil, getOutput{}, err
	}
	resp, err := a.caller.Call(ctx, client.Request{URL: to, Bearer: a.name})
	var up *client.UpstreamError
	if err != nil && !errors.As(err, &up) {
		return nil, getOutput{}, err // the model is told the command that would fix it
	}
	return nil, getOutput{resp.StatusCode, resp.Redacted, resp.Text()}, nil
}
