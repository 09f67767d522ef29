package client

import (
	"fmt"
	"net/http"
)

// Error is what every error of this package is, or wraps: errors.As finds it behind
// those that have more to tell.
type Error struct {
	Slug     string // that docs/errors.md lists, such as "binding_denied"; "" where there is none
	Message  string // what was wrong
	Status   int    // of the proxy's refusal; 0 if the command refused, or nobody could be asked
	ExitCode int    // of the command; 0 if it was not the command
	Exchange string // ID in the audit log, for Explain; "" if it did not come to an exchange
	Domain   string // of the origin, where one is concerned
	Name     string // of the secret, where one is concerned
	Fix      string // the command that would fix it; "" if there is none

	asked string // what was asked for: the words of the command, or "call"
	at    scope
	port  int
}

func (e *Error) Error() string {
	text := e.Message
	if e.Slug != "" {
		text = e.Slug + ": " + text
	}
	if e.Fix != "" {
		text += " (" + e.Fix + ")"
	}
	return text
}

// Hint is Fix, by the name that errors of all our packages have for it.
func (e *Error) Hint() string { return e.Fix }

// detail is the part that all errors of this package have in common.
type detail struct{ cause *Error }

func (d detail) Error() string { return d.cause.Error() }
func (d detail) Hint() string  { return d.cause.Hint() }
func (d detail) Unwrap() error { return d.cause }

// NotRunningError: nothing listens at the proxy's port, or there is no agentsecrets
// command. Its text holds the whole set-up.
type NotRunningError struct {
	detail
	Port int
}

// ProxyConnectionError: something listens there, and no answer of a proxy came.
type ProxyConnectionError struct {
	detail
	Port   int
	Reason string
}

// DomainNotAllowedError: no rule of the allowlist lets secrets go to the host.
type DomainNotAllowedError struct {
	detail
	Domain string
}

// SecretNotFoundError: nothing is kept under this name in the project and environment.
type SecretNotFoundError struct {
	detail
	Name, Project, Environment string
}

// SessionExpiredError: the session with the server is over.
type SessionExpiredError struct{ detail }

// UpstreamError: the value was sent, and the API itself answered 400 or above. Call
// returns the whole response beside it.
type UpstreamError struct {
	detail
	StatusCode int
	Body       []byte
	URL        string
}

// PermissionDeniedError: who asks may not do this: their role does not allow it, it takes
// the workspace password and nobody can be asked for it, or this is inside a run.
type PermissionDeniedError struct {
	detail
	Operation string // the words of the command, or "call"
}

// WorkspaceNotFoundError: there is no such workspace.
type WorkspaceNotFoundError struct {
	detail
	Workspace string
}

// ProjectNotFoundError: there is no such project, or none where the program works.
type ProjectNotFoundError struct {
	detail
	Project string
}

const setUp = `agentsecrets is not ready on this machine. Once:
  install the agentsecrets command and put it on PATH
  agentsecrets init
  agentsecrets secrets set NAME
  agentsecrets workspace allowlist add HOST
and then: agentsecrets proxy start`

// noBinary: the command is nowhere to be found.
func noBinary(port int, err error) error {
	return &NotRunningError{detail{&Error{Slug: "not_running", Message: fmt.Sprintf("there is no agentsecrets command: %v. %s", err, setUp)}}, port}
}

func notRunning(port int) error {
	return &NotRunningError{detail{&Error{
		Slug: "not_running", Fix: "agentsecrets proxy start",
		Message: fmt.Sprintf("no proxy runs on port %d. %s", port, setUp),
	}}, port}
}

func unreachable(port int, reason string) error {
	return &ProxyConnectionError{detail{&Error{
		Slug: "proxy_unreachable", Fix: "agentsecrets proxy status",
		Message: fmt.Sprintf("the proxy on port %d cannot be used: %s", port, reason),
	}}, port, reason}
}

func upstream(url string, r *Response) error {
	return &UpstreamError{detail{&Error{
		Slug: "upstream_error", Status: r.StatusCode, Exchange: r.Exchange,
		Message: fmt.Sprintf("the API answered %d %s", r.StatusCode, http.StatusText(r.StatusCode)),
	}}, r.StatusCode, r.Body, url}
}

// Typed is e as the type that its slug has one for, else e. It is what methods return, and
// a stand-in for them in tests should.
func (e *Error) Typed() error {
	d := detail{e}
	switch e.Slug {
	case "not_running":
		return &NotRunningError{d, e.port}
	case "proxy_unreachable":
		return &ProxyConnectionError{d, e.port, e.Message}
	case "domain_not_in_allowlist", "empty_allowlist", "egress_denied":
		return &DomainNotAllowedError{d, e.Domain}
	case "secret_not_found":
		name, project, environment := missing(e.Message)
		if name == "" {
			name = e.Name
		}
		return &SecretNotFoundError{d, name, project, environment}
	case "session_expired":
		return &SessionExpiredError{d}
	case "permission_denied", "agent_denied":
		return &PermissionDeniedError{d, e.asked}
	case "workspace_not_found":
		return &WorkspaceNotFoundError{d, either(quoted(e.Message), e.at.workspace)}
	case "project_not_found", "no_project":
		return &ProjectNotFoundError{d, either(quoted(e.Message), e.at.project)}
	}
	return e
}

// by says who asked, for the types that tell it.
func (e *Error) by(asked string, c *Client, port int) *Error {
	e.asked, e.at, e.port = asked, c.at, port
	return e
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
