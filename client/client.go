package client

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/agentsecrets/agentsecrets/placeholder"
)

// Client makes calls and runs programs with secrets, and does what the agentsecrets
// command does. It may be used by many goroutines.
type Client struct {
	*shared
	at scope
}

// shared is what a client and those derived from it have in common.
type shared struct {
	settings settings
	direct   *http.Transport // to the proxy itself
	ways     ways
}

// Caller makes a call: a [*Client], or what stands in for one.
type Caller interface {
	Call(context.Context, Request) (*Response, error)
}

// New makes a client. It starts nothing: the proxy is started, if need be, by the first
// call, and the command is looked for when it is needed.
func New(options ...Option) (*Client, error) {
	s, err := settingsOf(options)
	if err != nil {
		return nil, err
	}
	c := &Client{shared: &shared{settings: s, ways: newWays()}, at: s.at}
	c.direct = &http.Transport{
		DialContext:        (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		DisableCompression: true, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 16,
	}
	return c, nil
}

// Close gives idle connections back. The client may be used on.
func (c *Client) Close() {
	c.direct.CloseIdleConnections()
	c.ways.closeIdle()
}

// Workspace is the same client in another workspace; of which project it is must be said
// as well, unless the project file of the working directory belongs to that workspace.
// Nothing changes for anybody else.
func (c *Client) Workspace(name string) *Client {
	return &Client{c.shared, scope{workspace: name, environment: c.at.environment}}
}

// Project is the same client for another project. Nothing changes for anybody else.
func (c *Client) Project(name string) *Client {
	return &Client{c.shared, scope{c.at.workspace, name, c.at.environment}}
}

// Environment is the same client in another environment. Nothing changes for anybody else.
func (c *Client) Environment(name string) *Client {
	return &Client{c.shared, scope{c.at.workspace, c.at.project, name}}
}

// Placeholder is the text that stands for a secret in requests: the proxy puts the value
// in its place.
func Placeholder(name string) string { return placeholder.For(name) }
