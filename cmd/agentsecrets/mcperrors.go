package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// toolError is what a client gets instead of a result: text that a model can act on,
// and the members of it that a program can.
type toolError struct {
	Slug     string `json:"error"` // as in docs/errors.md
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"` // the command that a person would run
	Domain   string `json:"domain,omitempty"`
	Name     string `json:"name,omitempty"`
	Exchange string `json:"exchange,omitempty"`
}

// result is e as the protocol has it. It is text: what is structured has to be as the
// tool's output schema says, for some clients in errors too.
func (e toolError) result() *mcp.CallToolResult {
	e.Message, e.Hint = agents.Masked(e.Message), agents.Masked(e.Hint)
	text, err := json.Marshal(e)
	if err != nil {
		text = []byte(`{"error":"internal_error"}`)
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}
}

// toolErrorOf is err for a client. What is none of the errors that are for people, and
// so knows no command that helps, may quote anything: the client gets a fixed text, and
// standard error the other.
func (s *mcpServer) toolErrorOf(err error) toolError {
	var p *mitm.Problem
	if errors.As(err, &p) {
		return toolError{Slug: p.Slug, Message: p.Message, Hint: p.Hint, Domain: p.Domain, Name: p.Name}
	}
	e := toolError{Slug: slugOf(err), Message: strings.TrimPrefix(err.Error(), slugOf(err)+": ")}
	var h hinter
	if errors.As(err, &h) {
		e.Hint = h.Hint()
	}
	if e.Slug == "failed" && e.Hint == "" {
		s.app.report(err)
		return toolError{Slug: "internal_error", Message: "this could not be done; the standard error of the server says why", Hint: "agentsecrets doctor"}
	}
	return e
}

// badArguments is what slugOf says of arguments that cannot be.
const badArguments = "usage"

// errFault is all that a client hears of a panic.
var errFault = errors.New("internal_error: the server met a fault of its own, which its standard error tells of")

// ownErrors gives errors that the library found, in arguments that are not as a tool's
// schema wants them, the form of ours. A panic ends one request: what it says may be made
// of a value, so that nobody is told.
func (s *mcpServer) ownErrors(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (result mcp.Result, err error) {
		defer func() {
			if v := recover(); v != nil {
				s.app.warn("a panic (%T) in %s", v, method)
				result, err = nil, errFault
			}
		}()
		result, err = next(ctx, method, req)
		if r, ok := result.(*mcp.CallToolResult); ok && r != nil && r.IsError && r.GetError() != nil { // nil: there is no such tool
			r.Content = toolError{Slug: badArguments, Message: r.GetError().Error()}.result().Content
		}
		return result, err
	}
}
