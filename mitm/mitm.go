// Package mitm is an HTTPS forward proxy that expands placeholders in requests
// and redacts echoes of their values in responses.
//
//	p, err := mitm.New(mitm.Config{Leaf: authority.Leaf, Allow: …, Resolve: …, Record: log.Write})
//	run := p.NewRun(func() mitm.Scope { return scope })
//	defer run.Revoke()
//	go p.Serve(listener)
//	cmd.Env = append(cmd.Env, "HTTPS_PROXY="+run.URL(listener.Addr()))
//
// Guarantees: an origin is chosen by the CONNECT authority alone; nothing goes
// upstream before policy has allowed it and the decision has been recorded; a
// value is revealed only into a request to a verified origin, or by a rule that
// says so to one on this machine; what rules say differently of how a request is
// made is never done on one connection; and whatever cannot be decided, resolved,
// scanned or recorded is refused, not sent.
package mitm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Scope says for whom an exchange is made: what its run was pinned to. It holds
// names and IDs only.
type Scope struct {
	RunID                      string
	WorkspaceID, WorkspaceName string
	ProjectID, ProjectName     string
	Environment                string
	AgentID                    string // as the client says, or as its token does
	TokenID                    string // of the agent's token; "": there was none
	Mixed                      bool   // a token was shown where another agent's counts already

	Seen any // what Look found, for the other funcs of Config; nil: they look for themselves
}

// Use is one placeholder in a request, as policy is asked about it.
type Use struct {
	Name   string // of the secret
	Host   string // of the origin, in A-label form, without brackets
	Port   int
	Method string
	Path   string // as the client wrote it: no value, no query
	Place  string // as internal/place writes it: "header:authorization", "path", …
	Whole  bool   // the header or field value, or path segment, is nothing but the placeholder
}

// Config holds what the proxy depends on. All funcs are called concurrently.
type Config struct {
	// Leaf mints or recalls the certificate shown to clients for host.
	Leaf func(host string) (*tls.Certificate, error)
	// NormalHost brings a host into the one form in which hosts are compared,
	// or says that it is none.
	NormalHost func(host string) (string, error)
	// Look returns s with policy as it is at the moment in s.Seen: what is asked about
	// it until the request goes out is then answered by one look, and so consistently.
	// Whatever was waited for has it look again. Nil: nothing is kept.
	Look func(s Scope) Scope
	// Allow decides about one use; a *Problem tells the client why not.
	Allow func(Scope, Use) error
	// Rules names the rules and bindings by which Allow decides, for the record.
	// Nil names none.
	Rules func(Scope, Use) []string
	// Text reports whether a placeholder in a path or in a body stands there as
	// text, which passes as it is, and not for its value: a path where no binding
	// asks for it, a prompt to a model provider. Nil: only what is not the whole of
	// a value in a body is text.
	Text func(Scope, Use) bool
	// Anywhere reports whether a binding lets some value go to host:port wherever a
	// body names it (body:any). Nil: none does.
	Anywhere func(s Scope, host string, port int) bool
	// Reaches reports whether any value might ever go to host:port.
	Reaches func(s Scope, host string, port int) bool
	// Route says what becomes of what is sent to host:port. Nil opens all.
	Route func(s Scope, host string, port int) Route
	// Shown is told, once for each intercepted connection, how the client took our
	// certificate: what does not trust our CA, or trusts for this host one certificate
	// alone, leaves. Nil tells nobody.
	Shown func(Shown)
	// Program names the program at the other end of a connection that is about to be
	// shown our certificate, "" where it cannot or need not be told. Nil: of none.
	Program func(client net.Conn) string
	// Resolve finds the value of name. A *Problem tells the client why not.
	Resolve func(ctx context.Context, s Scope, name string) (resolve.Value, error)
	// Identify returns s as that of the agent whose token a client shows. Whether it
	// counts is for Admit to say. Nil: no token counts.
	Identify func(s Scope, token string) Scope
	// Admit decides whether the token of s counts at the moment. It is asked at
	// every exchange, and of scopes with a TokenID alone. Nil: none counts.
	Admit func(Scope) error
	// Spend counts an exchange in which a secret is used against what the agent of
	// s may, once for each. Nil counts nothing.
	Spend func(Scope) error
	// Record writes an audit event; it must have reached the file on return.
	Record func(audit.Event) error
	// Options says how exchanges may be made by the rules that allow a use, or
	// that name a request without one (which has no Place). Nil: as strictly as can be.
	Options func(Scope, Use) Options
	// Adding is the command that adds the rule anew that allows a use, or that names
	// a request, to which an option can be added. Nil: one for the host.
	Adding func(Scope, Use) string
	// Guard refuses addresses that an exchange with a value may not reach;
	// GuardAlways those that no exchange may reach. What GuardPrivate takes may
	// be reached where Options say so; nil takes none.
	Guard, GuardAlways, GuardPrivate func(netip.Addr) error
	// Pin names the address to dial for host:port instead of resolving it; a
	// pinned address is not asked of Guard. Nil pins nothing.
	Pin func(host string, port int) (netip.AddrPort, bool)
	// Parent is the proxy through which host:port is reached, unless it is pinned.
	// Nil, or a nil Parent, means none.
	Parent func(host string, port int) *Parent
	// Roots verifies origins of host. Nil, or a nil pool, means the system's.
	Roots func(host string) *x509.CertPool
	// PlainRoots verifies exchanges without a value; nil means Roots.
	PlainRoots func(host string) *x509.CertPool
	// Local tells who is at the other end of a connection to the proxy. It is
	// asked once for each. A *Problem refuses the client, whatever credential it
	// has; with no RunOf, or another error, it needs one. Nil: all do.
	Local func(client net.Conn) (RunOf, error)
	// MaxConns and MaxRunConns limit the connections of clients, and exchanges at a
	// time, in all and of one run. 0 means DefaultMaxConns and DefaultMaxRunConns.
	MaxConns, MaxRunConns int
	// Timeouts are how long clients may keep the proxy waiting.
	Timeouts Timeouts
	// Command is what the proxy was started with, for hints. "": proxy start.
	Command string
	// Status answers requests to the proxy itself, such as /health. Nil: 404.
	Status http.Handler
	// Observer is told what happened, for metrics. Nil tells nobody.
	Observer Observer
	// Log receives refusals and failures; never a value. Nil discards.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// RunOf finds the run of a client without a credential. It is asked at each
// request, so that it can follow where the client works; a *Problem tells the
// client why there is none.
type RunOf func() (*Run, error)

func (c *Config) check() error {
	switch {
	case c.Leaf == nil, c.NormalHost == nil, c.Allow == nil, c.Reaches == nil,
		c.Resolve == nil, c.Record == nil, c.Guard == nil, c.GuardAlways == nil:
		return errors.New("mitm: Leaf, NormalHost, Allow, Reaches, Resolve, Record, Guard and GuardAlways are required")
	}
	return nil
}

func (c *Config) look(s Scope) Scope {
	if c.Look == nil {
		return s
	}
	return c.Look(s)
}

func (c *Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c *Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
