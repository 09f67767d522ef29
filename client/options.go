package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
)

// DefaultPort is where the proxy listens if nobody says otherwise.
const DefaultPort = 8765

// Option changes how a Client works. What an option says counts before what a
// variable says.
type Option func(*settings)

// WithPort says where the proxy listens, or is to be started (AGENTSECRETS_PORT).
func WithPort(port int) Option { return func(s *settings) { s.port, s.portSaid = port, true } }

// WithWorkspace works in a workspace (AGENTSECRETS_WORKSPACE), by name or ID.
func WithWorkspace(name string) Option { return func(s *settings) { s.at.workspace = name } }

// WithProject works on a project (AGENTSECRETS_PROJECT), by name or ID. Without one it
// is that of the project file in the working directory or above.
func WithProject(name string) Option { return func(s *settings) { s.at.project = name } }

// WithEnvironment works in an environment (AGENTSECRETS_ENV). Without one it is the one
// that the project file names at the moment of each call.
func WithEnvironment(name string) Option { return func(s *settings) { s.at.environment = name } }

// WithAgentToken says which agent this is (AS_AGENT_TOKEN, or AGENTSECRETS_TOKEN).
func WithAgentToken(token string) Option { return func(s *settings) { s.token = token } }

// WithAgent names the agent for the log, where it has no token.
func WithAgent(name string) Option { return func(s *settings) { s.agent = name } }

// WithoutAutoStart leaves a proxy that does not run alone: calls then fail with a
// [*NotRunningError].
func WithoutAutoStart() Option { return func(s *settings) { s.noStart = true } }

// WithBinary names the agentsecrets command; without it, it is looked for on PATH.
func WithBinary(path string) Option { return func(s *settings) { s.binary = path } }

// WithDir is the directory to work in, which is where a project file is looked for;
// without it, it is that of this process.
func WithDir(dir string) Option { return func(s *settings) { s.dir = dir } }

// WithProxy goes through this proxy, without asking the agentsecrets command for one:
// proxyURL holds a credential, as that of `agentsecrets proxy env`, and roots are PEM
// certificates that it is trusted by.
func WithProxy(proxyURL string, roots []byte) Option {
	return func(s *settings) { s.proxyURL, s.roots = proxyURL, roots }
}

// WithStandIn lets others do what a Client would ask the proxy and the command for. It is
// for tests: see package agentsecretstest.
func WithStandIn(in StandIn) Option { return func(s *settings) { s.standIn = in } }

// StandIn is who does a Client's work instead, for many goroutines at a time. A nil field:
// the client does it.
type StandIn struct {
	Call      func(context.Context, Request) (*Response, error) // for requests that are in order
	Command   func(Command) (exit int, err error)
	Transport http.RoundTripper // of HTTPClient
}

// settings are the options of a client and of all that are derived from it.
type settings struct {
	port     int
	portSaid bool
	at       scope
	token    string
	agent    string
	noStart  bool
	binary   string
	dir      string
	proxyURL string
	roots    []byte
	standIn  StandIn
}

// scope is what a client is bound to; "" leaves it to the project file.
type scope struct{ workspace, project, environment string }

func settingsOf(options []Option) (settings, error) {
	s := settings{
		port: DefaultPort,
		at:   scope{os.Getenv("AGENTSECRETS_WORKSPACE"), os.Getenv("AGENTSECRETS_PROJECT"), os.Getenv("AGENTSECRETS_ENV")},
	}
	if s.token = os.Getenv("AS_AGENT_TOKEN"); s.token == "" {
		s.token = os.Getenv("AGENTSECRETS_TOKEN")
	}
	text, hasPort := os.LookupEnv("AGENTSECRETS_PORT")
	for _, o := range options {
		o(&s)
	}
	if hasPort && text != "" && !s.portSaid {
		port, err := strconv.Atoi(text)
		if err != nil {
			return s, badOption("AGENTSECRETS_PORT is %q, not a port", text)
		}
		s.port, s.portSaid = port, true
	}
	if s.port < 1 || s.port > 65535 {
		return s, badOption("%d is not a port", s.port)
	}
	if s.proxyURL != "" {
		if u, err := url.Parse(s.proxyURL); err != nil || u.Scheme != "http" || u.Host == "" {
			return s, badOption("the URL of WithProxy is not that of an http proxy")
		}
	}
	return s, nil
}

func badOption(format string, args ...any) error {
	return &Error{Slug: "bad_request", Message: fmt.Sprintf(format, args...), Fix: "agentsecrets proxy status"}
}
